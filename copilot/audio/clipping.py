"""Clipping: the share of a sound that is cut off at its highest level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_NEAR_FULL_SCALE = 0.9
_FLATNESS = 0.001
_SHARE_OF_FRAME = 0.1
"""A sine is within a thousandth of its peak for 3 % of the time."""


def clipped_share(sound: NDArray[np.floating], rate_hz: int) -> float:
    """Return the share of 10 ms frames with a tenth of their samples flat at one level; the worst channel.

    `sound` is (channels, samples), not resampled: that would round the flat tops off. Below 0.9 of full scale
    nothing counts: a sound that is flat there was made so, as a square wave is.
    """
    return max((_clipped_share(channel, max(rate_hz // 100, 1)) for channel in np.abs(sound)), default=0.0)


def _clipped_share(levels: NDArray[np.floating], frame: int) -> float:
    n_frames = (levels.size - 1) // frame
    if n_frames <= 0:
        return 0.0
    # Not the peak: a single sample above the flat tops would hide them.
    top = float(np.partition(levels, index := int(0.99 * (levels.size - 1)))[index])
    if not top >= _NEAR_FULL_SCALE:
        return 0.0
    at_top = np.abs(levels - top) <= top * _FLATNESS
    # Two in a row: a tone whose period is a few samples meets its peak as often, but never stays there.
    flat = (at_top[:-1] & at_top[1:])[: n_frames * frame]
    return float((flat.reshape(n_frames, frame).mean(axis=1) > _SHARE_OF_FRAME).mean())
