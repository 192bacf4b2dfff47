"""Turns in the form of replies: what a model would have written for a dialogue's story or edit."""

from __future__ import annotations

from collections.abc import Iterator

from copilot.designers.llm.aims import AIMED_TASKS
from copilot.designers.llm.replies import (
    AddReply,
    AmbienceReply,
    ChangeReply,
    EditReply,
    EffectReply,
    LineReply,
    OperationReply,
    RemoveReply,
    ReplaceReply,
    StoryReply,
    order_by_slot,
)
from copilot.designers.llm.scales import Scales
from copilot.dialogue import Turn
from copilot.edit import Add, Change, Operation, Remove
from copilot.scene import Element, Scene, SpeechElement


def make_story_reply(turn: Turn, scales: Scales) -> StoryReply:
    """Return the reply of a story turn. Raises ValueError if its scene has not one ambience."""
    *sounds, ambience = order_by_slot(turn.scene)
    if ambience.role != "ambience":
        raise ValueError("a story without an ambience has no reply")
    made = _make_sound(ambience, scales).model_dump(exclude={"role"})
    return StoryReply(
        description=_quote_singly(turn.description),
        user=_quote_singly(turn.user),
        ambience=AmbienceReply(**made),
        sounds=tuple(_make_scene_sound(sound, scales) for sound in sounds),
    )


def make_edit_reply(turn: Turn, before: Scene, scales: Scales) -> EditReply:
    """Return the reply of an edit turn of a scene. Raises ValueError if it adds an ambience."""
    slots = order_edit(turn, before)
    made = (reply for operation in turn.operations for reply in _make_operations(operation, slots, scales))
    return EditReply(
        user=_quote_singly(turn.user),
        operations=tuple(made),
        description=_quote_singly(turn.description),
    )


def order_edit(turn: Turn, before: Scene) -> tuple[Element, ...]:
    """Return the sounds in the order of their slots in the prompt of an edit turn."""
    subject = next((op.id for op in turn.operations if not isinstance(op, Add)), None)
    first = before.get(subject) if subject is not None and turn.task in AIMED_TASKS else None
    return order_by_slot(before, first)


def _quote_singly(text: str) -> str:
    """Return the text with single quotation marks: no text of a reply holds a character that JSON escapes."""
    return text.replace('"', "'")


def _make_sound(element: Element, scales: Scales) -> AmbienceReply | EffectReply | LineReply:
    values = element.model_dump() | scales.round_numbers(element) | {"text": _quote_singly(element.text)}
    if isinstance(element, SpeechElement):
        return LineReply(**{name: values[name] for name in LineReply.model_fields})
    if element.role == "ambience":
        return AmbienceReply(**{name: values[name] for name in AmbienceReply.model_fields})
    return EffectReply(**{name: values[name] for name in EffectReply.model_fields})


def _make_scene_sound(element: Element, scales: Scales) -> EffectReply | LineReply:
    made = _make_sound(element, scales)
    if isinstance(made, AmbienceReply):
        message = f"element {element.id} is a second ambience, which has no reply"
        raise ValueError(message)  # noqa: TRY004 - the type is right, its content is not
    return made


def _make_operations(
    operation: Operation, slots: tuple[Element, ...], scales: Scales
) -> Iterator[OperationReply]:
    """Yield the replies of an operation: one for each field that a change sets."""
    if isinstance(operation, Add):
        yield AddReply(op="add", sound=_make_scene_sound(operation.element, scales))
        return
    slot, old = next((slot, old) for slot, old in enumerate(slots) if old.id == operation.id)
    if isinstance(operation, Remove):
        yield RemoveReply(op="remove", slot=slot)
    elif isinstance(operation, Change):
        for name, value in operation.updates.items():
            step = scales.get(name, old.role).round(value)
            yield ChangeReply.model_validate({"op": "change", "slot": slot, name: step})
    else:
        yield ReplaceReply(op="replace", slot=slot, sound=_make_sound(operation.element, scales))
