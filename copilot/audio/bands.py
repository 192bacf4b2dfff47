"""Power of a sound in bands of a third of an octave, over time: what of it can be told from other sounds.

Two sounds mask each other if they have their power at the same time in the same band. Powers are K-weighted,
so that their sums weigh bands roughly as one hears them.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.signal import sosfreqz

from copilot.audio.loudness import k_weighting
from copilot.units import SAMPLE_RATE_HZ, Audio

_FRAME = 4096
HOP = _FRAME // 2
"""Samples from one block to the next, 43 ms. A block has a window of two hops around its middle."""

_LOWEST_HZ = 50.0
_BANDS_PER_OCTAVE = 3
N_BANDS = 26
"""From 50 Hz to 20 kHz."""

BandPower = NDArray[np.float32]
"""Mean square of each channel in each block and band, shape (channels, blocks, bands)."""


def band_power(audio: Audio) -> BandPower:
    """Return the K-weighted power of (channels, samples) at 48 kHz in the blocks that it reaches.

    The block with index k is around sample k * HOP.
    """
    n_channels, n_samples = audio.shape
    n_blocks = count_blocks(n_samples)
    edges, weights = _bands()
    summed = np.empty((n_channels, n_blocks, N_BANDS), dtype=np.float32)
    padded = np.zeros((n_blocks + 1) * HOP, dtype=np.float32)
    for channel, found in zip(audio, summed, strict=True):
        padded[HOP : HOP + n_samples] = channel
        frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::HOP]
        # Real and imaginary parts side by side: their squares add up to the power, bin by bin.
        parts = fft.rfft(frames * _window(), axis=-1, overwrite_x=True).view(np.float32)
        np.square(parts, out=parts)
        np.add.reduceat(parts[:, : 2 * edges[-1]], 2 * edges[:-1], axis=-1, out=found)
    summed *= weights
    return summed


def count_blocks(n_samples: int) -> int:
    """Return the number of blocks that a sound of so many samples reaches."""
    return -(-n_samples // HOP) + 1


@cache
def _window() -> NDArray[np.float32]:
    """Return a Hann window; the squares of its overlapping halves have a mean of one."""
    window = np.sin(np.pi * (np.arange(_FRAME) + 0.5) / _FRAME) ** 2
    return np.asarray(window / np.sqrt(np.mean(window**2)), dtype=np.float32)


@cache
def _bands() -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the bins at which bands begin, with the end of the last, and the weight of each band."""
    edges_hz = _LOWEST_HZ * 2.0 ** (np.arange(N_BANDS + 1) / _BANDS_PER_OCTAVE)
    edges = np.rint(edges_hz * _FRAME / SAMPLE_RATE_HZ).astype(np.intp)
    middles_hz = edges_hz[:-1] * 2.0 ** (0.5 / _BANDS_PER_OCTAVE)
    _, response = sosfreqz(k_weighting(), middles_hz, fs=SAMPLE_RATE_HZ)
    # Two sides of the spectrum, and the transform of a frame is _FRAME**2 times its mean square.
    weights = 2.0 * np.abs(response) ** 2 / _FRAME**2
    return edges, weights.astype(np.float32)
