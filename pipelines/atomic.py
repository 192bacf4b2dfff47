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


class HashedFile:
    """A binary file under a temporary name, which counts and hashes what is written to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.temporary = path.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}")
        self.n_bytes = 0
        self._hash = hashlib.sha256()
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
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
        with storage_errors(self.path):
            self._file.write(data)
        self._hash.update(data)
        self.n_bytes += len(data)
        return len(data)

    def tell(self) -> int:
        """The number of bytes written so far."""
        return self.n_bytes

    def flush(self) -> None:
        """Hand what was written to the system."""
        with storage_errors(self.path):
            self._file.flush()

    def close(self) -> None:
        """Do nothing: the file ends with `publish` or `discard`, not with its writer."""

    @property
    def sha256(self) -> str:
        """The hash of what was written so far, as hexadecimal digits."""
        return self._hash.hexdigest()

    def publish(self) -> None:
        """Give the file its name, once it is safely on the disk."""
        with storage_errors(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self.temporary.replace(self.path)
            sync_folder(self.path.parent)

    def discard(self) -> None:
        """Delete what was written, if it was not published."""
        # Closing writes what is left in the buffer, which fails again on a full disk, and nobody wants it.
        with suppress(OSError):
            self._file.close()
        self.temporary.unlink(missing_ok=True)


def write_atomic(path: Path, data: bytes) -> None:
    """Write a whole file, safely on the disk when this returns. Raises StorageFullError."""
    file = HashedFile(path)
    try:
        file.write(data)
        file.publish()
    finally:
        file.discard()


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
