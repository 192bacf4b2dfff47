"""Envelopes: the course of a sound's level in time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Seconds, seconds_to_samples
from renderers.procedural.dsp.base import Points, Signal


def envelope(n_samples: int, points: Points) -> Signal:
    """Return straight lines through (seconds, level); level before the first point and after the last."""
    corners = [(round(time_s * SAMPLE_RATE_HZ), level) for time_s, level in points]
    out = np.full(n_samples, corners[-1][1], dtype=np.float32)
    out[: max(corners[0][0], 0)] = corners[0][1]
    for (start, level), (stop, next_level) in pairwise(corners):
        if 0 <= start < n_samples and stop > start:
            out[start:stop] = np.linspace(level, next_level, stop - start, endpoint=False)[
                : n_samples - start
            ]
    return out


def decay(n_samples: int, t60_s: Seconds) -> Signal:
    """Return an exponential decay from 1, by 60 dB in `t60_s`."""
    rate = np.float32(-6.9078 / (max(t60_s, 1e-4) * SAMPLE_RATE_HZ))
    return np.asarray(np.exp(np.arange(n_samples, dtype=np.float32) * rate), dtype=np.float32)


def pluck(n_samples: int, attack_s: Seconds, t60_s: Seconds) -> Signal:
    """Return a raised-cosine attack, then an exponential decay by 60 dB in `t60_s`.

    It is the shape of a struck thing.
    """
    n_attack = min(max(seconds_to_samples(attack_s), 1), n_samples)
    shape = np.ones(n_samples, dtype=np.float32)
    shape[:n_attack] = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n_attack) + 0.5) / n_attack)
    shape[n_attack:] = decay(n_samples - n_attack, t60_s)
    return shape


def bump(n_samples: int, *, skew: float = 0.5) -> Signal:
    """Return a smooth hill from 0 to 1 and back; `skew` in (0, 1) is where its top lies."""
    n_rise = round(n_samples * min(max(skew, 0.02), 0.98))
    n_fall = n_samples - n_rise
    rise = (np.arange(n_rise, dtype=np.float32) + 0.5) * np.float32(np.pi / max(n_rise, 1))
    fall = (np.arange(n_fall, dtype=np.float32) + 0.5) * np.float32(np.pi / max(n_fall, 1))
    return np.concatenate([0.5 - 0.5 * np.cos(rise), 0.5 + 0.5 * np.cos(fall)])


def tail_off(x: Signal, fade_s: Seconds = 0.005) -> Signal:
    """Return `x` with its last `fade_s` faded out, for grains that would otherwise be cut."""
    n_fade = min(seconds_to_samples(fade_s), len(x))
    out = x.copy()
    if n_fade:
        out[-n_fade:] *= 0.5 + 0.5 * np.cos(np.pi * (np.arange(n_fade, dtype=np.float32) + 1) / n_fade)
    return out
