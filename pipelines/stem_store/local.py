"""A stem store in a local folder: files come under their names by renaming."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from copilot.errors import StorageError
from copilot.units import Seconds
from pipelines.atomic import TEMPORARY_PREFIX, storage_errors
from pipelines.stem_store.storage import StoredFile


class LocalStorage:
    """A folder, which need not be there yet. The time of a file is that of its last use."""

    tells_use = True

    def __init__(self, folder: Path) -> None:
        self.place = str(folder)
        self._folder = folder

    def exists(self) -> bool:
        """Whether the folder is there."""
        return self._folder.is_dir()

    def read(self, name: str) -> bytes | None:
        """The content of a file, None where there is none. Raises StorageError."""
        path = self._folder / name
        with _reading(path):
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return None

    def write(self, name: str, data: bytes) -> None:
        """Make a file and the folders above it. Raises StorageError, StorageFullError."""
        path = self._folder / name
        with storage_errors(path):
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
            # No sync: a stem lost or torn by a crash of the machine is found out and rendered again.
            _replace(path, data)

    def touch(self, name: str) -> None:
        """Let the file count as used now."""
        # In a store that may only be read, or when the file is just pruned, the stem in hand is as good.
        with suppress(OSError):
            os.utime(self._folder / name)

    def remove(self, name: str, *, unless_used_after_s: Seconds) -> bool:
        """Delete a file if it is there, and was not used since. Raises StorageError."""
        path = self._folder / name
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
        with _reading(self._folder):
            entries = list(self._folder.iterdir()) if self.exists() else []
            return [f"{path.name}/" if path.is_dir() else path.name for path in entries]

    def files(self, folder: str) -> Sequence[StoredFile]:
        """All files below a folder of the root. Raises StorageError."""
        with _reading(self._folder / folder):
            return list(_files(str(self._folder / folder), folder))


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
        raise StorageError(f"stem store: {path}: cannot be {what} ({error.strerror})") from error


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
