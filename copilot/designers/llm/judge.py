"""Lets a model judge if edit turns do what their requests ask for. Verdicts become checks.

Every edit turn gets three questions, in one request with a fixed grammar. The value of a check is the number
of turns that fail it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator

from copilot.designers.llm.exchange import Ask, Grammar, Reply
from copilot.designers.llm.forms import FormBook
from copilot.designers.llm.ladder import UnusableReply, read_reply
from copilot.designers.llm.log import Log
from copilot.designers.llm.replies import describe_sounds, order_by_slot
from copilot.dialogue import Dialogue, Turn
from copilot.edit import Add, Change, Operation, Remove
from copilot.frozen_model import FrozenModel
from copilot.scene import Element, Scene
from copilot.vocabulary import Check

PROMPT = "judge"
GRAMMAR = Grammar(
    "judge",
    {
        "type": "object",
        "properties": {
            "names_edited_sound": {"type": "boolean"},
            "does_what_was_asked": {"type": "boolean"},
            "leaves_something_undone": {"type": "boolean"},
        },
        "required": ["names_edited_sound", "does_what_was_asked", "leaves_something_undone"],
        "additionalProperties": False,
    },
)
_MAX_TOKENS = 256
_N_TRIES = 3


class Verdict(FrozenModel):
    """A judge's answers to the three questions."""

    names_edited_sound: bool
    does_what_was_asked: bool
    leaves_something_undone: bool


CHECKS = (
    "judge/sound-not-named",
    "judge/not-what-was-asked",
    "judge/something-left-undone",
    "judge/no-verdict",
)
"""The names of the judge's checks: faults of edit turns, and turns without a verdict."""


def judge_turns(dialogue: Dialogue, book: FormBook, log: Log) -> Generator[Ask, Reply, tuple[Check, ...]]:
    """Yield what to ask, be sent the replies, and return the checks."""
    faults: Counter[str] = Counter()
    for index, before, turn, _ in dialogue.transitions():
        if index:
            faults.update((yield from _judge_turn(before, turn, book, log)))
    return tuple(Check(name, float(faults[name]), 0.0) for name in CHECKS)


def report_no_verdict(dialogue: Dialogue) -> tuple[Check, ...]:
    """Return the checks of a dialogue that could not be judged at all."""
    faults = {"judge/no-verdict": len(dialogue.turns) - 1}
    return tuple(Check(name, float(faults.get(name, 0)), 0.0) for name in CHECKS)


def _judge_turn(before: Scene, turn: Turn, book: FormBook, log: Log) -> Generator[Ask, Reply, list[str]]:
    message = book.request(
        PROMPT,
        GRAMMAR,
        request=turn.user,
        before=describe_sounds(order_by_slot(before)),
        edits=[_describe_operation(operation, before) for operation in turn.operations],
        after=describe_sounds(order_by_slot(turn.scene)),
    )
    ask = Ask((message,), GRAMMAR, _MAX_TOKENS)
    for _ in range(_N_TRIES):
        found = read_reply(Verdict, (yield from log.ask(ask)))
        log.count("repairs", int(found.repaired))
        if not isinstance(found, UnusableReply):
            return _list_failed_checks(found.value, turn)
    return ["judge/no-verdict"]


def _list_failed_checks(verdict: Verdict, turn: Turn) -> list[str]:
    # An open request asks for a mood or a place, and names no sound.
    unnamed = turn.task != "open" and not verdict.names_edited_sound
    answers = (unnamed, not verdict.does_what_was_asked, verdict.leaves_something_undone)
    return [name for name, fails in zip(CHECKS, answers, strict=False) if fails]


def _describe_operation(operation: Operation, before: Scene) -> str:
    if isinstance(operation, Add):
        return f"added {_describe_element(operation.element)}"
    old = before.get(operation.id)
    subject = _describe_element(old) if old else "a sound"
    if isinstance(operation, Remove):
        return f"removed {subject}"
    if isinstance(operation, Change):
        updates = operation.updates.items()
        changes = (f"{name} from {getattr(old, name, None)} to {value}" for name, value in updates)
        return f"changed {subject}: {' and '.join(changes)}"
    return f"replaced {subject} by {_describe_element(operation.element)}"


def _describe_element(element: Element) -> str:
    return f"the {element.role} '{element.text}'"
