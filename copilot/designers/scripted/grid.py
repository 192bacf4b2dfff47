"""Brings natural values into a data set's limits and onto its steps.

The lexicon uses the published ranges (loudness -30 to -10 LUFS, panning -1 to 1, a scene of 8 s). Other
limits stretch them linearly, so that a foreground sound stays in the foreground.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from copilot.frozen_model import Range
from copilot.scene import SceneLimits
from copilot.units import Lufs, Seconds

_PUBLISHED = SceneLimits()


@dataclass(frozen=True, slots=True)
class Placement:
    """The place of a new sound in time and space, and its loudness, all on the grid."""

    loudness: Lufs
    panning: float
    start_s: Seconds
    duration_s: Seconds


@dataclass(frozen=True, slots=True)
class Grid:
    """The limits as the designer uses them."""

    limits: SceneLimits

    def loudness(self, natural_lufs: Lufs) -> Lufs:
        """Return a natural loudness within the limits, on their step."""
        allowed, published = self.limits.loudness_lufs, _PUBLISHED.loudness_lufs
        share = (natural_lufs - published.low) / (published.high - published.low)
        return self.level(allowed.low + share * (allowed.high - allowed.low))

    def level(self, loudness_lufs: Lufs) -> Lufs:
        """Return a loudness cut to the limits, on their step."""
        return _round_to_step(loudness_lufs, self.limits.loudness_lufs, self.limits.loudness_step_lu)

    def panning(self, side: float, *, ambience: bool = False) -> float:
        """Return a side from -1 (as far left as allowed) to 1 as a panning on the limits' step."""
        allowed = self.ambience_panning if ambience else self.limits.panning
        middle, half = (allowed.low + allowed.high) / 2, (allowed.high - allowed.low) / 2
        return _round_to_step(middle + side * half, allowed, self.limits.panning_step)

    def side(self, panning: float) -> float:
        """Return the side, from -1 to 1, of a panning."""
        allowed = self.limits.panning
        return (panning - (allowed.low + allowed.high) / 2) / ((allowed.high - allowed.low) / 2)

    @property
    def ambience_panning(self) -> Range:
        """The panning of an ambience: what the limits allow both it and every sound."""
        limits = self.limits
        low = max(limits.ambience_panning.low, limits.panning.low)
        return Range(low=low, high=max(low, min(limits.ambience_panning.high, limits.panning.high)))

    def start(self, start_s: Seconds) -> Seconds:
        """Return a start within the limits, on their step."""
        return _round_to_step(start_s, self.limits.start_time_s, self.limits.time_step_s)

    def duration(self, duration_s: Seconds, start_s: Seconds) -> Seconds:
        """Return a duration within the limits, on their step, that ends in the scene."""
        longest = min(self.limits.element_duration_s.high, self.limits.duration_s - start_s)
        allowed = Range(low=min(self.limits.element_duration_s.low, longest), high=longest)
        return _round_to_step(duration_s, allowed, self.limits.time_step_s)

    @property
    def stretch(self) -> float:
        """The ratio of a scene's duration to the published one; lasting sounds are that much longer."""
        return self.limits.duration_s / _PUBLISHED.duration_s


def _round_to_step(value: float, allowed: Range, step: float) -> float:
    n = round(min(max(value, allowed.low), allowed.high) / step)
    # The ends of a range need not lie on the step: the last step inside counts.
    n = max(min(n, math.floor(allowed.high / step + 1e-6)), math.ceil(allowed.low / step - 1e-6))
    return round(n * step, 6)
