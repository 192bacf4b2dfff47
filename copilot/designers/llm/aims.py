"""Aims of edit turns: which sound a turn is about, and for a change in which direction and how far.

They are drawn by content, as tasks are, from what is possible and will be heard: a sound at the upper end of
the loudness can only become quieter, and one that louder sounds cover is not moved. So requests differ from
turn to turn, and every operation does something.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from copilot.designers.audible import keep_audible
from copilot.designers.llm.scales import Scale, Scales
from copilot.dialogue import Task
from copilot.edit import Change, Operation, Remove
from copilot.hashing import draw
from copilot.scene import Element, Scene

Direction = Literal["louder", "quieter", "left", "right", "centre"]

AIMED_TASKS: tuple[Task, ...] = ("remove", "volume", "panning", "replace")
"""The tasks whose turns have an aim."""

_DIRECTIONS: Mapping[Task, tuple[Direction, ...]] = {
    "volume": ("louder", "quieter"),
    "panning": ("left", "right", "centre"),
}
_FIELDS: Mapping[Task, str] = {"volume": "loudness", "panning": "panning"}
_LEAST: Mapping[Task, tuple[float, ...]] = {"volume": (3.0, 4.0, 6.0, 8.0), "panning": (0.4, 0.6, 0.8)}
"""The smallest changes that are drawn from; the first is the smallest that is heard as a change."""
_CENTRE = 0.1
_N_BOUNDS = 10
"""About as many bounds of the new values there are in a direction; each has a grammar of its own."""
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Aim:
    """The sound that a turn is about; for a change, its field, its direction, and the steps to choose from.

    `example` is one of the steps, for the prompt.
    """

    sound: Element
    field: str = ""
    direction: Direction | None = None
    values: tuple[float, ...] = ()
    example: float | None = None


def draw_aim(
    task: Task, sounds: Sequence[Element], scales: Scales, known: Collection[int], *parts: str | int
) -> Aim | None:
    """Draw the aim of a turn; None if the task has none, or cannot be done with these sounds.

    `sounds` are in the order of their slots, the leading ambience last. Ids in `known`, those that earlier
    edits were about, are only drawn if no other sound will do.
    """
    possible = [aim for sound in sounds for aim in _list_aims(task, sound, scales, leads=sound is sounds[-1])]
    if not possible:
        return None
    aims = keep_audible(possible, Scene(elements=tuple(sounds)), _make_least_edit)
    fresh = [aim for aim in aims if aim.sound.id not in known] or aims
    target = draw(sorted({aim.sound.id for aim in fresh}), "target", *parts)
    found = [aim for aim in fresh if aim.sound.id == target]
    direction = draw(sorted({aim.direction or "" for aim in found}), "direction", *parts)
    aim = draw([aim for aim in found if (aim.direction or "") == direction], "amount", *parts)
    return replace(aim, example=draw(aim.values, "example", *parts)) if aim.values else aim


def _list_aims(task: Task, sound: Element, scales: Scales, *, leads: bool) -> Iterator[Aim]:
    """Yield the aims that a turn may have with a sound; the one that `leads` is the leading ambience."""
    if task == "replace" or (task == "remove" and not leads):
        yield Aim(sound)
    if task == "volume" or (task == "panning" and sound.role != "ambience"):
        field = _FIELDS[task]
        for direction in _DIRECTIONS[task]:
            values = _list_values(task, direction, getattr(sound, field), scales.get(field, sound.role))
            yield from (Aim(sound, field, direction, steps) for steps in values)


def _make_least_edit(aim: Aim) -> Sequence[Operation]:
    """Return the smallest edit that fulfils an aim; of a replacement, the removal."""
    if not aim.values:
        return [Remove(id=aim.sound.id)]
    old = getattr(aim.sound, aim.field)
    return [Change(id=aim.sound.id, **{aim.field: min(aim.values, key=lambda value: abs(value - old))})]


def _list_values(task: Task, direction: Direction, old: float, scale: Scale) -> Iterator[tuple[float, ...]]:
    """Yield the steps that a change may lead to, once for each smallest change that is possible."""
    smallest = min(_LEAST[task][0], (scale.values[-1] - scale.values[0]) / 2)
    if direction == "centre":
        values = tuple(value for value in scale.values if abs(value) <= _CENTRE + _TOLERANCE)
        if values and all(abs(value - old) > smallest - _TOLERANCE for value in values):
            yield values
        return
    up, shown = direction in {"louder", "right"}, scale.round(old)
    for least in (smallest, *_LEAST[task][1:]):
        bound = max(old, shown) + least if up else min(old, shown) - least
        if smallest and (values := _list_beyond(bound, scale, up=up)):
            yield values


def _list_beyond(bound: float, scale: Scale, *, up: bool) -> tuple[float, ...]:
    """Return the steps beyond a bound, from one of a few first ones on to the end of the scale."""
    stride = max(1, math.floor(len(scale.values) / _N_BOUNDS))
    if up:
        bounds = [value for value in scale.values[::-stride] if value > bound - _TOLERANCE]
        return tuple(value for value in scale.values if bounds and value >= min(bounds))
    bounds = [value for value in scale.values[::stride] if value < bound + _TOLERANCE]
    return tuple(value for value in scale.values if bounds and value <= max(bounds))
