"""Noise of any spectrum, and the slow random curves that move it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from copilot.units import SAMPLE_RATE_HZ, Audio
from renderers.procedural.dsp.base import NYQUIST_HZ, Points, Signal

WHITE: Points = ((20.0, 0.0), (20_000.0, 0.0))
PINK: Points = ((20.0, 0.0), (20_480.0, -30.1))

_CONTROL_STEP = 96
"""Samples between two values of a slow curve (2 ms): finer than any change that such a curve makes."""


def white(rng: np.random.Generator, n_samples: int) -> Signal:
    """Return Gaussian white noise of unit variance."""
    return rng.standard_normal(n_samples, dtype=np.float32)


@lru_cache(maxsize=64)
def _gain_table(points: tuple[tuple[float, float], ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    hz, level_db = np.array(points, dtype=np.float64).T
    grid_hz = np.geomspace(10.0, NYQUIST_HZ, 256)
    grid_db = np.interp(np.log2(grid_hz), np.log2(hz), level_db)
    return grid_hz, np.asarray(10.0 ** (grid_db / 20.0))


def spectrum_gain(points: Points, n_bins: int, bin_hz: float) -> Signal:
    """Return the factor of amplitude at each FFT bin, for breakpoints (Hz, dB) joined on a logarithmic axis.

    Level beyond the outer breakpoints; nothing below 10 Hz.
    """
    grid_hz, grid_gain = _gain_table(tuple((float(hz), float(db)) for hz, db in points))
    bins_hz = np.arange(n_bins) * bin_hz
    return np.asarray(np.interp(bins_hz, grid_hz, grid_gain, left=0.0), dtype=np.float32)


def coloured_noise(
    rng: np.random.Generator, n_samples: int, points: Points = WHITE, channels: int = 1
) -> Audio:
    """Return steady noise with the spectrum `points` (Hz, dB).

    The shape is (channels, n_samples), the RMS 1 in each channel.

    The channels are independent. The spectrum is drawn and transformed once, so it costs one FFT a channel.
    """
    n_fft = fft.next_fast_len(max(n_samples, 4800), real=True)
    n_bins = n_fft // 2 + 1
    gain = spectrum_gain(points, n_bins, SAMPLE_RATE_HZ / n_fft)
    draws = rng.random((channels, n_bins, 2), dtype=np.float32) - np.float32(0.5)
    spectrum = draws.view(np.complex64)[..., 0] * gain
    noise = np.asarray(fft.irfft(spectrum, n_fft, axis=-1), dtype=np.float32)[:, :n_samples]
    level = np.sqrt(np.mean(np.square(noise), axis=-1, keepdims=True))
    return np.asarray(noise / np.maximum(level, np.float32(1e-12)), dtype=np.float32)


def air(rng: np.random.Generator, n_samples: int) -> Signal:
    """Return the faint noise of a quiet place, RMS about 1: mostly below 300 Hz, 20 dB weaker at 4 kHz.

    Cheaper than `coloured_noise`: uniform noise, and the same behind one pole.
    """
    draws = rng.random(n_samples, dtype=np.float32) - np.float32(0.5)
    low = np.asarray(signal.lfilter([0.02], [1.0, -0.98], draws), dtype=np.float32)
    return (low + np.float32(0.02) * draws) * np.float32(34.0)


def from_control(values: NDArray[np.float64], n_samples: int) -> Signal:
    """Return control values spread evenly over the whole length, joined linearly (to 2 ms)."""
    n_control = n_samples // _CONTROL_STEP + 2
    last = max(n_samples - 1, 1) / _CONTROL_STEP
    grid = np.interp(np.arange(n_control), np.linspace(0.0, last, len(values)), values).astype(np.float32)
    fraction = np.arange(_CONTROL_STEP, dtype=np.float32) / _CONTROL_STEP
    curve = grid[:-1, np.newaxis] + np.diff(grid)[:, np.newaxis] * fraction
    return np.asarray(curve.ravel()[:n_samples], dtype=np.float32)


def drift(rng: np.random.Generator, n_samples: int, rate_hz: float, *, power: float = 1.0) -> Signal:
    """Return a smooth random curve in [0, 1] with about `rate_hz` turns a second: gusts, swells, wobble.

    `power` above 1 makes peaks rarer.
    """
    length_s = n_samples / SAMPLE_RATE_HZ
    n_knots = max(int(length_s * rate_hz * 2.0) + 4, 4)
    knots = rng.random(n_knots)
    n_control = n_samples // _CONTROL_STEP + 2
    x = np.linspace(0.0, min(length_s * rate_hz * 2.0, n_knots - 2.0), n_control) + rng.random()
    left = np.minimum(x.astype(np.int64), n_knots - 2)
    blend = 0.5 - 0.5 * np.cos(np.pi * (x - left))
    curve = knots[left] * (1.0 - blend) + knots[left + 1] * blend
    return from_control(curve**power, n_samples)
