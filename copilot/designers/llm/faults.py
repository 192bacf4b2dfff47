"""The faults of a reply in words that a model knows: sounds by their texts, numbers with the ranges allowed.

All faults are found at once, whatever layer they belong to. What does not fit is left out of the dialogue, or
moved into its range there, so that the rules can judge the rest; such a dialogue is never accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from copilot.designers.llm.forms import Form
from copilot.designers.llm.ladder import UnusableReply, limit_messages
from copilot.designers.llm.replies import EditReply, SlotError
from copilot.dialogue import Dialogue
from copilot.edit import EditError
from copilot.frozen_model import FrozenModel, Range
from copilot.rules.rule import Violation, describe_position, span
from copilot.rules.schema import schema_faults
from copilot.scene import Element, Role, SceneLimits

M = TypeVar("M", bound=FrozenModel)

_IDS = re.compile(r"\b(elements?|the ambience) (\d+(?:, \d+)*)")
_UNITS = {"loudness": " LUFS", "start_time": " s", "duration": " s"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: the name of a rule, or another kebab-case reason, and a message for the model."""

    reason: str
    message: str


def report(faults: Sequence[Fault]) -> UnusableReply:
    """Return faults as one: the first one's reason, and the messages of all."""
    return UnusableReply(faults[0].reason, limit_messages(tuple(fault.message for fault in faults)))


def limit_numbers(reply: M, limits: SceneLimits, slots: Sequence[Element]) -> tuple[M, tuple[Fault, ...]]:
    """Return a reply with its numbers in the data set's ranges, and the faults of those that were not.

    `slots` are the sounds that the reply's operations name by their slots.
    """
    limiter = _Limiter(limits, slots)
    content = limiter.limit(reply.model_dump(exclude_unset=True))
    return (type(reply).model_validate(content) if limiter.faults else reply), tuple(limiter.faults)


class _Limiter:
    """Moves numbers into their ranges, and notes those that were outside."""

    def __init__(self, limits: SceneLimits, slots: Sequence[Element]) -> None:
        self._limits, self._slots = limits, slots
        self.faults: list[Fault] = []

    def limit(self, value: Any, turn: str = "") -> Any:  # noqa: ANN401 - any JSON value
        """Return a value with its numbers in their ranges. `turn` names the turn of a whole dialogue."""
        if isinstance(value, list | tuple):
            return [self.limit(part, turn) for part in value]
        if not isinstance(value, dict):
            return value
        made = {name: self.limit(part, turn or name) for name, part in value.items()}
        subject = self._slots[value["slot"]] if value.get("slot") in range(len(self._slots)) else None
        role: Role = value.get("role", subject.role if subject else "ambience")
        for name, allowed in _list_ranges(self._limits, role).items():
            number = value.get(name)
            if number is not None and number not in allowed:
                unit = _UNITS.get(name, "")
                what = f"{name} is {number:g}{unit}; allowed is {span(allowed)}{unit}"
                rule = f"{name.replace('_', '-')}-range"
                self.faults.append(Fault(rule, f"{rule}: {_name_sound(value, subject, turn)}: {what}"))
                made[name] = min(max(allowed.low, number), allowed.high)
        return made


def _name_sound(value: Mapping[str, Any], subject: Element | None, turn: str) -> str:
    if "id" in value:
        return describe_position(None, value["id"], turn)
    text = value.get("text", subject.text if subject else None)
    return f"slot {value.get('slot')}" if text is None else f"the sound '{text}'"


def _list_ranges(limits: SceneLimits, role: Role) -> dict[str, Range]:
    return {
        "loudness": limits.loudness_lufs,
        "panning": limits.ambience_panning if role == "ambience" else limits.panning,
        "start_time": limits.start_time_s,
        "duration": limits.element_duration_s,
    }


def finish(form: Form[M], reply: M) -> tuple[Dialogue | None, tuple[Fault, ...]]:
    """Return the dialogue that a reply makes, without operations that do not fit, and their faults."""
    try:
        return form.finish(reply), ()
    except ValidationError as error:
        return None, tuple(Fault("schema", message) for _, message in schema_faults(error))
    except (SlotError, EditError) as error:
        if not isinstance(reply, EditReply) or len(reply.operations) == 1:
            return None, (Fault("operation-does-not-fit", str(error)),)
    return _finish_fitting(form, reply)


def _finish_fitting(form: Form[M], reply: EditReply) -> tuple[Dialogue | None, tuple[Fault, ...]]:
    dialogue, faults = None, list[Fault]()
    fitting = reply.operations[:0]
    for operation in reply.operations:
        part = reply.model_copy(update={"operations": (*fitting, operation)})
        try:
            dialogue = form.finish(part)  # type: ignore[arg-type] # an EditReply is what the form is for
        except (ValidationError, SlotError, EditError) as error:
            faults.append(Fault("operation-does-not-fit", str(error)))
        else:
            fitting = (*fitting, operation)
    return dialogue, tuple(faults)


def describe_violations(violations: Sequence[Violation], dialogue: Dialogue) -> Iterator[Fault]:
    """Yield violations in words that a model knows: sounds by their texts, not by their ids."""
    for violation in violations:
        yield Fault(violation.rule, f"{violation.rule}: {_describe_violation(violation, dialogue)}")


def _describe_violation(violation: Violation, dialogue: Dialogue) -> str:
    message = violation.message.removeprefix(f"{describe_position(violation.turn, violation.element_id)}: ")
    if violation.turn is None:
        return message
    if dialogue.mode == "whole":
        # Here the ids are the model's own, and so are the names of the turns.
        turn = f"edit_{violation.turn}" if violation.turn else "story"
        where = describe_position(None, violation.element_id, turn)
        return f"{where}: {message}"
    texts = {e.id: e.text for e in dialogue.scene_before(violation.turn).elements}
    texts |= {e.id: e.text for e in dialogue.turns[violation.turn].scene.elements}
    message = _IDS.sub(lambda ids: _quote_sounds(ids[2], texts), message)
    if violation.element_id is None:
        return message
    return f"{_quote_sounds(str(violation.element_id), texts)}: {message}"


def _quote_sounds(ids: str, texts: Mapping[int, str]) -> str:
    return " and ".join(f"the sound '{texts.get(int(one), one)}'" for one in ids.split(", "))
