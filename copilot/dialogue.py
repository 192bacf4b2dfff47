"""Turns and dialogues, which a designer writes from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from copilot.edit import Edit, Operation, compare
from copilot.frozen_model import FrozenModel
from copilot.scene import Element, Scene

Task = Literal["story", "add", "remove", "volume", "panning", "replace", "open"]
EDIT_TASKS: tuple[Task, ...] = ("add", "remove", "volume", "panning", "replace", "open")
Mode = Literal["turnwise", "whole"]

_LONGEST_SHOWN = 80
"""Characters of a request that a turn's `repr` shows."""


class StatedEdit(FrozenModel):
    """The lists of ids that a model states itself, in mode `whole`. Compared with the derived ones."""

    added: tuple[int, ...] = ()
    changed: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()


class Turn(FrozenModel):
    """The user's request, and the designer's answer to it.

    `scene` is the scene after the turn. `operations` lead to it from the scene before; the story turn
    begins with an empty scene.
    """

    task: Task
    user: str = Field(description="The user's request.")
    description: str = Field(description="The whole soundscape in words; no loudness, no panning.")
    operations: tuple[Operation, ...]
    scene: Scene
    stated: StatedEdit | None = None

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Name the turn in a line: a scene in full would fill a screen."""
        yield "task", self.task
        yield "user", self.user if len(self.user) <= _LONGEST_SHOWN else self.user[:_LONGEST_SHOWN] + "..."
        yield "n_elements", len(self.scene)


class Dialogue(FrozenModel):
    """The whole conversation from one seed: a story turn, then edit turns."""

    seed_id: str
    seed_text: str
    mode: Mode = "turnwise"
    turns: tuple[Turn, ...] = Field(min_length=1)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Name the dialogue in a line: its turns in full would fill a screen."""
        yield "seed_id", self.seed_id
        yield "mode", self.mode
        yield "tasks", [turn.task for turn in self.turns]

    def elements(self) -> Iterator[Element]:
        """Yield every element of every turn, in the order of the turns; one that stays comes again."""
        for turn in self.turns:
            yield from turn.scene.elements

    def scene_before(self, index: int) -> Scene:
        """Return the scene that turn `index` starts from: empty for the story turn."""
        return self.turns[index - 1].scene if index else Scene()

    def edit(self, index: int) -> Edit:
        """Return the ids that turn `index` added, changed and removed, derived from the scenes."""
        return compare(self.scene_before(index), self.turns[index].scene)

    def transitions(self) -> Iterator[tuple[int, Scene, Turn, Edit]]:
        """Yield each turn with its index, the scene before it, and its derived edit."""
        for index, turn in enumerate(self.turns):
            yield index, self.scene_before(index), turn, self.edit(index)
