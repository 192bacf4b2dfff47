"""Lines that are longer than their slots are made to fit.

The slot is lengthened if the scene has room up to the next line and no rule breaks. Else the line is spoken
up to 8 % faster; else both. The result holds for every turn in which the line sounds, so that turns share it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from pedalboard import time_stretch

from copilot.dialogue import Dialogue, Turn
from copilot.edit import Add, Change, Operation, Replace
from copilot.errors import RowFault
from copilot.normalise import round_to_multiple
from copilot.rules import check_dialogue
from copilot.scene import Element, Scene, SceneLimits, SpeechElement
from copilot.stem import Stem, replace_stretched_audio
from copilot.units import SAMPLE_RATE_HZ, Seconds

FASTEST = 1.08
"""The limit of speaking faster: beyond it a line sounds compressed."""

_SMALLEST_STEP = 1.002


@dataclass(frozen=True, slots=True)
class Fitted:
    """A dialogue whose lines fit their slots, the stems that were spoken faster, and notes on the changes."""

    dialogue: Dialogue
    stems: Mapping[int, Stem]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Slot:
    """A line's place in one turn: its duration, and the longest possible one."""

    duration_s: Seconds
    room_s: Seconds


def fit_speech(dialogue: Dialogue, stems: Mapping[int, Stem], limits: SceneLimits) -> Fitted:
    """Make every line fit its slot. `stems` holds at least those of the speech, by element id.

    Raises RowFault `speech-too-long` for a line that cannot be made to fit.
    """
    faster: dict[int, Stem] = {}
    notes: list[str] = []
    for line in _list_lines(dialogue):
        stem = stems[line.id]
        needed_s = stem.info.speech_end_s or 0.0
        slots = tuple(_list_slots(dialogue, line.id, limits))
        if needed_s <= min(slot.duration_s for slot in slots):
            continue
        dialogue, spoken = _fit_line(dialogue, line, stem, slots, limits)
        if spoken is not stem:
            faster[line.id] = spoken
            notes.append(f"spoken-faster: element {line.id}: by {spoken.info.detail['stretched']}")
        lengths = [slot.duration_s for slot in _list_slots(dialogue, line.id, limits)]
        if lengths != [slot.duration_s for slot in slots]:
            before = min(slot.duration_s for slot in slots)
            notes.append(f"lengthened: element {line.id} duration: {before:g} -> {min(lengths):g}")
    return Fitted(dialogue, faster, tuple(notes))


def _fit_line(
    dialogue: Dialogue, line: SpeechElement, stem: Stem, slots: tuple[_Slot, ...], limits: SceneLimits
) -> tuple[Dialogue, Stem]:
    """Return the dialogue with the line's new slot, and the stem that is spoken there."""
    needed_s = stem.info.speech_end_s or 0.0
    shortest_s = min(slot.duration_s for slot in slots)
    exact_room = Decimal(repr(min(slot.room_s for slot in slots)))
    room_s = max(round_to_multiple(exact_room, limits.time_step_s, ROUND_FLOOR), shortest_s)
    longer_s = round_to_multiple(Decimal(repr(needed_s)), limits.time_step_s, ROUND_CEILING)
    for slot_s in (longer_s, shortest_s, room_s):
        lengthened = dialogue if slot_s <= shortest_s else _lengthen(dialogue, line.id, slot_s)
        if slot_s > room_s or _breaks_a_rule(dialogue, lengthened, limits):
            continue
        if (spoken := _speak_within(stem, slot_s)) is not None:
            return lengthened, spoken
    raise RowFault(
        "speech-too-long",
        f"element {line.id} ({line.text!r}): {needed_s:.2f} s of speech in a slot of {shortest_s:g} s, "
        f"with room for {room_s:g} s; it may be spoken {FASTEST - 1:.0%} faster at most",
    )


def _speak_within(stem: Stem, slot_s: Seconds) -> Stem | None:
    """Return the stem, spoken faster if it must be to end within the slot; None if that is too fast."""
    spoken, factor = stem, 1.0
    # Stretching smears the end of speech a little: a line that is still too long is stretched somewhat more.
    while (end_s := spoken.info.speech_end_s or 0.0) > slot_s:
        factor = math.ceil(factor * max(end_s / slot_s, _SMALLEST_STEP) * 1000) / 1000
        if factor > FASTEST:
            return None
        spoken = replace_stretched_audio(stem, time_stretch(stem.audio, SAMPLE_RATE_HZ, factor), factor)
    return spoken


def _list_lines(dialogue: Dialogue) -> list[SpeechElement]:
    """Return each line once, as it first appears."""
    first: dict[int, SpeechElement] = {}
    for element in dialogue.elements():
        if isinstance(element, SpeechElement):
            first.setdefault(element.id, element)
    return list(first.values())


def _list_slots(dialogue: Dialogue, line_id: int, limits: SceneLimits) -> Iterator[_Slot]:
    for turn in dialogue.turns:
        line = turn.scene.get(line_id)
        if line is not None:
            end_s = min([limits.duration_s, *_later_starts(turn.scene, line)])
            yield _Slot(line.duration, min(end_s - line.start_time, limits.element_duration_s.high))


def _later_starts(scene: Scene, line: Element) -> Iterator[Seconds]:
    """Yield the starts of later lines of a scene: a longer slot must not overlap them."""
    for other in scene.elements:
        if other.role == "speech" and other.id != line.id and other.start_time >= line.end_time:
            yield other.start_time


def _lengthen(dialogue: Dialogue, line_id: int, slot_s: Seconds) -> Dialogue:
    turns = [_lengthen_in_turn(turn, line_id, slot_s) for turn in dialogue.turns]
    return dialogue.model_copy(update={"turns": tuple(turns)})


def _lengthen_in_turn(turn: Turn, line_id: int, slot_s: Seconds) -> Turn:
    elements = tuple(_lengthen_element(element, line_id, slot_s) for element in turn.scene.elements)
    operations = tuple(_lengthen_operation(operation, line_id, slot_s) for operation in turn.operations)
    return turn.model_copy(update={"scene": Scene(elements=elements), "operations": operations})


def _lengthen_element(element: Element, line_id: int, slot_s: Seconds) -> Element:
    if element.id != line_id or element.duration >= slot_s:
        return element
    return element.model_copy(update={"duration": slot_s})


def _lengthen_operation(operation: Operation, line_id: int, slot_s: Seconds) -> Operation:
    if isinstance(operation, Add | Replace):
        return operation.model_copy(update={"element": _lengthen_element(operation.element, line_id, slot_s)})
    if isinstance(operation, Change) and operation.id == line_id and operation.duration is not None:
        return operation.model_copy(update={"duration": max(operation.duration, slot_s)})
    return operation


def _breaks_a_rule(before: Dialogue, after: Dialogue, limits: SceneLimits) -> bool:
    if after is before:
        return False
    known = {(v.rule, v.turn, v.element_id) for v in check_dialogue(before, limits)}
    return any((v.rule, v.turn, v.element_id) not in known for v in check_dialogue(after, limits))
