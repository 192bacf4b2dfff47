"""The interface of storage, as runs and stem stores need it."""

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
    """A file: its name relative to the root of the storage, and the time of its last write or touch."""

    name: str
    n_bytes: int
    changed_s: Seconds


class Storage(Protocol):
    """Files by name, with / between folders. Every method raises StorageError if the storage fails."""

    place: str
    """The folder or URI."""
    records_use: bool
    """True if `touch` sets `changed_s`, so that the time of a file is that of its last use."""

    def exists(self) -> bool:
        """Return if the place exists."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None if it is missing."""
        ...

    def read_many(self, names: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        """Yield the contents of small files, in the order of the names; fetches remote files in parallel."""
        ...

    def open(self, name: str) -> ReadableFile:
        """Open a file for random access, which fetches little more than is read.

        Raises FileNotFoundError; a local file may raise other OSErrors.
        """
        ...

    def write(self, name: str, data: bytes, *, durable: bool = False) -> None:
        """Write a file atomically; a `durable` file survives a crash of the machine.

        Raises StorageFullError.
        """
        ...

    def create(self, name: str, data: bytes) -> bool:
        """Write a durable file unless it exists. Returns if this call created it.

        Of many calls at once one succeeds, if the storage supports that. Raises StorageFullError.
        """
        ...

    def new_file(self, folder: str) -> HashedFile:
        """Return a large file to write in pieces, which appears in the folder when it is published."""
        ...

    def touch(self, name: str) -> None:
        """Set the time of a file's last use to now, if the storage supports that."""
        ...

    def remove(self, name: str, *, unless_used_after_s: Seconds = math.inf) -> bool:
        """Delete a file unless it is missing or was used since. Returns if this call deleted it.

        An object store also returns True for a missing file.
        """
        ...

    def names(self) -> Sequence[str]:
        """Return the names of files and folders at the root; a folder's ends with a slash."""
        ...

    def files(self, folder: str) -> Sequence[StoredFile]:
        """Return all files below a folder of the root; none if the folder is missing."""
        ...
