"""The lanes of a turn: one for each sound, including those that the turn removed, by id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from copilot.dialogue import Dialogue
from copilot.edit import changed_fields
from copilot.scene import Element

Mark = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class Lane:
    """A sound in a turn, and how the turn edited it.

    `mark` is None for a sound that was not edited, and for every sound of the story turn. `before` is the
    sound in the turn before, and `fields` are the fields that differ.
    """

    element: Element
    mark: Mark | None = None
    before: Element | None = None
    fields: frozenset[str] = frozenset()

    def value_before(self, field: str) -> float | None:
        """Return the value of a mix field before the turn, or None if the turn did not change it."""
        return getattr(self.before, field) if field in self.fields else None


def list_lanes(dialogue: Dialogue, index: int) -> tuple[Lane, ...]:
    """Return the lanes of turn `index`, in the order of their ids."""
    before, after = dialogue.scene_before(index), dialogue.turns[index].scene
    if index == 0:
        return tuple(Lane(element) for element in after.elements)
    edit = dialogue.edit(index)
    lanes = [Lane(element, "removed") for element in before.elements if element.id in edit.removed]
    for element in after.elements:
        earlier = before.get(element.id)
        if earlier is None:
            lanes.append(Lane(element, "added"))
        elif element == earlier:
            lanes.append(Lane(element))
        else:
            lanes.append(Lane(element, "changed", earlier, changed_fields(before, after, element.id)))
    return tuple(sorted(lanes, key=lambda lane: lane.element.id))
