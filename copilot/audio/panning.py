"""Constant-power panning: the two gains of a position, after the angle a = (p + 1) π/4."""

from __future__ import annotations

import math

SQRT2 = math.sqrt(2.0)


def pan_gains(panning: float, n_channels: int) -> tuple[float, float]:
    """Return the gains of left and right for a panning in [-1, 1].

    A mono sound goes to left by cos a and to right by sin a: the powers add up to 1 everywhere. A stereo
    sound's own channels go by √2 cos a and √2 sin a: both 1 at the centre, so that the width stays.
    Raises ValueError for another number of channels, or a panning out of range.
    """
    if not -1.0 <= panning <= 1.0:
        raise ValueError(f"panning: {panning} is not in [-1, 1]")
    if n_channels not in {1, 2}:
        raise ValueError(f"panning: {n_channels} channels; expected 1 or 2")
    angle = (panning + 1.0) * math.pi / 4.0
    scale = 1.0 if n_channels == 1 else SQRT2
    return scale * math.cos(angle), scale * math.sin(angle)
