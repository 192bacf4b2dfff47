"""Storage in a local folder: files get their names by renaming."""

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
    """A folder, which need not exist yet. The time of a file is that of its last use."""

    records_use = True

    def __init__(self, folder: Path) -> None:
        self.place = str(folder)
        self.folder = folder

    def exists(self) -> bool:
        """Return if the folder exists."""
        return self.folder.is_dir()

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None if it is missing. Raises StorageError."""
        path = self.folder / name
        with _reading_errors(path):
            try:
                return path.read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def read_many(self, names: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        """Yield the contents of files, one by one. Raises StorageError."""
        return ((name, self.read(name)) for name in names)

    def open(self, name: str) -> ReadableFile:
        """Open a file for reading. Raises OSError."""
        return (self.folder / name).open("rb")

    def write(self, name: str, data: bytes, *, durable: bool = False) -> None:
        """Write a file and create the folders above it. Raises StorageError, StorageFullError."""
        path = self.folder / name
        if durable:
            write_atomic(path, data)
            return
        with storage_errors(path):
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
            # No sync: a stem lost or torn by a crash of the machine is detected and rendered again.
            _replace(path, data)

    def create(self, name: str, data: bytes) -> bool:
        """Write a file unless it exists, and create the folders above it. Raises as `write` does."""
        return create_atomic(self.folder / name, data)

    def new_file(self, folder: str) -> HashedFile:
        """Return a file under a temporary name in its folder. Raises StorageError, StorageFullError."""
        return HashedFile(self.folder / folder)

    def touch(self, name: str) -> None:
        """Set the time of a file's last use to now."""
        # In a read-only store, or if the file was just pruned, the stem that was read is as good.
        with suppress(OSError):
            os.utime(self.folder / name)

    def remove(self, name: str, *, unless_used_after_s: Seconds = math.inf) -> bool:
        """Delete a file unless it is missing or was used since. Raises StorageError."""
        path = self.folder / name
        with _reading_errors(path, "deleted"):
            try:
                if path.stat().st_mtime > unless_used_after_s:
                    return False
                path.unlink()
            except FileNotFoundError:
                return False
        return True

    def names(self) -> Sequence[str]:
        """Return the names at the root; that of a folder ends with a slash. Raises StorageError."""
        if not self.exists():
            return []
        with _reading_errors(self.folder), os.scandir(self.folder) as entries:
            return [f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries]

    def files(self, folder: str) -> Sequence[StoredFile]:
        """Return all files below a folder of the root. Raises StorageError."""
        with _reading_errors(self.folder / folder):
            return list(_walk_files(str(self.folder / folder), folder))


def _walk_files(path: str, name: str) -> Iterator[StoredFile]:
    # Other processes write and delete meanwhile: a file that has gone since it was listed is skipped.
    with suppress(FileNotFoundError), os.scandir(path) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    yield from _walk_files(entry.path, f"{name}/{entry.name}")
                else:
                    stat = entry.stat()
                    yield StoredFile(f"{name}/{entry.name}", stat.st_size, stat.st_mtime)


@contextmanager
def _reading_errors(path: Path, what: str = "read") -> Iterator[None]:
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
