"""Small models that hear, with random weights: the real classes, rates and forms of input."""

from __future__ import annotations

from pathlib import Path

_WORDS = ("rain", "a", "dog", "barks", "tone", "somebody", "speaks", "on", "tin", "roof", "high")
_SPECIAL = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}


def _tokenizer():
    """Return a tokenizer of whole words, whose texts begin and end as RoBERTa's do."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    names = [*_SPECIAL.values(), *_WORDS]
    words = Tokenizer(WordLevel({name: index for index, name in enumerate(names)}, unk_token="<unk>"))
    words.pre_tokenizer = Whitespace()
    words.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=64, cls_token="<s>", **_SPECIAL)


def save_tiny_pe_a_frame(folder: Path, seed: int = 0) -> None:
    """Save model and processor. Leaves torch's global generator as it was."""
    import torch
    from transformers import (
        PeAudioConfig,
        PeAudioFeatureExtractor,
        PeAudioFrameLevelModel,
        PeAudioProcessor,
    )

    config = PeAudioConfig(
        text_config={
            "model_type": "modernbert",
            "vocab_size": 32,
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "pad_token_id": 1,
            "bos_token_id": 0,
            "eos_token_id": 2,
            "cls_token_id": 0,
            "sep_token_id": 2,
        },
        audio_config={
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "head_dim": 8,
            "dac_config": {
                "model_type": "dac",
                "downsampling_ratios": [2, 8, 10, 12],
                "encoder_hidden_size": 2,
                "codebook_dim": 8,
            },
        },
    )
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = PeAudioFrameLevelModel(config).eval()
        model.text_audio_logit_scale.fill_(2.0)
        model.text_audio_logit_bias.fill_(-0.5)
    model.save_pretrained(folder)
    PeAudioProcessor(PeAudioFeatureExtractor(), _tokenizer()).save_pretrained(folder)


def save_tiny_clap(folder: Path, *, fused: bool = False, seed: int = 0) -> None:
    """Save model and processor. Leaves torch's global generator as it was."""
    import torch
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, ClapProcessor

    config = ClapConfig(
        text_config={
            "vocab_size": 32,
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "max_position_embeddings": 100,
            "pad_token_id": 1,
        },
        audio_config={
            "patch_embeds_hidden_size": 8,
            "hidden_size": 32,
            "depths": [1, 1, 1],
            "num_attention_heads": [2, 2, 2],
            "num_hidden_layers": 3,
            "spec_size": 256,
            "enable_fusion": fused,
            "fusion_type": "aff_2d" if fused else None,
        },
        projection_dim=16,
    )
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = ClapModel(config).eval()
    model.save_pretrained(folder)
    extractor = ClapFeatureExtractor(truncation="fusion" if fused else "rand_trunc")
    ClapProcessor(extractor, _tokenizer()).save_pretrained(folder)
