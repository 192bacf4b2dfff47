"""Noise floor: the level of a recording in its pauses."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, Decibels, gain_to_db

_FRAME = SAMPLE_RATE_HZ // 100
_QUIETEST_PERCENT = 10


def noise_floor_dbfs(audio: Audio) -> Decibels:
    """Return the RMS level that the quietest tenth of the frames of 10 ms stays below, in dBFS.

    `audio` is (channels, samples); under 10 ms it is one frame.
    """
    power = np.square(audio, dtype=np.float64).mean(axis=0)
    n_frames = power.size // _FRAME
    frames = power[: n_frames * _FRAME].reshape(-1, _FRAME).mean(axis=1) if n_frames else [power.mean()]
    return gain_to_db(float(np.percentile(frames, _QUIETEST_PERCENT)) ** 0.5)
