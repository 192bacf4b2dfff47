"""The operations that a turn's task allows, and rules that hold the turn to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from copilot.dialogue import Task
from copilot.edit import Add, Change, Replace, changed_fields, identity
from copilot.rules.rule import Case, Finding, Transition, rule
from copilot.scene import MIX_FIELDS, Element

OperationKind = Literal["add", "remove", "change", "replace"]


@dataclass(frozen=True, slots=True)
class Scope:
    """The operations that the turns of a task may have.

    `operations` are the kinds that a designer is offered. `equivalents` are kinds with the same result:
    `diff` gives a replacement as a removal and an addition. `fields` are those that a change may set.
    """

    operations: tuple[OperationKind, ...]
    equivalents: tuple[OperationKind, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def adds(self) -> bool:
        """True if a turn may add sounds."""
        return not {"add", "replace"}.isdisjoint(self.operations)

    @property
    def removes(self) -> bool:
        """True if a turn may remove sounds."""
        return not {"remove", "replace"}.isdisjoint(self.operations)


TASK_SCOPES: Mapping[Task, Scope] = MappingProxyType(
    {
        "story": Scope(("add",)),
        "add": Scope(("add",)),
        "remove": Scope(("remove",)),
        "volume": Scope(("change",), fields=("loudness",)),
        "panning": Scope(("change",), fields=("panning",)),
        "replace": Scope(("replace",), equivalents=("remove", "add")),
        "open": Scope(("add", "remove", "change", "replace"), fields=MIX_FIELDS),
    }
)


@rule("task-fits-operations", "fatal")
def task_fits_operations(case: Case) -> Iterator[Finding]:
    """A turn does something, by operations of the kinds that its task has."""
    for index, turn in enumerate(case.dialogue.turns):
        scope = TASK_SCOPES[turn.task]
        allowed = scope.operations + scope.equivalents
        for kind in sorted({operation.op for operation in turn.operations}.difference(allowed)):
            yield Finding(
                f"task {turn.task} has an operation {kind}; allowed is {' or '.join(allowed)}", index
            )
        if not case.transitions[index].edit.touched:
            yield Finding(f"the turn changes nothing; task {turn.task} needs at least one edit", index)


@rule("operation-does-nothing", "fatal")
def operation_does_nothing(case: Case) -> Iterator[Finding]:
    """Every operation changes the scene, and each sound is the subject of one."""
    for transition in case.transitions:
        yield from _find_idle(transition)


def _find_idle(transition: Transition) -> Iterator[Finding]:
    touched: set[int] = set()
    for operation in transition.turn.operations:
        subject = operation.element.id if isinstance(operation, Add) else operation.id
        old = transition.before.get(subject)
        if subject in touched:
            yield Finding(
                "is the subject of two operations; one has to say it all", transition.index, subject
            )
        elif isinstance(operation, Change) and old and _is_as_before(operation, old):
            yield Finding(
                "is changed to what it was; a change has to change something", transition.index, subject
            )
        elif isinstance(operation, Replace) and old and _is_like(operation.element, old):
            yield Finding("is replaced by the same sound; expected is another one", transition.index, subject)
        touched.add(subject)


def _is_as_before(operation: Change, old: Element) -> bool:
    return all(getattr(old, name) == value for name, value in operation.updates.items())


def _is_like(new: Element, old: Element) -> bool:
    return identity(new) | {"id": old.id} == identity(old)


@rule("unasked-change", "fatal")
def unasked_change(case: Case) -> Iterator[Finding]:
    """A turn edits nothing beyond what its task allows, and replaces as many sounds as it removes."""
    for transition in case.transitions:
        yield from _find_unasked(transition)


def _find_unasked(transition: Transition) -> Iterator[Finding]:
    index, task, edit = transition.index, transition.turn.task, transition.edit
    scope = TASK_SCOPES[task]
    if not scope.adds:
        for element_id in edit.added:
            yield Finding(f"was added; task {task} adds nothing", index, element_id)
    if not scope.removes:
        for element_id in edit.removed:
            yield Finding(f"was removed; task {task} removes nothing", index, element_id)
    for element_id in edit.changed:
        fields = changed_fields(transition.before, transition.turn.scene, element_id)
        if beyond := sorted(fields.difference(scope.fields)):
            may = f"changes only {' or '.join(scope.fields)}" if scope.fields else "changes no sound"
            yield Finding(f"{' and '.join(beyond)} changed; task {task} {may}", index, element_id)
    if task == "replace" and len(edit.added) != len(edit.removed):
        counts = f"{len(edit.removed)} removed and {len(edit.added)} added"
        yield Finding(f"{counts}; task replace adds as many as it removes", index)


@rule("stated-edits-match", "hq")
def stated_edits_match(case: Case) -> Iterator[Finding]:
    """The ids that the designer states as added, changed and removed are those that are."""
    for transition in case.transitions:
        stated = transition.turn.stated
        if stated is None:
            continue
        for name in ("added", "changed", "removed"):
            said, derived = (sorted(set(getattr(lists, name))) for lists in (stated, transition.edit))
            if said != derived:
                yield Finding(
                    f"stated as {name} are {said}; by the scenes they are {derived}", transition.index
                )


RULES = (task_fits_operations, operation_does_nothing, unasked_change, stated_edits_match)
