"""From signals to audio of one or two channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from copilot.units import SAMPLE_RATE_HZ, Audio, Seconds, seconds_to_samples
from renderers.procedural.dsp.base import Positions, Signal

_SPACING_S = 0.0015


def pan_gains(pan: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return constant-power gains (left, right) for positions in [-1, 1]."""
    angle = (pan + 1.0) * (np.pi / 4.0)
    return np.cos(angle), np.sin(angle)


def pan_delays(pan: NDArray[np.float64]) -> tuple[Positions, Positions]:
    """Return delays in samples (left, right) at two microphones half a metre apart, for positions in [-1, 1].

    They make the channels of many scattered sources as independent as a recording's; gains alone do not.
    """
    shift = np.floor(np.abs(pan) * _SPACING_S * SAMPLE_RATE_HZ).astype(np.int64)
    return np.where(pan > 0, shift, 0), np.where(pan < 0, shift, 0)


def place(out: Audio, x: Signal, pan: float, gain: float = 1.0) -> None:
    """Add a source at a position in [-1, 1] to two channels, by level and delay. Changes `out`."""
    pans = np.array([pan])
    for side, level, delay in zip(out, pan_gains(pans), pan_delays(pans), strict=True):
        shift = int(delay[0])
        side[shift:] += x[: len(x) - shift] * np.float32(gain * level[0])


def mono(x: Signal) -> Audio:
    """Return one channel as audio, shape (1, n_samples)."""
    return np.asarray(x, dtype=np.float32)[np.newaxis, :]


def stereo(left: Signal, right: Signal) -> Audio:
    """Return two channels as audio, shape (2, n_samples)."""
    return np.stack([left, right]).astype(np.float32, copy=False)


def widen(rng: np.random.Generator, x: Signal, amount: float = 0.7, spread_s: Seconds = 0.02) -> Audio:
    """Return two decorrelated versions of one signal.

    Each adds its own sparse, signed echoes within `spread_s`.
    """
    n_taps = 9
    channels = []
    for _ in range(2):
        out = x.copy()
        delays = rng.integers(1, max(seconds_to_samples(spread_s), 2), n_taps)
        signs = rng.choice(np.array([-1.0, 1.0]), n_taps)
        for delay, sign in zip(delays.tolist(), signs.tolist(), strict=True):
            out[delay:] += x[: len(x) - delay] * np.float32(sign * amount / 2.0)
        channels.append(out)
    return stereo(channels[0], channels[1])
