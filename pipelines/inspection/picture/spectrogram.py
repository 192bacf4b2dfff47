"""Spectrograms on a logarithmic frequency axis, in decibels of full scale, for pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from copilot.units import SAMPLE_RATE_HZ, Audio

LOWEST_HZ = 50.0
HIGHEST_HZ = 20_000.0

_N_WINDOW = 2048
_N_FFT = 4096
_N_BANDS = 220
_FLOOR = 1e-14


def compute_spectrogram(audio: Audio, n_columns: int) -> NDArray[np.float32]:
    """Return levels in dBFS, shape (bands, columns), of bands evenly spaced in log frequency.

    They reach from 50 Hz to 20 kHz.

    Both channels' power is averaged, so that nothing cancels, and a band's level is the mean over its bins:
    power in the window's bandwidth of 35 Hz, relative to a sine at full scale. Noise reads the same however
    wide the band is. Column k is centred in the k-th of `n_columns` equal parts of the audio; the windows
    are Hann, 43 ms.
    """
    n_samples = audio.shape[1]
    centres = ((np.arange(n_columns) + 0.5) * n_samples / n_columns).astype(np.int64)
    padded = np.pad(audio, ((0, 0), (_N_WINDOW // 2, _N_WINDOW)))
    window = np.hanning(_N_WINDOW + 1)[:-1].astype(np.float32)
    bands = _compute_band_weights()
    power = np.zeros((n_columns, _N_FFT // 2 + 1), dtype=np.float32)
    for channel in padded:
        frames = np.lib.stride_tricks.sliding_window_view(channel, _N_WINDOW)[centres] * window
        spectrum = np.fft.rfft(frames, _N_FFT)
        power += (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    power *= (2 / float(window.sum())) ** 2 / audio.shape[0]
    levels: NDArray[np.float32] = 10 * np.log10(bands @ power.T + np.float32(_FLOOR))
    return levels


def _compute_band_weights() -> NDArray[np.float32]:
    """Return triangles over the bins, each with sum 1, that reach the next band and at least the next bin."""
    step_hz = SAMPLE_RATE_HZ / _N_FFT
    bins_hz = np.arange(_N_FFT // 2 + 1) * step_hz
    centres_hz = np.geomspace(LOWEST_HZ, HIGHEST_HZ, _N_BANDS)[:, None]
    ratio = (HIGHEST_HZ / LOWEST_HZ) ** (1 / (_N_BANDS - 1)) - 1
    reach_hz = np.maximum(centres_hz * ratio, step_hz)
    weights = np.maximum(1 - np.abs(bins_hz - centres_hz) / reach_hz, 0)
    normal: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return normal
