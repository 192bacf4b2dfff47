"""A small VibeVoice with random weights: the real classes and rates, and its own token ids."""

from __future__ import annotations

from pathlib import Path

_TEMPLATE = """{{ " Voice input:\n" }}
{%- for message in messages %}
{%- for item in message['content'] if item['type'] == 'audio' %}
{{- " Speaker " + message['role'] + ":<|vision_start|><|vision_pad|><|vision_end|>\n" }}
{%- endfor %}
{%- endfor %}
{{- " Text input:\n" }}
{%- for message in messages %}
{%- for item in message['content'] if item['type'] == 'text' %}
{{- " Speaker " + message['role'] + ": " + item['text'] + "\n" }}
{%- endfor %}
{%- endfor %}
{{- " Speech output:\n<|vision_start|>" }}"""
_SPECIAL = ("<|endoftext|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>")
_AUDIO = {"num_filters": 2, "depths": [1] * 7, "layer_scale_init_value": 0.1, "initializer_range": 0.1}


def save_tiny_vibevoice(folder: Path, *, ends_after: int = 6, seed: int = 0) -> None:
    """Save model and processor. It speaks noise, for a little more than `ends_after` frames of 0.133 s.

    Leaves torch's global generator as it was.
    """
    import torch
    from transformers import VibeVoiceForConditionalGeneration

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = VibeVoiceForConditionalGeneration(_config()).eval()
        _speak_up(model)
    model.generation_config.update(
        do_sample=False,
        guidance_scale=1.3,
        noise_scheduler_class="DPMSolverMultistepScheduler",
        noise_scheduler_config={"beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction"},
        exponential_decay_length_penalty=(ends_after, 1.5),
    )
    model.save_pretrained(folder)
    _processor().save_pretrained(folder)


def _config():
    from transformers import VibeVoiceConfig

    ids = {name: 256 + index for index, name in enumerate(_SPECIAL)}
    return VibeVoiceConfig(
        text_config={
            "model_type": "qwen2",
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "vocab_size": 260,
            "initializer_range": 0.2,
        },
        audio_config={"model_type": "vibevoice_acoustic_tokenizer", "hidden_size": 16, **_AUDIO},
        semantic_model_config={
            "model_type": "vibevoice_acoustic_tokenizer_encoder",
            "hidden_size": 8,
            **_AUDIO,
        },
        diffusion_head_config={
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "frequency_embedding_size": 32,
        },
        pad_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|endoftext|>"],
        audio_bos_token_id=ids["<|vision_start|>"],
        audio_eos_token_id=ids["<|vision_end|>"],
        audio_token_id=ids["<|vision_pad|>"],
    )


def _speak_up(model) -> None:
    """Add what random weights lack: a tendency to keep speaking, and an audible level."""
    import torch

    config = model.config
    common = torch.ones(config.text_config.hidden_size)
    # A direction that all hidden states share, which the head reads as "another frame".
    model.get_input_embeddings().weight += common
    model.model.multi_modal_projector.linear_2.bias += common
    model.lm_head.weight[config.audio_token_id] = common
    model.lm_head.weight[config.audio_eos_token_id] = 0.5 * common
    head = model.model.audio_tower.decoder.head.conv
    level = model.model.audio_tower.decode(torch.randn(4, 20, config.audio_config.hidden_size)).audio.std()
    head.weight *= 0.03 / level
    head.bias.zero_()


def _processor():
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2Tokenizer, VibeVoiceAcousticTokenizerFeatureExtractor, VibeVoiceProcessor

    vocab = {letter: index for index, letter in enumerate(sorted(ByteLevel.alphabet()))}
    vocab |= {name: 256 + index for index, name in enumerate(_SPECIAL)}
    tokenizer = Qwen2Tokenizer(vocab=vocab, merges=[], extra_special_tokens=list(_SPECIAL[1:]))
    return VibeVoiceProcessor(
        VibeVoiceAcousticTokenizerFeatureExtractor(), tokenizer, chat_template=_TEMPLATE
    )
