"""Edits as operations on a scene. A sound that no operation names cannot change.

`apply` and `diff` are inverse: `apply(a, diff(a, b)) == b` for all scenes that `diff` can tell apart, and
so `apply(apply(a, ops), diff(apply(a, ops), a)) == a`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from copilot.frozen_model import FrozenModel
from copilot.scene import MIX_FIELDS, Element, Scene
from copilot.units import Lufs, Seconds


class EditError(ValueError):
    """An operation does not fit the scene that it is applied to."""


class Add(FrozenModel):
    """A new sound."""

    op: Literal["add"] = "add"
    element: Element


class Remove(FrozenModel):
    """A sound goes."""

    op: Literal["remove"] = "remove"
    id: int


class Change(FrozenModel):
    """Another loudness, panning, start or duration for a sound that stays the same sound."""

    op: Literal["change"] = "change"
    id: int
    loudness: Lufs | None = Field(default=None, ge=-70, le=0)
    panning: float | None = Field(default=None, ge=-1, le=1)
    start_time: Seconds | None = Field(default=None, ge=0)
    duration: Seconds | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _require_update(self) -> Self:
        if not self.updates:
            raise ValueError(f"change of {self.id}: names none of {', '.join(MIX_FIELDS)}")
        return self

    @property
    def updates(self) -> dict[str, float]:
        """The fields that the change sets, with their new values."""
        return {name: value for name in MIX_FIELDS if (value := getattr(self, name)) is not None}


class Replace(FrozenModel):
    """Another sound, under a new id, in place of an old one."""

    op: Literal["replace"] = "replace"
    id: int
    element: Element


Operation = Annotated[Add | Remove | Change | Replace, Field(discriminator="op")]
"""One step of an edit."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The ids in which two scenes differ, each list ascending.

    `altered` holds ids that name another sound than before (another text, voice, role or tool): no edit
    may do that, and no operation can.
    """

    added: tuple[int, ...]
    changed: tuple[int, ...]
    removed: tuple[int, ...]
    altered: tuple[int, ...] = ()

    @property
    def touched(self) -> frozenset[int]:
        """Every id that is not the same before and after."""
        return frozenset(self.added + self.changed + self.removed + self.altered)


def identity(element: Element) -> dict[str, Any]:
    """Return the fields that identify a sound: all but the mix parameters and the duration."""
    return element.model_dump(exclude=set(MIX_FIELDS))


def compare(before: Scene, after: Scene) -> Edit:
    """Derive the edit that leads from one scene to the other."""
    added, removed = after.ids - before.ids, before.ids - after.ids
    changed: list[int] = []
    altered: list[int] = []
    for old in before.elements:
        new = after.get(old.id)
        if new is None or new == old:
            continue
        (changed if identity(new) == identity(old) else altered).append(old.id)
    return Edit(tuple(sorted(added)), tuple(changed), tuple(sorted(removed)), tuple(altered))


def apply(scene: Scene, operations: Iterable[Operation]) -> Scene:
    """Apply the operations in their order, and return the new scene.

    Raises EditError for an id that is not alive, or for a new sound whose id is alive.
    """
    alive = {element.id: element for element in scene.elements}
    for operation in operations:
        _apply_one(alive, operation)
    return Scene(elements=tuple(alive.values()))


def _apply_one(alive: dict[int, Element], operation: Operation) -> None:
    if isinstance(operation, Change):
        alive[operation.id] = _update(_require_alive(alive, operation.id, "change"), operation.updates)
        return
    if isinstance(operation, Remove | Replace):
        _require_alive(alive, operation.id, operation.op)
        del alive[operation.id]
    if isinstance(operation, Add | Replace):
        if operation.element.id in alive or operation.element.id == getattr(operation, "id", None):
            raise EditError(f"{operation.op}: id {operation.element.id} is already used")
        alive[operation.element.id] = operation.element


def _require_alive(alive: dict[int, Element], element_id: int, op: str) -> Element:
    if element_id not in alive:
        raise EditError(f"{op}: there is no sound {element_id}; alive are {sorted(alive)}")
    return alive[element_id]


def _update(element: Element, updates: dict[str, float]) -> Element:
    # model_copy would skip validation: a change must not put a field where the models forbid it.
    return type(element).model_validate(element.model_dump() | updates)


def diff(before: Scene, after: Scene) -> tuple[Operation, ...]:
    """Return operations that lead from `before` to `after`: removals, then changes, then additions, by id.

    Raises EditError if an id names another sound than before, which no operation can do.
    """
    edit = compare(before, after)
    if edit.altered:
        raise EditError(f"diff: id {', '.join(map(str, edit.altered))} names another sound than before")
    old, new = ({e.id: e for e in scene.elements} for scene in (before, after))
    removals = [Remove(id=i) for i in edit.removed]
    changes = [Change(id=i, **_changed_fields(old[i], new[i])) for i in edit.changed]
    additions = [Add(element=new[i]) for i in edit.added]
    return (*removals, *changes, *additions)


def _changed_fields(before: Element, after: Element) -> dict[str, Any]:
    return {n: getattr(after, n) for n in MIX_FIELDS if getattr(after, n) != getattr(before, n)}


def changed_fields(before: Scene, after: Scene, element_id: int) -> frozenset[str]:
    """Return the mix fields in which a sound differs between two scenes; empty if it is not in both."""
    old, new = before.get(element_id), after.get(element_id)
    return frozenset(_changed_fields(old, new)) if old and new else frozenset()
