"""Storage in a local folder: files come under their names by renaming."""

from __future__ import annotations

import math
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from copilot.errors import StorageError
from copilot.units import Seconds
from pipelines.storage.atomic import TEMPORARY_PREFIX, HashedFile, create_atomic, storage_errors, write_atomic
from pipelines.storage.base import ReadableFile, StoredFile


class LocalStorage:
    """A folder, which need not be there yet. The time of a file is that of its last use."""

    tells_use = True

    def __init__(self, folder: Path) -> None:
        self.place = str(folder)
        self.folder = folder

    def exists(self) -> bool:
        """Whether the folder is there."""
        return self.folder.is_dir()

    def read(self, name: str) -> bytes | None:
        """The content of a file, None where there is none. Raises StorageError."""
        path = self.folder / name
        with _reading(path):
            try:
                return path.read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def read_many(self, names: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        """The contents of files, one by one. Raises StorageError."""
        return ((name, self.read(name)) for name in names)

    def open(self, name: str) -> ReadableFile:
        """A file for reading. Raises OSError."""
        return (self.folder / name).open("rb")

    def write(self, name: str, data: bytes, *, durable: bool = False) -> None:
        """Make a file and the folders above it. Raises StorageError, StorageFullError."""
        path = self.folder / name
        if durable:
            write_atomic(path, data)
            return
        with storage_errors(path):
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
            # No sync: a stem lost or torn by a crash of the machine is found out and rendered again.
            _replace(path, data)

    def create(self, name: str, data: bytes) -> bool:
        """Make a file if there is none, and the folders above it. Raises StorageError, StorageFullError."""
        return create_atomic(self.folder / name, data)

    def new_file(self, folder: str) -> HashedFile:
        """A file under a temporary name in its folder. Raises StorageError, StorageFullError."""
        return HashedFile(self.folder / folder)

    def touch(self, name: str) -> None:
        """Let the file count as used now."""
        # In a store that may only be read, or when the file is just pruned, the stem in hand is as good.
        with suppress(OSError):
            os.utime(self.folder / name)

    def remove(self, name: str, *, unless_used_after_s: Seconds = math.inf) -> bool:
        """Delete a file if it is there, and was not used since. Raises StorageError."""
        path = self.folder / name
        with _reading(path, "deleted"):
            try:
                if path.stat().st_mtime > unless_used_after_s:
                    return False
                path.unlink()
            except FileNotFoundError:
                return False
        return True

    def names(self) -> Sequence[str]:
        """The names of what is at the root; a folder's ends with a slash. Raises StorageError."""
        if not self.exists():
            return []
        with _reading(self.folder), os.scandir(self.folder) as entries:
            return [f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries]

    def files(self, folder: str) -> Sequence[StoredFile]:
        """All files below a folder of the root. Raises StorageError."""
        with _reading(self.folder / folder):
            return list(_files(str(self.folder / folder), folder))


def _files(path: str, name: str) -> Iterator[StoredFile]:
    # Others write and delete meanwhile: what has gone since it was listed is not there.
    with suppress(FileNotFoundError), os.scandir(path) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(entry.path, f"{name}/{entry.name}")
                else:
                    stat = entry.stat()
                    yield StoredFile(f"{name}/{entry.name}", stat.st_size, stat.st_mtime)


@contextmanager
def _reading(path: Path, what: str = "read") -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: cannot be {what} ({error.strerror})") from error


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
