"""What a stem store needs of the place where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from copilot.units import Seconds

WRITABLE = ".writable"
"""The name of the empty file that shows whether a place can be written."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the store: its name from the store's root on, and when it was last written or touched."""

    name: str
    n_bytes: int
    changed_s: Seconds


class Storage(Protocol):
    """Files by name, with / between folders. Every method raises StorageError where the storage fails."""

    place: str
    tells_use: bool
    """Whether `touch` shows in `changed_s`, so that the time of a stem is that of its last use."""

    def exists(self) -> bool:
        """Whether the place is there."""
        ...

    def read(self, name: str) -> bytes | None:
        """The content of a file, None where there is none."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Make a file, so that nobody ever reads a part of it. Raises StorageFullError."""
        ...

    def touch(self, name: str) -> None:
        """Let the file count as used now, where the storage can."""
        ...

    def remove(self, name: str, *, unless_used_after_s: Seconds) -> bool:
        """Delete a file if it is there, and was not used since; whether it was deleted."""
        ...

    def names(self) -> Sequence[str]:
        """The names of what is at the root; a folder's ends with a slash."""
        ...

    def files(self, folder: str) -> Sequence[StoredFile]:
        """All files below a folder of the root; none where there is no such folder."""
        ...
