"""A model's judgement of edit turns: does what was done fit what was asked. Verdicts are checks.

Three questions are put for every edit turn, in one request with a fixed grammar. The figure of a check is
the number of turns that fail it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator

from copilot.designers.llm.exchange import Ask, Grammar, Reply
from copilot.designers.llm.forms import FormBook
from copilot.designers.llm.ladder import Fault, read
from copilot.designers.llm.log import Log
from copilot.designers.llm.replies import shown, slots_of
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
"""The names of the judge's checks: faults of edit turns, and turns for which no verdict could be had."""


def judging(dialogue: Dialogue, book: FormBook, log: Log) -> Generator[Ask, Reply, tuple[Check, ...]]:
    """Yields what to ask, is sent the replies, returns the checks."""
    faults: Counter[str] = Counter()
    for index, before, turn, _ in dialogue.transitions():
        if index:
            faults.update((yield from _faults_of(before, turn, book, log)))
    return tuple(Check(name, float(faults[name]), 0.0) for name in CHECKS)


def unjudged(dialogue: Dialogue) -> tuple[Check, ...]:
    """The checks of a dialogue for which no verdict could be had at all."""
    faults = {"judge/no-verdict": len(dialogue.turns) - 1}
    return tuple(Check(name, float(faults.get(name, 0)), 0.0) for name in CHECKS)


def _faults_of(before: Scene, turn: Turn, book: FormBook, log: Log) -> Generator[Ask, Reply, list[str]]:
    message = book.request(
        PROMPT,
        GRAMMAR,
        request=turn.user,
        before=shown(slots_of(before)),
        edits=[_sentence(operation, before) for operation in turn.operations],
        after=shown(slots_of(turn.scene)),
    )
    ask = Ask((message,), GRAMMAR, _MAX_TOKENS)
    for _ in range(_N_TRIES):
        found = read(Verdict, (yield from log.asking(ask)))
        log.count("repairs", int(found.repaired))
        if not isinstance(found, Fault):
            return _failed(found.value, turn)
    return ["judge/no-verdict"]


def _failed(verdict: Verdict, turn: Turn) -> list[str]:
    # An open request asks for a mood or a place, and names no sound.
    unnamed = turn.task != "open" and not verdict.names_edited_sound
    answers = (unnamed, not verdict.does_what_was_asked, verdict.leaves_something_undone)
    return [name for name, fails in zip(CHECKS, answers, strict=False) if fails]


def _sentence(operation: Operation, before: Scene) -> str:
    if isinstance(operation, Add):
        return f"added {_named(operation.element)}"
    old = before.get(operation.id)
    subject = _named(old) if old else "a sound"
    if isinstance(operation, Remove):
        return f"removed {subject}"
    if isinstance(operation, Change):
        updates = operation.updates.items()
        courses = (f"{name} from {getattr(old, name, None)} to {value}" for name, value in updates)
        return f"changed {subject}: {' and '.join(courses)}"
    return f"replaced {subject} by {_named(operation.element)}"


def _named(element: Element) -> str:
    return f"the {element.role} '{element.text}'"
