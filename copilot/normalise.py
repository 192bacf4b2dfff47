"""Repairs of harmless faults, each recorded; all other faults are left for the rules.

Repaired are: numbers finer than the limits' steps, durations beyond the scene's end, and white space. A
value out of its range is never clamped. Operations still make the scenes afterwards, and a second pass
finds nothing to repair.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any, Literal

from pydantic import ValidationError

from copilot.dialogue import Dialogue, Turn
from copilot.edit import Add, Change, EditError, Operation, Replace, apply, diff
from copilot.frozen_model import Range
from copilot.scene import MIX_FIELDS, Element, Scene, SceneLimits, SpeechElement
from copilot.units import Seconds

Reason = Literal["rounded", "cut-at-scene-end", "white-space"]


@dataclass(frozen=True, slots=True)
class Normalisation:
    """One repair: the field, its old and its new value. `element_id` is None for a turn's text."""

    field: str
    before: float | str
    after: float | str
    reason: Reason
    turn: int | None = None
    element_id: int | None = None

    def __str__(self) -> str:
        place = "" if self.element_id is None else f" element {self.element_id}"
        return f"{self.reason}: turn {self.turn}{place} {self.field}: {self.before!r} -> {self.after!r}"


def round_to_step(value: float, step: float) -> float:
    """Return the multiple of `step` nearest to the value, as the shortest decimal: 0.3, not 0.1 + 0.2.

    Halves go to the even multiple. Never gives -0.0.
    """
    return round_to_multiple(Decimal(repr(value)), step, ROUND_HALF_EVEN)


def round_to_multiple(value: Decimal, step: float, rounding: str) -> float:
    """Round the value to a multiple of `step`, by one of the rounding modes of `decimal`."""
    exact_step = Decimal(repr(step))
    return float((value / exact_step).to_integral_value(rounding) * exact_step) + 0.0


def normalise_text(text: str) -> str:
    """Return the text with single spaces between its words; unchanged if it has no words."""
    return " ".join(text.split()) or text


def normalise_element(element: Element, limits: SceneLimits) -> tuple[Element, tuple[Normalisation, ...]]:
    """Return the element with rounded numbers, cut at the scene's end, and with clean white space."""
    repaired: dict[str, Any] = {}
    notes: list[Normalisation] = []

    def repair(field: str, after: float | str, reason: Reason) -> None:
        before = getattr(element, field)
        repaired[field] = after
        if after != before:
            notes.append(Normalisation(field, before, after, reason))

    repair(
        "loudness",
        _round_in_range(element.loudness, limits.loudness_step_lu, limits.loudness_lufs),
        "rounded",
    )
    repair("panning", _round_in_range(element.panning, limits.panning_step, limits.panning), "rounded")
    start_s = _round_in_range(element.start_time, limits.time_step_s, limits.start_time_s)
    repair("start_time", start_s, "rounded")
    duration_s = _round_in_range(element.duration, limits.time_step_s, limits.element_duration_s)
    if (room_s := _longest_duration(start_s, limits)) and duration_s > room_s:
        repair("duration", room_s, "cut-at-scene-end")
    else:
        repair("duration", duration_s or element.duration, "rounded")
    repair("text", normalise_text(element.text), "white-space")
    if isinstance(element, SpeechElement):
        repair("speaker", normalise_text(element.speaker), "white-space")
    return element.model_copy(update=repaired), tuple(notes)


def _round_in_range(value: float, step: float, allowed: Range) -> float:
    """Round the value if the result is in its range: the rules judge a value outside as it is."""
    rounded = round_to_step(value, step)
    return rounded if rounded in allowed else value


def _longest_duration(start_s: Seconds, limits: SceneLimits) -> Seconds:
    """Return the longest duration in steps that ends within the scene; 0 if there is none."""
    room = Decimal(repr(limits.duration_s)) - Decimal(repr(start_s))
    return max(round_to_multiple(room, limits.time_step_s, ROUND_FLOOR), 0.0)


def normalise_dialogue(dialogue: Dialogue, limits: SceneLimits) -> tuple[Dialogue, tuple[Normalisation, ...]]:
    """Return the repaired dialogue, and the repairs in the order of the turns.

    In mode `turnwise` the operations are repaired one by one and make new scenes; a dialogue whose operations
    do not make its scenes keeps both unchanged. In mode `whole` the scenes count: they are repaired, and the
    operations derived from them, except for turns in which `diff` cannot.
    """
    whole = dialogue.mode == "whole"
    if not whole and not _operations_make_scenes(dialogue):
        return dialogue, ()
    turns: list[Turn] = []
    notes: list[Normalisation] = []
    running = Scene()
    for index, turn in enumerate(dialogue.turns):
        repaired, found = _normalise_words(turn)
        if whole:
            repaired, more = _normalise_scene(repaired, running, dialogue.scene_before(index), limits)
        else:
            repaired, more = _normalise_operations(repaired, running, limits)
        turns.append(repaired)
        notes += (replace(note, turn=index) for note in (*found, *more))
        running = repaired.scene
    return dialogue.model_copy(update={"turns": tuple(turns)}), tuple(notes)


def _operations_make_scenes(dialogue: Dialogue) -> bool:
    try:
        return all(
            apply(before, turn.operations) == turn.scene for _, before, turn, _ in dialogue.transitions()
        )
    except (EditError, ValidationError):
        return False


def _normalise_words(turn: Turn) -> tuple[Turn, list[Normalisation]]:
    repaired = {name: normalise_text(getattr(turn, name)) for name in ("user", "description")}
    notes = [
        Normalisation(name, before, after, "white-space")
        for name, after in repaired.items()
        if (before := getattr(turn, name)) != after
    ]
    return (turn.model_copy(update=repaired) if notes else turn), notes


def _normalise_operations(
    turn: Turn, running: Scene, limits: SceneLimits
) -> tuple[Turn, list[Normalisation]]:
    operations: list[Operation] = []
    notes: list[Normalisation] = []
    for operation in turn.operations:
        repaired, found = _normalise_operation(operation, running, limits)
        operations.append(repaired)
        notes += found
        running = apply(running, (repaired,))
    return turn.model_copy(update={"operations": tuple(operations), "scene": running}), notes


def _normalise_operation(
    operation: Operation, running: Scene, limits: SceneLimits
) -> tuple[Operation, list[Normalisation]]:
    if isinstance(operation, Add | Replace):
        element, notes = normalise_element(operation.element, limits)
        return operation.model_copy(update={"element": element}), _name_element(element, notes)
    if isinstance(operation, Change) and (old := running.get(operation.id)):
        updates = operation.updates
        new, notes = normalise_element(old.model_copy(update=updates), limits)
        # A start that moves may cut the duration, which the operation did not name.
        moved = {n: v for n in MIX_FIELDS if (v := getattr(new, n)) != getattr(old, n) or n in updates}
        return Change(id=operation.id, **moved), _name_element(new, notes)
    return operation, []


def _normalise_scene(
    turn: Turn, running: Scene, stated_before: Scene, limits: SceneLimits
) -> tuple[Turn, list[Normalisation]]:
    elements: list[Element] = []
    notes: list[Normalisation] = []
    for stated in turn.scene.elements:
        known = running.get(stated.id)
        # A scene restates what it keeps; a repair is recorded once.
        if known is not None and stated_before.get(stated.id) == stated:
            elements.append(known)
            continue
        element, found = normalise_element(stated, limits)
        elements.append(element)
        notes += _name_element(element, found)
    scene = Scene(elements=tuple(elements))
    try:
        operations = diff(running, scene)
    except EditError:
        operations = turn.operations
    return turn.model_copy(update={"scene": scene, "operations": operations}), notes


def _name_element(element: Element, notes: Iterable[Normalisation]) -> list[Normalisation]:
    return [replace(note, element_id=element.id) for note in notes]
