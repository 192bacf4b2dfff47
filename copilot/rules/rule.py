"""Rules: named, pure functions from a dialogue to its faults.

A rule never raises for a dialogue that the models accept, and finds the same faults in the same order
each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from copilot.dialogue import Dialogue, Turn
from copilot.edit import Edit
from copilot.frozen_model import Range
from copilot.scene import Element, Scene, SceneLimits
from copilot.units import Seconds

Severity = Literal["fatal", "hq"]
"""`fatal` rejects the dialogue; `hq` only keeps it out of that tier."""

TIME_TOLERANCE_S: Seconds = 1e-6
"""The tolerance of comparisons of seconds: far below one sample, far above the error of a float."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault. `turn` is None for the dialogue as a whole; `message` names the place as well."""

    rule: str
    severity: Severity
    turn: int | None
    element_id: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault that a rule finds, and its place: what is wrong, and what is expected."""

    text: str
    turn: int | None = None
    element_id: int | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """One turn in its place: the scene before it, and the edit derived from the two scenes.

    `fresh` holds the elements, by id, that are not in the scene before as they are now. A rule about
    elements looks at these, so that a fault is reported once, where it arises.
    """

    index: int
    before: Scene
    turn: Turn
    edit: Edit
    fresh: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A dialogue under its limits, with its transitions worked out once for all rules.

    `english` is false for a dialogue in another language, whose captions alone are English. `own_requests`
    are the turns whose requests are a user's own words.
    """

    dialogue: Dialogue
    limits: SceneLimits
    transitions: tuple[Transition, ...]
    english: bool = True
    own_requests: frozenset[int] = frozenset()

    @classmethod
    def of(
        cls,
        dialogue: Dialogue,
        limits: SceneLimits,
        *,
        english: bool = True,
        own_requests: Iterable[int] = (),
    ) -> Case:
        """Return the case for a dialogue."""
        transitions = tuple(
            Transition(index, before, turn, edit, tuple(_fresh(before, turn.scene)))
            for index, before, turn, edit in dialogue.transitions()
        )
        return cls(dialogue, limits, transitions, english, frozenset(own_requests))

    def fresh(self) -> Iterator[tuple[int, Element]]:
        """Yield each element with the turn in which it is new or changed."""
        for transition in self.transitions:
            for element in transition.fresh:
                yield transition.index, element


def _fresh(before: Scene, after: Scene) -> Iterator[Element]:
    old = {element.id: element for element in before.elements}
    return (element for element in after.elements if old.get(element.id) != element)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by its kebab-case name. `meaning` says in one sentence what has to hold.

    One that `reads_english` understands requests and descriptions, and says nothing of other languages.
    """

    name: str
    severity: Severity
    meaning: str
    find: Callable[[Case], Iterable[Finding]]
    reads_english: bool = False

    def check(self, case: Case) -> Iterator[Violation]:
        """Yield the violations of this rule, in the order of the turns."""
        if self.reads_english and not case.english:
            return
        for finding in self.find(case):
            message = f"{describe_position(finding.turn, finding.element_id)}: {finding.text}"
            yield Violation(self.name, self.severity, finding.turn, finding.element_id, message)


def rule(
    name: str, severity: Severity, *, reads_english: bool = False
) -> Callable[[Callable[[Case], Iterable[Finding]]], Rule]:
    """Make a function a rule. Its docstring's first line is the rule's meaning."""

    def make(find: Callable[[Case], Iterable[Finding]]) -> Rule:
        return Rule(name, severity, (find.__doc__ or "").partition("\n")[0], find, reads_english)

    return make


def describe_position(turn: int | None, element_id: int | None, whole: str = "dialogue") -> str:
    """Name the position of a fault for messages: `turn 1, element 3`, or the name of the whole."""
    where = whole if turn is None else f"turn {turn}"
    return where if element_id is None else f"{where}, element {element_id}"


def span(allowed: Range) -> str:
    """Name a range for messages: `-30 to -10`."""
    return f"{allowed.low:g} to {allowed.high:g}"
