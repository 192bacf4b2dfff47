"""Measure speed and memory of `vibevoice` on a GPU: the published architecture, with random weights.

Called by `gpu_render.py`, with the same columns. Each item of a batch speaks 8 s after a reference of 10 s.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import torch
from transformers import VibeVoiceConfig

from renderers.contract import BatchTooLargeError
from renderers.torch_support import pick_device, pick_dtype, translate_memory_errors
from renderers.vibevoice.model import SpeakingModel, Utterance
from renderers.vibevoice.renderer import VibeVoiceSettings

RATE_HZ = 24_000
N_FRAMES = 60
N_VOICE_FRAMES = 75
N_WORDS = 40
N_RUNS = 3

# VibeVoice-1.5B as published; the other values are transformers' defaults.
TEXT = {
    "model_type": "qwen2",
    "hidden_size": 1536,
    "intermediate_size": 8960,
    "num_hidden_layers": 28,
    "num_attention_heads": 12,
    "num_key_value_heads": 2,
    "vocab_size": 151_936,
    "max_position_embeddings": 65_536,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1_000_000.0,
    "tie_word_embeddings": True,
}
TINY_TEXT = {**TEXT, "hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 2}
TINY_CODEC = {"num_filters": 2, "depths": [1] * 7}


def measure(batch_sizes: Sequence[int], tiny: bool, device: str | None = None) -> None:  # noqa: FBT001
    """Print a line for each batch size, up to the first that does not fit into memory."""
    device = pick_device(device)
    model = build(device, tiny=tiny)
    n_frames, steps = (3, 2) if tiny else (N_FRAMES, VibeVoiceSettings().diffusion_steps)
    speak(model, 1, 3, steps)
    for n in batch_sizes:
        if device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats(device)
        try:
            runs = [speak(model, n, n_frames, steps) for _ in range(N_RUNS)]
        except BatchTooLargeError:
            print(f"{'vibevoice':<16}{n:>6}   does not fit into memory", flush=True)
            break
        elapsed_s = statistics.median(elapsed for _, elapsed in runs)
        peak = torch.cuda.max_memory_allocated(device) / 2**30 if device.startswith("cuda") else None
        peak_text = "-" if peak is None else f"{peak:.1f}"
        print(
            f"{'vibevoice':<16}{n:>6}{runs[0][0] / elapsed_s:>14.1f}{elapsed_s:>10.2f}{peak_text:>10}",
            flush=True,
        )


def build(device: str, *, tiny: bool) -> SpeakingModel:
    codec = TINY_CODEC if tiny else {}
    config = VibeVoiceConfig(
        text_config=TINY_TEXT if tiny else TEXT,
        audio_config={"model_type": "vibevoice_acoustic_tokenizer", **codec},
        semantic_model_config={
            "model_type": "vibevoice_acoustic_tokenizer_encoder",
            "hidden_size": 128,
            **codec,
        },
    )
    with torch.device(device):
        return SpeakingModel(config).to(pick_dtype(device)).eval()


def speak(model: SpeakingModel, n: int, n_frames: int, steps: int) -> tuple[float, float]:
    """Return the seconds of speech in a batch, and the seconds until it is on the CPU."""
    hop = model.config.audio_config.hop_length
    words = torch.arange(1000, 1000 + N_WORDS)
    ids = torch.cat([torch.full((N_VOICE_FRAMES,), model.config.audio_token_id), words])[None]
    voice = 0.1 * torch.randn(1, 1, N_VOICE_FRAMES * hop)
    mask = torch.ones(1, N_VOICE_FRAMES * hop, dtype=torch.long)
    batch = [Utterance(ids, voice, mask, seed, n_frames) for seed in range(n)]
    model.generation_config.min_new_tokens = n_frames  # random weights end anywhere
    start_s = time.perf_counter()
    with translate_memory_errors():
        spoken = model.speak(batch, diffusion_steps=steps, guidance=1.3)
    elapsed_s = time.perf_counter() - start_s
    return sum(one.audio.shape[1] for one in spoken) / RATE_HZ, elapsed_s
