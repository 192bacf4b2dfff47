"""Struck bodies as sums of decaying modes, and bursts of noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Seconds, seconds_to_samples
from renderers.procedural.dsp.base import NYQUIST_HZ, Signal
from renderers.procedural.dsp.filters import bandpass
from renderers.procedural.dsp.noise import white
from renderers.procedural.dsp.shapes import pluck


def ring(n_samples: int, hz: float, t60_s: Seconds, start: float = 0.0) -> Signal:
    """Return one mode of a struck body: a sine that decays by 60 dB in `t60_s`; `start` in cycles.

    Built from powers of one complex number in two steps, which is cheaper than a sine a sample.
    """
    if hz >= NYQUIST_HZ or n_samples == 0:
        return np.zeros(n_samples, dtype=np.float32)
    z = -6.9078 / (max(t60_s, 1e-4) * SAMPLE_RATE_HZ) + 2j * np.pi * hz / SAMPLE_RATE_HZ
    block = 512
    fine = np.exp(z * np.arange(block)).astype(np.complex64)
    coarse = np.exp(z * block * np.arange(n_samples // block + 1) + 2j * np.pi * start).astype(np.complex64)
    return np.outer(coarse, fine).imag.ravel()[:n_samples].astype(np.float32)


def modes(n_samples: int, partials: Sequence[tuple[float, Seconds, float]]) -> Signal:
    """Return a struck body: the sum of modes (Hz, t60 in seconds, amplitude), all starting at zero phase.

    Each mode is computed only until it has fallen by 80 dB.
    """
    out = np.zeros(n_samples, dtype=np.float32)
    for hz, t60_s, amplitude in partials:
        n_ring = min(n_samples, seconds_to_samples(t60_s * 1.34) + 1)
        out[:n_ring] += ring(n_ring, hz, t60_s) * np.float32(amplitude)
    return out


def noise_burst(
    rng: np.random.Generator,
    n_samples: int,
    low_hz: float,
    high_hz: float,
    *,
    attack_s: Seconds = 0.001,
    t60_s: Seconds = 0.1,
) -> Signal:
    """Return band-passed noise with the envelope of `pluck`, RMS about 1 at its top: scrapes, hits, puffs."""
    noise = bandpass(white(rng, n_samples), low_hz, high_hz)
    width = min(high_hz, NYQUIST_HZ) - low_hz
    gain = np.float32(np.sqrt(NYQUIST_HZ / max(width, 50.0)))
    return noise * pluck(n_samples, attack_s, t60_s) * gain
