"""The ranges of the numbers, as the limits state them. A value outside is never clamped."""

from __future__ import annotations

from collections.abc import Iterator

from copilot.frozen_model import Range
from copilot.rules.rule import TIME_TOLERANCE_S, Case, Finding, rule, span


def _find_outside(case: Case, field: str, allowed: Range, unit: str = "") -> Iterator[Finding]:
    for index, element in case.fresh():
        value = getattr(element, field)
        if value not in allowed:
            yield Finding(f"{field} is {value}{unit}; allowed is {span(allowed)}{unit}", index, element.id)


@rule("loudness-range", "fatal")
def loudness_range(case: Case) -> Iterator[Finding]:
    """Every loudness lies within `loudness_lufs`."""
    return _find_outside(case, "loudness", case.limits.loudness_lufs, " LUFS")


@rule("panning-range", "fatal")
def panning_range(case: Case) -> Iterator[Finding]:
    """Every panning lies within `panning`."""
    return _find_outside(case, "panning", case.limits.panning)


@rule("start-time-range", "fatal")
def start_time_range(case: Case) -> Iterator[Finding]:
    """Every start time lies within `start_time_s`."""
    return _find_outside(case, "start_time", case.limits.start_time_s, " s")


@rule("duration-range", "fatal")
def duration_range(case: Case) -> Iterator[Finding]:
    """Every duration lies within `element_duration_s`."""
    return _find_outside(case, "duration", case.limits.element_duration_s, " s")


@rule("end-in-scene", "fatal")
def end_in_scene(case: Case) -> Iterator[Finding]:
    """Every sound ends within `duration_s`, the scene's duration."""
    last_s = case.limits.duration_s
    for index, element in case.fresh():
        if element.end_time > last_s + TIME_TOLERANCE_S:
            yield Finding(
                f"ends at {element.end_time:g} s; the scene ends at {last_s:g} s", index, element.id
            )


RULES = (loudness_range, panning_range, start_time_range, duration_range, end_in_scene)
