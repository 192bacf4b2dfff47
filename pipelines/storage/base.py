"""What runs and stem stores need of the place where they lie."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from copilot.units import Seconds
from pipelines.storage.atomic import HashedFile

ReadableFile = io.BufferedIOBase | io.RawIOBase


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file: its name from the storage's root on, and when it was last written or touched."""

    name: str
    n_bytes: int
    changed_s: Seconds


class Storage(Protocol):
    """Files by name, with / between folders. Every method raises StorageError where the storage fails."""

    place: str
    """The folder or URI."""
    tells_use: bool
    """Whether `touch` shows in `changed_s`, so that the time of a file is that of its last use."""

    def exists(self) -> bool:
        """Whether the place is there."""
        ...

    def read(self, name: str) -> bytes | None:
        """The content of a file, None where there is none."""
        ...

    def read_many(self, names: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        """The contents of small files, in the order of the names; many at once where each takes its time."""
        ...

    def open(self, name: str) -> ReadableFile:
        """A file to read here and there, of which no more is fetched than is asked for, roughly.

        Raises FileNotFoundError where there is none; a local one may raise other OSErrors.
        """
        ...

    def write(self, name: str, data: bytes, *, durable: bool = False) -> None:
        """Make a file, so that nobody ever reads a part of it; `durable` ones survive a crash of the machine.

        Raises StorageFullError.
        """
        ...

    def create(self, name: str, data: bytes) -> bool:
        """Make a durable file, if there is none of the name; whether this call has made it.

        Of many that try at once one succeeds, where the storage can tell. Raises StorageFullError.
        """
        ...

    def new_file(self, folder: str) -> HashedFile:
        """A large file to be written in pieces, which appears in the folder when it gets its name."""
        ...

    def touch(self, name: str) -> None:
        """Let the file count as used now, where the storage can."""
        ...

    def remove(self, name: str, *, unless_used_after_s: Seconds = math.inf) -> bool:
        """Delete a file if it is there, and was not used since; whether it is gone by this call.

        An object store does not tell whether it was there.
        """
        ...

    def names(self) -> Sequence[str]:
        """The names of what is at the root; a folder's ends with a slash."""
        ...

    def files(self, folder: str) -> Sequence[StoredFile]:
        """All files below a folder of the root; none where there is no such folder."""
        ...
