"""Clipping: how much of a sound is cut off at its highest level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_NEAR_PEAK = 0.999
_SHARE_OF_FRAME = 0.1
"""A sine is this near to its peak for 3 % of the time."""


def clipped_share(sound: NDArray[np.floating], rate_hz: int) -> float:
    """The share of frames of 10 ms that spend a tenth of their samples at the sound's highest level.

    `sound` is (channels, samples), as it came: resampling would round the flat tops off. 0 for silence.
    """
    levels = np.abs(sound)
    peak = float(levels.max(initial=0.0))
    frame = max(rate_hz // 100, 1)
    n_frames = (sound.shape[1] - 1) // frame
    if peak <= 0.0 or n_frames <= 0:
        return 0.0
    at_top = levels >= peak * _NEAR_PEAK
    # Two in a row: a tone whose period is a few samples meets its peak as often, but never stays there.
    flat = (at_top[:, :-1] & at_top[:, 1:]).any(axis=0)[: n_frames * frame]
    return float((flat.reshape(n_frames, frame).mean(axis=1) > _SHARE_OF_FRAME).mean())
