"""Random models of Stable Audio's classes, small enough to be made, saved and run in seconds.

They sound like noise; what they show is that the code around them loads, batches, seeds, trims and fails.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

RATE_HZ = 8_000
WINDOW_S = 256 * 32 / RATE_HZ
"""The window that the tiny Stable Audio denoises: 1.024 s."""

LONGEST_S = 6.0
"""The longest sound that the tiny Stable Audio 3 makes."""

_WIDTH = 16
_WORDS = (
    "a",
    "bird",
    "crackles",
    "dog",
    "door",
    "fire",
    "low",
    "of",
    "quality",
    "rain",
    "slams",
    "the",
    "wind",
)


def save_tiny_stable_audio(folder: Path, *, seed: int = 0, windows: int = 1) -> Path:
    """Save a StableAudioPipeline in `folder`: stereo at 8 kHz, `windows` of 1.024 s long."""
    from diffusers import (
        AutoencoderOobleck,
        CosineDPMSolverMultistepScheduler,
        StableAudioDiTModel,
        StableAudioPipeline,
        StableAudioProjectionModel,
    )

    with _made_from(seed):
        text = T5Config(
            vocab_size=64, d_model=_WIDTH, d_kv=4, d_ff=32, num_layers=1, num_heads=4, dropout_rate=0.0
        )
        transformer = StableAudioDiTModel(
            sample_size=256 * windows,
            in_channels=4,
            out_channels=4,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=2,
            num_key_value_attention_heads=2,
            cross_attention_dim=_WIDTH,
            cross_attention_input_dim=_WIDTH,
            global_states_input_dim=2 * _WIDTH,
            time_proj_dim=8,
        )
        vae = AutoencoderOobleck(
            encoder_hidden_size=4,
            downsampling_ratios=[2, 4, 4],
            channel_multiples=[1, 2, 4],
            decoder_channels=4,
            decoder_input_channels=4,
            audio_channels=2,
            sampling_rate=RATE_HZ,
        )
        pipe = StableAudioPipeline(
            vae=vae,
            text_encoder=T5EncoderModel(text),
            projection_model=StableAudioProjectionModel(_WIDTH, _WIDTH, min_value=0, max_value=2),
            tokenizer=_tokenizer(),
            transformer=transformer,
            scheduler=CosineDPMSolverMultistepScheduler(solver_order=2, sigma_min=0.3, sigma_max=500),
        )
        pipe.save_pretrained(folder)
    return folder


def save_tiny_stable_audio_3(folder: Path, *, seed: int = 0) -> Path:
    """Save a StableAudio3Pipeline in `folder`: stereo at 8 kHz, up to 6 s, distilled (8 steps)."""
    from diffusers import (
        AutoencoderSAME,
        FlowMatchEulerDiscreteScheduler,
        StableAudio3DiTModel,
        StableAudio3Pipeline,
    )
    from diffusers.pipelines.stable_audio_3.modeling_stable_audio_3 import StableAudio3DurationEmbedder
    from transformers import T5GemmaConfig, T5GemmaEncoderModel
    from transformers.models.t5gemma.configuration_t5gemma import T5GemmaModuleConfig

    with _made_from(seed):
        module = T5GemmaModuleConfig(
            vocab_size=64,
            hidden_size=_WIDTH,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
            max_position_embeddings=64,
            sliding_window=64,
        )
        encoder = T5GemmaConfig(encoder=module.to_dict(), decoder=module.to_dict(), is_encoder_decoder=False)
        transformer = StableAudio3DiTModel(
            io_channels=8,
            embed_dim=32,
            depth=2,
            num_heads=4,
            cond_token_dim=_WIDTH,
            global_cond_dim=_WIDTH,
            local_add_cond_dim=9,
            timestep_features_dim=16,
            ff_mult=2,
            num_memory_tokens=3,
        )
        vae = AutoencoderSAME(
            patch_size=16,
            encoder_channels=8,
            encoder_c_mults=(2,),
            encoder_strides=(4,),
            encoder_transformer_depths=(2,),
            latent_dim=8,
            dim_heads=8,
            ff_mult=2,
            sampling_rate=RATE_HZ,
        )
        # Their branches begin at zero, which leaves nothing of what was said to them.
        for model in (transformer, vae):
            for weight in model.parameters():
                if not weight.any():
                    torch.nn.init.normal_(weight, std=0.2)
        pipe = StableAudio3Pipeline(
            vae=vae,
            text_encoder=T5GemmaEncoderModel(encoder),
            tokenizer=_tokenizer(),
            duration_embedder=StableAudio3DurationEmbedder(_WIDTH, fourier_dim=16, max_val=LONGEST_S),
            transformer=transformer,
            scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, stochastic_sampling=True),
        )
        pipe.save_pretrained(folder)
    return folder


@contextmanager
def _made_from(seed: int) -> Iterator[None]:
    """Draw weights by the seed alone; leave torch's global randomness as it was."""
    transformers.utils.logging.disable_progress_bar()
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.manual_seed(seed)
        yield


def _tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer of words by white space; unknown words share one token."""
    vocabulary = {word: number for number, word in enumerate(["<pad>", "</s>", "<unk>", *_WORDS])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=12,
    )
