"""Sounds that repeat evenly, as a clock's ticks do: whether one does, and where it can be looped in time.

Onsets are rises of the amplitude from one frame of 10 ms to the next. The pause between two of them is looked
for from 0.15 to 2.1 s.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from copilot.units import Audio, Seconds, seconds_to_samples

_FRAME_S: Seconds = 0.01
_SHORTEST, _LONGEST = 15, 210
"""Frames from one onset to the next."""

_ALIKE = 0.65
"""How far the onsets have to match those one period on; 1 is exactly alike."""

_AS_LOUD_DB = 10.0
"""The loudest moments of the recording's four quarters are within this."""


def beats(audio: Audio, rate_hz: int, n_fade: int) -> tuple[int, int] | None:
    """First sample and number of samples of whole periods, with `n_fade` more behind; None without a beat.

    For as long as `n_fade`, it is quiet from the first sample on, and so from the end on.
    """
    frame = max(seconds_to_samples(_FRAME_S, rate_hz), 1)
    n_frames, fade = audio.shape[1] // frame, -(-n_fade // frame)
    lags = range(_SHORTEST, min(_LONGEST, (n_frames - fade) // 2))
    if not lags:
        return None
    power = np.square(audio[:, : n_frames * frame], dtype=np.float64).mean(axis=0)
    power = power.reshape(n_frames, frame).mean(axis=1)
    # Spread over 30 ms, since a tick that comes half a frame late is still in time.
    onsets = np.convolve(np.diff(np.sqrt(power)).clip(0.0), [0.5, 1.0, 0.5], "same")
    if not onsets.any():
        return None
    period = max(lags, key=lambda lag: _likeness(onsets, lag))
    loudest = [quarter.max() for quarter in np.array_split(power, 4)]
    as_loud = min(loudest) >= max(loudest) * 10.0 ** (-_AS_LOUD_DB / 10.0)
    if _likeness(onsets, period) < _ALIKE or not as_loud:
        return None
    around = np.convolve(power[: period + fade - 1], np.ones(fade), "valid")
    first = int(np.argmax(around <= 2.0 * around.min()))
    length = period
    # Another period and another: each is measured from the start, so that no error of rounding adds up.
    while length + period < n_frames - first - fade:
        near = range(length + period - 1, length + period + 2)
        length = max(near, key=lambda lag: _likeness(onsets, lag))
    return first * frame, length * frame


def _likeness(onsets: NDArray[np.float64], lag: int) -> float:
    """The autocorrelation at `lag`, as a share of that at 0."""
    moved = onsets - onsets.mean()
    return float(np.mean(moved[:-lag] * moved[lag:]) / np.mean(moved * moved))
