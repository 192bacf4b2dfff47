"""Measure speed and memory of the model backends on a GPU: published architectures, random weights.

    python benchmarks/gpu_render.py [--models NAME ...] [--batches N ...] [--seconds S] [--device D] [--tiny]

Nothing is downloaded. Random weights cost the same time and memory as trained ones; the sound means nothing.
Prints a line for each batch size: seconds of sound per second, seconds for the batch (the median of three),
peak memory. `--tiny` makes small models of the same classes, to try the program without a GPU.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import diffusers
import gpu_vibevoice
import torch
from diffusers.pipelines.stable_audio_3.modeling_stable_audio_3 import StableAudio3DurationEmbedder
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
    T5GemmaConfig,
    T5GemmaEncoderModel,
)
from transformers.models.t5gemma.configuration_t5gemma import T5GemmaModuleConfig

from renderers.contract import BatchTooLargeError, RenderedSound, RenderRequest
from renderers.model_revision import get_library_versions
from renderers.stable_audio.diffusion import DiffusionRenderer
from renderers.stable_audio.renderer import StableAudioRenderer
from renderers.stable_audio.renderer_3 import StableAudio3Renderer
from renderers.torch_support import pick_device, pick_dtype

Configs = Mapping[str, Mapping[str, Any]]

# stabilityai/stable-audio-open-1.0: the config.json of each component; its text encoder is T5-base.
STABLE_AUDIO: Configs = {
    "transformer": {
        "sample_size": 1024,
        "in_channels": 64,
        "out_channels": 64,
        "num_layers": 24,
        "attention_head_dim": 64,
        "num_attention_heads": 24,
        "num_key_value_attention_heads": 12,
        "cross_attention_dim": 768,
        "cross_attention_input_dim": 768,
        "global_states_input_dim": 1536,
        "time_proj_dim": 256,
    },
    "vae": {
        "encoder_hidden_size": 128,
        "downsampling_ratios": [2, 4, 4, 8, 8],
        "channel_multiples": [1, 2, 4, 8, 16],
        "decoder_channels": 128,
        "decoder_input_channels": 64,
        "audio_channels": 2,
        "sampling_rate": 44_100,
    },
    "text": {
        "vocab_size": 32_128,
        "d_model": 768,
        "d_kv": 64,
        "d_ff": 3072,
        "num_layers": 12,
        "num_heads": 12,
    },
    "projection": {"text_encoder_dim": 768, "conditioning_dim": 768, "min_value": 0, "max_value": 512},
    "scheduler": {"sigma_min": 0.3, "sigma_max": 500, "solver_order": 2, "prediction_type": "v_prediction"},
    "tokenizer": {"model_max_length": 128},
}

# stabilityai/stable-audio-3-medium: 24 blocks of 1536, the SAME-L autoencoder, T5Gemma base as text encoder.
STABLE_AUDIO_3: Configs = {
    "transformer": {
        "io_channels": 256,
        "embed_dim": 1536,
        "depth": 24,
        "num_heads": 24,
        "cond_token_dim": 768,
        "global_cond_dim": 768,
        "local_add_cond_dim": 257,
        "timestep_features_dim": 256,
        "ff_mult": 4,
        "num_memory_tokens": 64,
        "use_differential_attention": True,
    },
    "vae": {
        "audio_channels": 2,
        "patch_size": 256,
        "encoder_channels": 256,
        "encoder_c_mults": [6],
        "encoder_strides": [16],
        "encoder_transformer_depths": [12],
        "latent_dim": 256,
        "dim_heads": 64,
        "decoder_sinusoidal_blocks": [8],
        "sampling_rate": 44_100,
    },
    "text": {
        "vocab_size": 256_000,
        "hidden_size": 768,
        "intermediate_size": 2048,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "num_key_value_heads": 12,
        "head_dim": 64,
        "query_pre_attn_scalar": 64,
    },
    "duration": {"output_dim": 768, "fourier_dim": 256, "max_val": 384.0},
    "scheduler": {"num_train_timesteps": 1, "stochastic_sampling": True},
    "tokenizer": {"model_max_length": 256},
}

TINY: dict[str, Configs] = {
    "stable-audio": {
        "transformer": {"num_layers": 1, "num_attention_heads": 2, "num_key_value_attention_heads": 2}
        | {"cross_attention_dim": 128, "sample_size": 256},
        "vae": {"encoder_hidden_size": 4, "decoder_channels": 4},
        "text": {"num_layers": 1, "d_ff": 64, "vocab_size": 64},
    },
    "stable-audio-3": {
        "transformer": {"depth": 1, "embed_dim": 64, "num_heads": 1},
        "vae": {"encoder_channels": 32, "encoder_transformer_depths": [1], "decoder_sinusoidal_blocks": [0]},
        "text": {"num_hidden_layers": 1, "intermediate_size": 64, "vocab_size": 64},
    },
}

CAPTION = "heavy rain on a tin roof with distant thunder"
N_RUNS = 3


def stable_audio(configs: Configs) -> tuple[DiffusionRenderer, Any]:
    pipe = diffusers.StableAudioPipeline(
        vae=diffusers.AutoencoderOobleck(**configs["vae"]),
        text_encoder=T5EncoderModel(T5Config(**configs["text"])),
        projection_model=diffusers.StableAudioProjectionModel(**configs["projection"]),
        tokenizer=tokenizer(**configs["tokenizer"]),
        transformer=diffusers.StableAudioDiTModel(**configs["transformer"]),
        scheduler=diffusers.CosineDPMSolverMultistepScheduler(**configs["scheduler"]),
    )
    return StableAudioRenderer(), pipe


def stable_audio_3(configs: Configs) -> tuple[DiffusionRenderer, Any]:
    text = T5GemmaModuleConfig(**configs["text"]).to_dict()
    encoder = T5GemmaConfig(encoder=text, decoder=text, is_encoder_decoder=False)
    pipe = diffusers.StableAudio3Pipeline(
        vae=diffusers.AutoencoderSAME(**configs["vae"]),
        text_encoder=T5GemmaEncoderModel(encoder),
        tokenizer=tokenizer(**configs["tokenizer"]),
        duration_embedder=StableAudio3DurationEmbedder(**configs["duration"]),
        transformer=diffusers.StableAudio3DiTModel(**configs["transformer"]),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(**configs["scheduler"]),
    )
    return StableAudio3Renderer(), pipe


MODELS: dict[str, tuple[Callable[[Configs], tuple[DiffusionRenderer, Any]], Configs]] = {
    "stable-audio": (stable_audio, STABLE_AUDIO),
    "stable-audio-3": (stable_audio_3, STABLE_AUDIO_3),
}


def tokenizer(model_max_length: int) -> PreTrainedTokenizerFast:
    """Return a tokenizer that knows no words and pads all texts to one length, so that they cost the same."""
    words = Tokenizer(WordLevel({"<pad>": 0, "</s>": 1, "<unk>": 2}, unk_token="<unk>"))
    words.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=model_max_length,
    )


def build(name: str, device: str, *, tiny: bool) -> DiffusionRenderer:
    """Return the renderer with a random model on the device, in the precisions of a loaded one."""
    make, configs = MODELS[name]
    if tiny:
        changed = TINY[name]
        configs = {part: {**given, **changed.get(part, {})} for part, given in configs.items()}
    with torch.device(device), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        renderer, pipe = make(configs)
    for part, model in pipe.components.items():
        if isinstance(model, torch.nn.Module):
            model.eval().to(torch.float32 if part == "vae" else pick_dtype(device))
    pipe.set_progress_bar_config(disable=True)
    renderer._pipe = pipe.to(device)  # noqa: SLF001 - a random model in place of a loaded one
    return renderer


def measure(name: str, batch_sizes: Sequence[int], seconds: float, device: str, *, tiny: bool) -> None:
    """Print a line for each batch size, up to the first that does not fit into memory."""
    renderer = build(name, device, tiny=tiny)
    render(renderer, 1, seconds)
    for n in batch_sizes:
        if device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats(device)
        try:
            times_s = [render(renderer, n, seconds) for _ in range(N_RUNS)]
        except BatchTooLargeError:
            print(f"{name:<16}{n:>6}   does not fit into memory", flush=True)
            break
        elapsed_s = statistics.median(times_s)
        peak = torch.cuda.max_memory_allocated(device) / 2**30 if device.startswith("cuda") else None
        peak_text = "-" if peak is None else f"{peak:.1f}"
        print(
            f"{name:<16}{n:>6}{n * seconds / elapsed_s:>14.1f}{elapsed_s:>10.2f}{peak_text:>10}", flush=True
        )


def render(renderer: DiffusionRenderer, n: int, seconds: float) -> float:
    """Return the seconds for a batch, until its sound is on the CPU."""
    requests = [RenderRequest(CAPTION, seconds, seed) for seed in range(n)]
    start_s = time.perf_counter()
    answers = renderer.render(requests)
    elapsed_s = time.perf_counter() - start_s
    if not all(isinstance(answer, RenderedSound) for answer in answers):
        raise SystemExit(f"failed: {answers[0]}")
    return elapsed_s


def main() -> None:
    names = [*MODELS, "vibevoice"]
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--models", nargs="+", choices=names, default=names)
    options.add_argument("--batches", nargs="+", type=int, default=[1, 4, 8, 16, 32, 64])
    options.add_argument("--seconds", type=float, default=8.0)
    options.add_argument("--device")
    options.add_argument("--tiny", action="store_true")
    given = options.parse_args()

    diffusers.utils.logging.set_verbosity_error()
    device = pick_device(given.device)
    kind = torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    versions = ", ".join(
        f"{name} {version}" for name, version in get_library_versions("torch", "diffusers").items()
    )
    size = "tiny models" if given.tiny else "full size"
    print(f"{kind}, {versions}, {size}, {pick_dtype(device)}, sounds of {given.seconds:g} s")
    print(f"{'model':<16}{'batch':>6}{'sound s / s':>14}{'batch s':>10}{'peak GiB':>10}")
    for name in given.models:
        if name in MODELS:
            measure(name, given.batches, given.seconds, device, tiny=given.tiny)
        else:
            gpu_vibevoice.measure(given.batches, given.tiny, device)
        if device.startswith("cuda"):
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
