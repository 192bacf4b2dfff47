"""Atomic files: a file exists complete, or not at all.

A file is written under a temporary name in its own folder, synced, renamed, and its folder synced. After a
crash at any moment the final name has the old content or the new, never a part. A file that is left under a
temporary name is garbage and may be deleted.
"""

from __future__ import annotations

import errno
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from copilot.errors import StorageError, StorageFullError

TEMPORARY_PREFIX = ".tmp-"
_NO_LINKS = frozenset({errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})


class HashedFile:
    """A binary file under a temporary name, which counts and hashes the bytes written to it."""

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
        self.n_bytes = 0
        self._hash = hashlib.sha256()
        with storage_errors(self.temporary):
            folder.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = self.temporary.open("xb")

    @property
    def closed(self) -> bool:
        """True once no more bytes can be written."""
        return self._file.closed

    def writable(self) -> bool:
        """Return True: pyarrow may write."""
        return True

    def write(self, data: bytes) -> int:
        """Append bytes. Raises StorageFullError if the disk is full."""
        with storage_errors(self.temporary):
            self._file.write(data)
        self._hash.update(data)
        self.n_bytes += len(data)
        return len(data)

    def tell(self) -> int:
        """Return the number of bytes written so far."""
        return self.n_bytes

    def flush(self) -> None:
        """Pass buffered bytes to the operating system."""
        with storage_errors(self.temporary):
            self._file.flush()

    def close(self) -> None:
        """Do nothing: the file ends with `publish` or `discard`, not with its writer."""

    @property
    def sha256(self) -> str:
        """The hash of the bytes written so far, as hexadecimal digits."""
        return self._hash.hexdigest()

    def publish(self, name: str) -> None:
        """Rename the file to its final name, once it is safely on disk; replaces a file of that name."""
        path = self.temporary.with_name(name)
        with storage_errors(path):
            self._sync_and_close()
            self.temporary.replace(path)
            sync_folder(path.parent)

    def publish_new(self, name: str) -> bool:
        """Publish the file unless the name is taken. Returns if it got the name."""
        path = self.temporary.with_name(name)
        with storage_errors(path):
            self._sync_and_close()
            try:
                _link(self.temporary, path)
            except FileExistsError:
                return False
            sync_folder(path.parent)
        return True

    def _sync_and_close(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def discard(self) -> None:
        """Delete the file if it was not published."""
        # Closing writes the rest of the buffer, which fails again on a full disk and is not needed.
        with suppress(OSError):
            self._file.close()
        self.temporary.unlink(missing_ok=True)


def write_atomic(path: Path, data: bytes) -> None:
    """Write a complete file, safely on disk when this returns. Raises StorageFullError."""
    file = HashedFile(path.parent)
    try:
        file.write(data)
        file.publish(path.name)
    finally:
        file.discard()


def create_atomic(path: Path, data: bytes) -> bool:
    """Write a file as `write_atomic` does, unless it exists. Returns if this call created it."""
    file = HashedFile(path.parent)
    try:
        file.write(data)
        return file.publish_new(path.name)
    finally:
        file.discard()


def _link(temporary: Path, path: Path) -> None:
    """Give a file a second name. Raises FileExistsError if the name is taken."""
    try:
        path.hardlink_to(temporary)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Such a system cannot check and rename in one step: of two calls at once the later one wins.
        if path.exists():
            raise FileExistsError(path) from error
        temporary.replace(path)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an error of the system into StorageError, a full disk or quota into StorageFullError."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFullError(
                f"{path.parent}: the disk is full ({error.strerror}); what was committed stands. "
                "Free space and run the same command again"
            ) from error
        raise StorageError(
            f"{path}: cannot be written ({error.strerror}); what was committed stands"
        ) from error
