"""One turn as a reader sees it: a lane for each sound, those that the turn removed included, by id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from copilot.dialogue import Dialogue
from copilot.edit import changed_fields
from copilot.scene import Element

Mark = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class Lane:
    """A sound in a turn, and what the turn did to it.

    `mark` is None where it did nothing, and all through the story turn, which edits nothing. `before` is
    the sound as the turn before had it, and `fields` are those in which the two differ.
    """

    element: Element
    mark: Mark | None = None
    before: Element | None = None
    fields: frozenset[str] = frozenset()

    def old(self, field: str) -> float | None:
        """What a mix field held before, if the turn changed it."""
        return getattr(self.before, field) if field in self.fields else None


def lanes_of(dialogue: Dialogue, index: int) -> tuple[Lane, ...]:
    """The lanes of turn `index`, in the order of their ids."""
    before, after = dialogue.scene_before(index), dialogue.turns[index].scene
    if index == 0:
        return tuple(Lane(element) for element in after.elements)
    edit = dialogue.edit(index)
    lanes = [Lane(element, "removed") for element in before.elements if element.id in edit.removed]
    for element in after.elements:
        old = before.get(element.id)
        if old is None:
            lanes.append(Lane(element, "added"))
        elif element == old:
            lanes.append(Lane(element))
        else:
            lanes.append(Lane(element, "changed", old, changed_fields(before, after, element.id)))
    return tuple(sorted(lanes, key=lambda lane: lane.element.id))
