"""Natural figures brought into a data set's limits and onto its steps.

The lexicon speaks in the published ranges (loudness -30 to -10 LUFS, panning -1 to 1, a scene of 8 s). Other
limits stretch them linearly, so that what is in the foreground there is in the foreground here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from copilot.frozen_model import Range
from copilot.scene import SceneLimits
from copilot.units import Lufs, Seconds

_PUBLISHED = SceneLimits()


@dataclass(frozen=True, slots=True)
class Grid:
    """The limits as the designer uses them."""

    limits: SceneLimits

    def loudness(self, natural_lufs: Lufs) -> Lufs:
        """A natural loudness within the limits, on their step."""
        allowed, published = self.limits.loudness_lufs, _PUBLISHED.loudness_lufs
        share = (natural_lufs - published.low) / (published.high - published.low)
        return self.level(allowed.low + share * (allowed.high - allowed.low))

    def level(self, loudness_lufs: Lufs) -> Lufs:
        """A loudness cut to the limits, on their step."""
        return _on_step(loudness_lufs, self.limits.loudness_lufs, self.limits.loudness_step_lu)

    def panning(self, side: float, *, ambience: bool = False) -> float:
        """A side from -1 (as far left as allowed) to 1, as a panning on the limits' step."""
        allowed = self.ambience_panning if ambience else self.limits.panning
        middle, half = (allowed.low + allowed.high) / 2, (allowed.high - allowed.low) / 2
        return _on_step(middle + side * half, allowed, self.limits.panning_step)

    def side(self, panning: float) -> float:
        """The side, from -1 to 1, that a panning is on."""
        allowed = self.limits.panning
        return (panning - (allowed.low + allowed.high) / 2) / ((allowed.high - allowed.low) / 2)

    @property
    def ambience_panning(self) -> Range:
        """Where an ambience may be: what the limits allow it and every sound."""
        limits = self.limits
        low = max(limits.ambience_panning.low, limits.panning.low)
        return Range(low=low, high=max(low, min(limits.ambience_panning.high, limits.panning.high)))

    def start(self, start_s: Seconds) -> Seconds:
        """A start within the limits, on their step."""
        return _on_step(start_s, self.limits.start_time_s, self.limits.time_step_s)

    def duration(self, duration_s: Seconds, start_s: Seconds) -> Seconds:
        """A duration within the limits, on their step, that ends in the scene."""
        longest = min(self.limits.element_duration_s.high, self.limits.duration_s - start_s)
        allowed = Range(low=min(self.limits.element_duration_s.low, longest), high=longest)
        return _on_step(duration_s, allowed, self.limits.time_step_s)

    @property
    def stretch(self) -> float:
        """How much longer than the published scene a scene is; sounds that fill it last that much longer."""
        return self.limits.duration_s / _PUBLISHED.duration_s


def _on_step(value: float, allowed: Range, step: float) -> float:
    n = round(min(max(value, allowed.low), allowed.high) / step)
    # The ends of a range need not lie on the step: the last step inside counts.
    n = max(min(n, math.floor(allowed.high / step + 1e-6)), math.ceil(allowed.low / step - 1e-6))
    return round(n * step, 6)
