"""The sounds that a library of recordings has, as designers may write about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from copilot.hashing import content_hash
from copilot.scene import SoundRole
from copilot.units import Seconds


@dataclass(frozen=True, slots=True)
class LibrarySound:
    """The recordings of one name (`dogs barking`): their captions, their use, and how long they last."""

    name: str
    captions: tuple[str, ...]
    role: SoundRole
    shortest_s: Seconds
    longest_s: Seconds


def hash_sounds(sounds: Sequence[LibrarySound]) -> str:
    """Return the content hash of a library's sounds."""
    return content_hash([asdict(sound) for sound in sounds])
