"""Filters: Butterworth slopes and resonances."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from copilot.units import SAMPLE_RATE_HZ, Audio, Decibels, db_to_gain
from renderers.procedural.dsp.base import NYQUIST_HZ, Points, Signal
from renderers.procedural.dsp.noise import spectrum_gain


@lru_cache(maxsize=512)
def _butterworth(
    kind: Literal["lowpass", "highpass", "bandpass"], order: int, corner_hz: float | tuple[float, float]
) -> NDArray[np.float64]:
    return np.asarray(
        signal.butter(order, np.asarray(corner_hz), btype=kind, fs=SAMPLE_RATE_HZ, output="sos")
    )


def _limit_hz(hz: float) -> float:
    return min(max(hz, 5.0), NYQUIST_HZ * 0.98)


def lowpass(x: Signal, hz: float, order: int = 2) -> Signal:
    """Apply a Butterworth low-pass, 6 dB an octave for each order."""
    return np.asarray(signal.sosfilt(_butterworth("lowpass", order, _limit_hz(hz)), x), dtype=np.float32)


def highpass(x: Signal, hz: float, order: int = 2) -> Signal:
    """Apply a Butterworth high-pass, 6 dB an octave for each order."""
    return np.asarray(signal.sosfilt(_butterworth("highpass", order, _limit_hz(hz)), x), dtype=np.float32)


def bandpass(x: Signal, low_hz: float, high_hz: float, order: int = 2) -> Signal:
    """Apply a Butterworth band-pass between two corners, 6 dB an octave on each side for each order."""
    low = _limit_hz(low_hz)
    corners = (low, max(_limit_hz(high_hz), low * 1.02))
    return np.asarray(signal.sosfilt(_butterworth("bandpass", order, corners), x), dtype=np.float32)


def resonate(x: Signal, hz: float, bandwidth_hz: float) -> Signal:
    """Apply a two-pole resonance with gain 1 at its centre: rings for about 2.2 / bandwidth seconds (t60)."""
    b, a = signal.iirpeak(_limit_hz(hz), max(_limit_hz(hz) / bandwidth_hz, 0.05), fs=SAMPLE_RATE_HZ)
    return np.asarray(signal.lfilter(b, a, x), dtype=np.float32)


def formants(x: Signal, peaks: Sequence[tuple[float, float, Decibels]]) -> Signal:
    """Apply parallel resonances (centre Hz, bandwidth Hz, gain dB): a vocal tract, a body, a box."""
    out = np.zeros(len(x), dtype=np.float32)
    for hz, bandwidth_hz, gain_db in peaks:
        out += resonate(x, hz, bandwidth_hz) * np.float32(db_to_gain(gain_db))
    return out


def shape_spectrum(x: Audio, points: Points) -> Audio:
    """Filter `x` (one or more channels, time last) by the linear-phase gain `points` (Hz, dB)."""
    n_samples = x.shape[-1]
    n_fft = fft.next_fast_len(n_samples + 2048, real=True)
    spectrum = fft.rfft(x, n_fft, axis=-1)
    spectrum *= spectrum_gain(points, n_fft // 2 + 1, SAMPLE_RATE_HZ / n_fft)
    return np.asarray(fft.irfft(spectrum, n_fft, axis=-1), dtype=np.float32)[..., :n_samples]
