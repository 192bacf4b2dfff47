"""Loudness after ITU-R BS.1770-4, with the K-weighting filters of pyloudnorm.

From 400 ms on the results are those of pyloudnorm; the filters run as one cascade, and the gating on sums
of 100 ms, in a third of its time. A shorter sound is measured as one ungated block of its own length.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pyloudnorm
from numpy.typing import NDArray
from scipy.signal import sosfilt

from copilot.units import SAMPLE_RATE_HZ, Audio, Lufs

_OFFSET_LU = -0.691
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_FRAME = SAMPLE_RATE_HZ // 100
FRAMES_PER_S = 100
"""Frames of 10 ms: the step of a scene's times."""
_FRAMES_PER_HOP = 10
_HOP = _FRAME * _FRAMES_PER_HOP
_HOPS_PER_BLOCK = 4
MIN_GATED_SAMPLES = _HOP * _HOPS_PER_BLOCK
"""Samples of one gating block, 400 ms; a shorter sound is measured without gates."""

_NO_DENORMALS = np.float32(1e-15)
"""Far below 24 bits: in digital silence the filter would run on denormal numbers, thirty times slower."""

_SILENCE = 1e-24
"""Above the power that `_NO_DENORMALS` adds, and far below that of one 24-bit step."""

FrameEnergy = NDArray[np.float64]
"""K-weighted sum of squares of each channel in each frame of 10 ms, shape (channels, frames)."""

BlockPower = NDArray[np.float64]
"""K-weighted mean square of each channel in each gating block, shape (channels, blocks)."""


@cache
def k_weighting() -> NDArray[np.float64]:
    """Return the second-order sections of the K-weighting at 48 kHz: high shelf, then high pass."""
    shelf = pyloudnorm.IIRfilter(4.0, 1 / math.sqrt(2), 1500.0, SAMPLE_RATE_HZ, "high_shelf")
    high_pass = pyloudnorm.IIRfilter(0.0, 0.5, 38.0, SAMPLE_RATE_HZ, "high_pass")
    return np.array([[*f.b, *f.a] for f in (shelf, high_pass)])


def frame_energy(audio: Audio) -> FrameEnergy:
    """Return the K-weighted energy of each channel in frames of 10 ms; the last one may be shorter.

    `audio` is (channels, samples) with at least one sample.
    """
    weighted = sosfilt(k_weighting(), audio + _NO_DENORMALS, axis=-1)
    n_channels, n_samples = weighted.shape
    n_whole = n_samples // _FRAME
    whole = weighted[:, : n_whole * _FRAME].reshape(n_channels, n_whole, _FRAME)
    rest = weighted[:, n_whole * _FRAME :]
    frames = np.einsum("cfs,cfs->cf", whole, whole)
    return np.hstack((frames, np.einsum("cs,cs->c", rest, rest)[:, None])) if rest.size else frames


def block_power(energy: FrameEnergy, n_samples: int) -> BlockPower:
    """Return the K-weighted mean square in blocks of 400 ms that overlap by 75 %, for each channel.

    `energy` is that of `n_samples` samples. Under 400 ms they are one block of their own length.
    """
    if n_samples < MIN_GATED_SAMPLES:
        return np.asarray(energy.sum(axis=-1, keepdims=True) / n_samples)
    # pyloudnorm rounds the number of blocks, so the last one may reach past the end, where all is zero.
    n_blocks = round((n_samples - MIN_GATED_SAMPLES) / _HOP) + 1
    n_channels, n_frames = energy.shape
    hops = np.zeros((n_channels, n_samples // _HOP + 1, _FRAMES_PER_HOP))
    hops.reshape(n_channels, -1)[:, :n_frames] = energy
    windows = np.lib.stride_tricks.sliding_window_view(hops.sum(axis=-1), _HOPS_PER_BLOCK, axis=-1)
    return np.asarray(windows[:, :n_blocks].sum(axis=-1) / MIN_GATED_SAMPLES)


def gated_loudness(power: BlockPower, *, gated: bool = True) -> Lufs:
    """Return the integrated loudness of blocks; minus infinity if all are below the absolute gate.

    Channels weigh the same, as left and right do in BS.1770.
    """
    total = power.sum(axis=0)
    if not gated:
        return _to_lufs(float(total.mean()))
    audible = total[total > _from_lufs(_ABSOLUTE_GATE_LUFS)]
    if not audible.size:
        return -math.inf
    threshold = _from_lufs(_to_lufs(float(audible.mean())) + _RELATIVE_GATE_LU)
    return _to_lufs(float(audible[audible > threshold].mean()))


def integrated_loudness(audio: Audio) -> Lufs:
    """Return the integrated loudness in LUFS of (channels, samples); minus infinity for silence."""
    n_samples = audio.shape[1]
    return gated_loudness(block_power(frame_energy(audio), n_samples), gated=n_samples >= MIN_GATED_SAMPLES)


def _to_lufs(power: float) -> Lufs:
    return _OFFSET_LU + 10.0 * math.log10(power) if power > _SILENCE else -math.inf


def _from_lufs(lufs: Lufs) -> float:
    return float(10.0 ** ((lufs - _OFFSET_LU) / 10.0))
