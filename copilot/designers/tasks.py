"""The task of an edit turn: drawn by content and the weights of a user, or derived from the edit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from copilot.dialogue import EDIT_TASKS, Task
from copilot.edit import Change, Operation
from copilot.errors import UserError
from copilot.hashing import derive_rng


def check_weights(weights: Mapping[Task, float] | None) -> dict[Task, float]:
    """Return the weights in the order of the tasks, so that equal ones draw alike (default: even weights).

    Raises UserError for unknown tasks, weights below 0, and if no weight is above 0.
    """
    if weights is None:
        return dict.fromkeys(EDIT_TASKS, 1.0)
    unknown = sorted(set(weights).difference(EDIT_TASKS))
    if unknown or any(weight < 0 for weight in weights.values()) or not sum(weights.values()) > 0:
        raise UserError(
            f"{dict(weights)} are not weights; give numbers of at least 0, and one above 0, for "
            f"{', '.join(EDIT_TASKS)}",
            field="task_weights",
        )
    return {task: float(weights[task]) for task in EDIT_TASKS if task in weights}


def draw_task(weights: Mapping[Task, float], offered: Sequence[Task], *parts: str | int) -> Task:
    """Draw one of the offered tasks by the parts and the weights; evenly if none of them has a weight.

    Raises ValueError if no task is offered.
    """
    if not offered:
        raise ValueError("draw_task: nothing is offered")
    shares = [weights.get(task, 0.0) for task in offered]
    if not sum(shares):
        shares = [1.0] * len(offered)
    point = derive_rng("task", *parts).random() * sum(shares)
    for task, share in zip(offered, shares, strict=True):
        point -= share
        if point < 0:
            return task
    return offered[-1]


def derive_task(operations: Iterable[Operation]) -> Task:
    """Return the task that operations fulfil: `open` for those of several kinds, and for changes of times.

    As many removals as additions are replacements, which is how `copilot.edit.diff` gives them.
    """
    operations = tuple(operations)
    kinds = Counter(operation.op for operation in operations)
    if set(kinds) == {"change"}:
        fields = {name for change in operations if isinstance(change, Change) for name in change.updates}
        if len(fields) == 1:
            return {"loudness": "volume", "panning": "panning"}.get(fields.pop(), "open")  # type: ignore[return-value]
        return "open"
    if set(kinds) == {"remove", "add"} and kinds["remove"] == kinds["add"]:
        return "replace"
    return next((task for task in EDIT_TASKS if set(kinds) == {task}), "open")
