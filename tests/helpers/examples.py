"""A small good dialogue, and functions that spoil it in one place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from copilot.dialogue import Dialogue, Mode, Task, Turn
from copilot.edit import Add, Change, Operation, Remove, Replace, apply
from copilot.scene import Element, Scene, SceneLimits, SoundElement, SpeechElement

LIMITS = SceneLimits()

RAIN = SoundElement(
    id=0,
    role="ambience",
    text="steady rain on a slate roof",
    loudness=-28,
    panning=0,
    start_time=0,
    duration=8,
)
DOG = SoundElement(
    id=1, role="effect", text="a dog barking", loudness=-18, panning=-0.5, start_time=1, duration=2
)
LINE = SpeechElement(
    id=2,
    text="Somebody is at the door.",
    speaker="Anna",
    gender="female",
    emotion="calm",
    loudness=-11,
    panning=0.2,
    start_time=2,
    duration=2.5,
)
PIANO = SoundElement(
    id=3, role="music", text="slow piano chords", loudness=-26, panning=0.3, start_time=0.5, duration=6
)
BELL = SoundElement(
    id=4, role="effect", text="a church bell tolls", loudness=-20, panning=0.6, start_time=3, duration=4
)

STORY: tuple[Task, str, tuple[Operation, ...]] = (
    "story",
    "Someone waits for a visitor.",
    tuple(Add(element=element) for element in (RAIN, DOG, LINE, PIANO)),
)


def but(element: Element, **fields: Any) -> Element:
    """Return the element with other fields."""
    return type(element).model_validate(element.model_dump() | fields)


def dialogue_of(*steps: tuple[Task, str, Iterable[Operation]], mode: Mode = "turnwise") -> Dialogue:
    """Make a dialogue of (task, request, operations), with the scenes that they make."""
    scene, turns = Scene(), []
    for index, (task, user, operations) in enumerate(steps):
        done = tuple(operations)
        scene = apply(scene, done)
        later = f" for turn {index}" if index else ""
        turns.append(
            Turn(
                task=task,
                user=user,
                description=f"Rain falls on a quiet house while somebody waits{later}.",
                operations=done,
                scene=scene,
            )
        )
    return Dialogue(seed_id="text/1", seed_text="Waiting.", mode=mode, turns=tuple(turns))


def story_of(*elements: Element) -> Dialogue:
    """Make a dialogue of one turn with these elements."""
    return dialogue_of(("story", STORY[1], [Add(element=element) for element in elements]))


def volume(user: str, *changes: Change) -> Dialogue:
    """Make the story, then a turn of task volume."""
    return dialogue_of(STORY, ("volume", user, changes))


def panning(user: str, *changes: Change) -> Dialogue:
    """Make the story, then a turn of task panning."""
    return dialogue_of(STORY, ("panning", user, changes))


def with_turn(dialogue: Dialogue, index: int, **fields: Any) -> Dialogue:
    """Return the dialogue with other fields in one turn."""
    turns = list(dialogue.turns)
    turns[index] = turns[index].model_copy(update=fields)
    return dialogue.model_copy(update={"turns": tuple(turns)})


def good_dialogue() -> Dialogue:
    """Make five turns without a fault."""
    return dialogue_of(
        STORY,
        ("volume", "Turn the rain up a little.", [Change(id=0, loudness=-25)]),
        ("panning", "Move the dog over to the right.", [Change(id=1, panning=0.5)]),
        ("replace", "Swap the dog for a church bell.", [Replace(id=1, element=BELL)]),
        ("open", "Make it lonelier.", [Remove(id=3), Change(id=0, loudness=-22), Change(id=4, duration=3)]),
    )
