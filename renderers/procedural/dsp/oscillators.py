"""Tones: sines and band-limited periodic waves with a fixed or a moving pitch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from copilot.units import SAMPLE_RATE_HZ, Decibels
from renderers.procedural.dsp.base import Signal


def phase(freq_hz: float | Signal, n_samples: int, start: float = 0.0) -> NDArray[np.float64]:
    """Return the unwrapped phase of an oscillator, in cycles, with a fixed or a changing frequency.

    `start` is in cycles.
    """
    if isinstance(freq_hz, np.ndarray):
        cycles = np.cumsum(freq_hz, dtype=np.float64)
        cycles *= 1.0 / SAMPLE_RATE_HZ
    else:
        cycles = np.arange(n_samples, dtype=np.float64)
        cycles *= freq_hz / SAMPLE_RATE_HZ
    if start:
        cycles += start
    return cycles


def _wrapped(freq_hz: float | Signal, n_samples: int, start: float) -> Signal:
    cycles = phase(freq_hz, n_samples, start)
    cycles -= np.floor(cycles)
    return cycles.astype(np.float32)


def sine(freq_hz: float | Signal, n_samples: int, start: float = 0.0) -> Signal:
    """Return a sine of unit amplitude; `start` in cycles."""
    return np.asarray(np.sin(_wrapped(freq_hz, n_samples, start) * np.float32(2.0 * np.pi)), dtype=np.float32)


def harmonics(
    freq_hz: float | Signal, n_samples: int, amplitudes: Sequence[float], start: float = 0.0
) -> Signal:
    """Return a periodic tone: sines at 1, 2, 3 ... times `freq_hz`, with these amplitudes, peak about 1.

    Harmonics above 20 kHz (by the highest frequency) are left out. Costs the same for one as for eighty.
    """
    highest_hz = float(np.max(freq_hz)) if isinstance(freq_hz, np.ndarray) else freq_hz
    n_kept = max(min(len(amplitudes), int(20_000.0 / max(highest_hz, 1.0))), 1)
    table = _wavetable(tuple(float(a) for a in amplitudes[:n_kept]))
    slope = np.diff(table)
    out = _wrapped(freq_hz, n_samples, start)
    # In blocks that stay in the processor's cache.
    for first in range(0, len(out), 16_384):
        x = out[first : first + 16_384]
        x *= np.float32(len(slope) - 1)
        left = x.astype(np.int32)
        x -= left
        x *= slope[left]
        x += table[left]
    return out


@lru_cache(maxsize=256)
def _wavetable(amplitudes: tuple[float, ...]) -> Signal:
    size = 4096
    spectrum = np.zeros(size // 2 + 1, dtype=np.complex128)
    spectrum[1 : len(amplitudes) + 1] = -1j * np.array(amplitudes)
    wave = np.fft.irfft(spectrum)
    wave /= np.max(np.abs(wave)) + 1e-12
    return np.append(wave, [wave[0], wave[1]]).astype(np.float32)


def rolloff(n_harmonics: int, db_per_octave: Decibels) -> list[float]:
    """Return amplitudes of harmonics that fall by `db_per_octave` (positive).

    6 is a saw, 12 a voice's glottis.
    """
    return [float(k ** (-db_per_octave / 6.0206)) for k in range(1, n_harmonics + 1)]
