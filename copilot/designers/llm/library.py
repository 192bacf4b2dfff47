"""A part of a library's sounds, drawn for a dialogue, as a language model is shown it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from copilot.designers.scripted.dice import Dice
from copilot.library_sound import LibrarySound
from copilot.scene import SoundRole

SHOWN: Mapping[SoundRole, int] = {"ambience": 12, "effect": 40, "music": 8}
"""The most captions of each role that a model is shown."""

MOST_CHARS = 2_400
"""The most characters of all captions together, some 600 tokens."""


def draw_captions(sounds: Sequence[LibrarySound], *parts: str | int) -> dict[SoundRole, tuple[str, ...]]:
    """Return captions of different sounds by their role, in alphabetical order; the parts decide the draw.

    The roles take turns, so that each has some if the characters do not suffice for all.
    """
    dice = Dice("library", *parts)
    drawn: dict[SoundRole, list[str]] = {}
    for role, most in SHOWN.items():
        some = dice.shuffle([sound for sound in sounds if sound.role == role])[:most]
        drawn[role] = [dice.pick(sound.captions) for sound in some]
    room = MOST_CHARS
    shown: dict[SoundRole, list[str]] = {role: [] for role in SHOWN}
    for place in range(max(SHOWN.values())):
        for role, captions in drawn.items():
            if place < len(captions) and len(captions[place]) <= room:
                shown[role].append(captions[place])
                room -= len(captions[place])
    return {role: tuple(sorted(captions)) for role, captions in shown.items() if captions}
