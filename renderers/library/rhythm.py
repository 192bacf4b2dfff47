"""Sounds that repeat evenly, such as a clock's ticks: their period, and a part that can be looped in time.

Onsets are rises of the amplitude from one frame of 10 ms to the next. Periods from 0.15 to 2.1 s are found.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from copilot.units import Audio, Seconds, seconds_to_samples

_FRAME_S: Seconds = 0.01
_SHORTEST, _LONGEST = 15, 210
"""Frames from one onset to the next."""

_ALIKE = 0.65
"""Least likeness of the onsets to those one period later; 1 is exactly alike."""

_AS_LOUD_DB = 10.0
"""The loudest moments of the recording's four quarters are within this."""


def find_beats(audio: Audio, rate_hz: int, n_fade: int) -> tuple[int, int] | None:
    """Return first sample and number of samples of whole periods, or None if there is no beat.

    At least `n_fade` samples follow them. From the first sample on, and from the end on, it is quiet for
    `n_fade` samples.
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
    period = max(lags, key=lambda lag: _compute_likeness(onsets, lag))
    loudest = [quarter.max() for quarter in np.array_split(power, 4)]
    as_loud = min(loudest) >= max(loudest) * 10.0 ** (-_AS_LOUD_DB / 10.0)
    if _compute_likeness(onsets, period) < _ALIKE or not as_loud:
        return None
    around = np.convolve(power[: period + fade - 1], np.ones(fade), "valid")
    first = int(np.argmax(around <= 2.0 * around.min()))
    length = period
    # Each further period is measured from the start, so that errors of rounding do not add up.
    while length + period < n_frames - first - fade:
        near = range(length + period - 1, length + period + 2)
        length = max(near, key=lambda lag: _compute_likeness(onsets, lag))
    return first * frame, length * frame


def _compute_likeness(onsets: NDArray[np.float64], lag: int) -> float:
    """Return the autocorrelation at `lag`, as a share of that at 0."""
    moved = onsets - onsets.mean()
    return float(np.mean(moved[:-lag] * moved[lag:]) / np.mean(moved * moved))
