"""The steps in which replies give numbers: whole LUFS, tenths of panning, quarters of a second.

Every grammar engine enforces a list of numbers, but not every one the bounds of a number. Steps are multiples
of their size, so that a reply holds 0.25 and 3, and never 0.45.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from copilot.frozen_model import Range
from copilot.normalise import round_to_step
from copilot.scene import MIX_FIELDS, Element, Role, SceneLimits
from copilot.units import Seconds

_LOUDNESS_STEP_LU = 1.0
_PANNING_STEP = 0.1
_TIME_STEP_S = 0.25
_MOST_TIMES = 160
"""The step of times is doubled until a list of them is no longer than that."""
_TOLERANCE = 1e-6
"""Of a step: far above the error of a float."""


def latest_start_s(limits: SceneLimits) -> Seconds:
    """Return the latest start that leaves room for the shortest sound."""
    return min(limits.start_time_s.high, limits.duration_s - limits.element_duration_s.low)


def ambience_duration_s(limits: SceneLimits) -> Seconds:
    """Return the duration of the leading ambience: the whole scene."""
    return min(limits.duration_s, limits.element_duration_s.high)


@dataclass(frozen=True)
class Scale:
    """The steps of one field. Scenes have it more finely, by `resolution`."""

    allowed: Range
    step: float
    resolution: float

    @cached_property
    def values(self) -> tuple[float, ...]:
        """The steps in the range, ascending; the low end of a range that has none."""
        first = math.ceil(self.allowed.low / self.step - _TOLERANCE)
        last = math.floor(self.allowed.high / self.step + _TOLERANCE)
        return tuple(self._multiply(n) for n in range(first, last + 1)) or (self.allowed.low,)

    def round(self, value: float) -> float:
        """Return the step that a value is nearest to; halves go up."""
        nearest = self._multiply(math.floor(value / self.step + 0.5 + _TOLERANCE))
        return min(max(nearest, self.values[0]), self.values[-1])

    def is_step(self, value: float) -> bool:
        """Return whether a value is one of the steps."""
        return value in self.allowed and abs(value - self.round(value)) < _TOLERANCE * self.step

    def spread(self, value: float, share: float, within: Range) -> float:
        """Return a value in the range that is nearest to a step; the share, from 0 to 1, decides which.

        Returns the step itself if the range has no such value.
        """
        half = self.step / 2
        low = max(self.allowed.low, within.low, value - half)
        high = min(self.allowed.high, within.high, value + half - self.resolution / 2)
        first = math.ceil(low / self.resolution - _TOLERANCE)
        last = math.floor(high / self.resolution + _TOLERANCE)
        if first > last:
            return value
        chosen = first + min(int(share * (last - first + 1)), last - first)
        return round_to_step(chosen * self.resolution, self.resolution)

    def _multiply(self, n: int) -> float:
        return round_to_step(n * self.step, self.step)


class Scales:
    """The scales of a sound's numbers under a data set's limits."""

    def __init__(self, limits: SceneLimits) -> None:
        starts = Range(low=limits.start_time_s.low, high=latest_start_s(limits))
        shortest_s = limits.element_duration_s.low
        durations = Range(low=shortest_s, high=max(shortest_s, ambience_duration_s(limits)))
        self.loudness = Scale(limits.loudness_lufs, _LOUDNESS_STEP_LU, limits.loudness_step_lu)
        self.panning = Scale(limits.panning, _PANNING_STEP, limits.panning_step)
        self.ambience_panning = Scale(_intersect(limits), _PANNING_STEP, limits.panning_step)
        self.time_step_s = _find_time_step(starts, durations)
        self.start_time = Scale(starts, self.time_step_s, limits.time_step_s)
        self.duration = Scale(durations, self.time_step_s, limits.time_step_s)

    def get(self, field: str, role: Role) -> Scale:
        """Return the scale of a mix parameter for sounds of a role."""
        if field == "panning" and role == "ambience":
            return self.ambience_panning
        found: Scale = getattr(self, field)
        return found

    @property
    def steps(self) -> dict[str, tuple[float, ...]]:
        """The steps by field, and those of `ambience_panning`."""
        names = ("loudness", "panning", "ambience_panning", "start_time", "duration")
        return {name: getattr(self, name).values for name in names}

    def round_numbers(self, element: Element) -> dict[str, float]:
        """Return the steps that an element's mix parameters are nearest to.

        A duration stays as it is for an ambience, which lasts the whole scene, and a line.
        """
        steps = {n: self.get(n, element.role).round(getattr(element, n)) for n in MIX_FIELDS}
        return steps if element.role in {"effect", "music"} else {**steps, "duration": element.duration}


def _intersect(limits: SceneLimits) -> Range:
    """Return the panning that the limits allow an ambience and every sound; one value if there is none."""
    low = max(limits.ambience_panning.low, limits.panning.low)
    return Range(low=low, high=max(low, min(limits.ambience_panning.high, limits.panning.high)))


def _find_time_step(*ranges: Range) -> Seconds:
    step = _TIME_STEP_S
    while any((allowed.high - allowed.low) / step > _MOST_TIMES for allowed in ranges):
        step *= 2
    return step
