"""Files that are there whole or not at all.

A file is written to a temporary name in its own folder, synced, renamed, and its folder synced. After a
crash at any moment the final name holds the old content or the new, never a part. What is left under a
temporary name means nothing and may be deleted.
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
    """A binary file under a temporary name, which counts and hashes what is written to it."""

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
        self.n_bytes = 0
        self._hash = hashlib.sha256()
        with storage_errors(self.temporary):
            folder.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = self.temporary.open("xb")

    @property
    def closed(self) -> bool:
        """Whether it takes no more bytes."""
        return self._file.closed

    def writable(self) -> bool:
        """Tell pyarrow that it may write."""
        return True

    def write(self, data: bytes) -> int:
        """Append bytes. Raises StorageFullError where the disk is full."""
        with storage_errors(self.temporary):
            self._file.write(data)
        self._hash.update(data)
        self.n_bytes += len(data)
        return len(data)

    def tell(self) -> int:
        """The number of bytes written so far."""
        return self.n_bytes

    def flush(self) -> None:
        """Hand what was written to the system."""
        with storage_errors(self.temporary):
            self._file.flush()

    def close(self) -> None:
        """Do nothing: the file ends with `publish` or `discard`, not with its writer."""

    @property
    def sha256(self) -> str:
        """The hash of what was written so far, as hexadecimal digits."""
        return self._hash.hexdigest()

    def publish(self, name: str) -> None:
        """Give the file its name, once it is safely on the disk; another file of that name goes."""
        path = self.temporary.with_name(name)
        with storage_errors(path):
            self._end()
            self.temporary.replace(path)
            sync_folder(path.parent)

    def publish_new(self, name: str) -> bool:
        """As `publish`, unless there is a file of that name already; whether it has got the name."""
        path = self.temporary.with_name(name)
        with storage_errors(path):
            self._end()
            try:
                _link(self.temporary, path)
            except FileExistsError:
                return False
            sync_folder(path.parent)
        return True

    def _end(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def discard(self) -> None:
        """Delete what has no other name."""
        # Closing writes what is left in the buffer, which fails again on a full disk, and nobody wants it.
        with suppress(OSError):
            self._file.close()
        self.temporary.unlink(missing_ok=True)


def write_atomic(path: Path, data: bytes) -> None:
    """Write a whole file, safely on the disk when this returns. Raises StorageFullError."""
    file = HashedFile(path.parent)
    try:
        file.write(data)
        file.publish(path.name)
    finally:
        file.discard()


def create_atomic(path: Path, data: bytes) -> bool:
    """As `write_atomic`, if there is no file of that name; whether this call has made it."""
    file = HashedFile(path.parent)
    try:
        file.write(data)
        return file.publish_new(path.name)
    finally:
        file.discard()


def _link(temporary: Path, path: Path) -> None:
    """Give a file a second name. Raises FileExistsError where another has it."""
    try:
        path.hardlink_to(temporary)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Such a system cannot both look and name in one step: of two at the same moment the later stays.
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
                "Make room and run the same command again"
            ) from error
        raise StorageError(
            f"{path}: cannot be written ({error.strerror}); what was committed stands"
        ) from error
