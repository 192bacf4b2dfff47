"""Conditional uploads: of many that create the same file at once, one succeeds.

S3 and Google's storage support them. Stores with S3's protocol may accept the condition and ignore it, so
each process tests it once per place; the answer depends on the store alone.
"""

from __future__ import annotations

import errno
import uuid
from contextlib import suppress
from functools import lru_cache
from typing import Any

from copilot.errors import StorageError
from pipelines.storage.atomic import TEMPORARY_PREFIX

_PROTOCOLS = frozenset({"s3", "s3a", "gs", "gcs"})
"""The protocols whose file systems pass `mode="create"` on as a condition; others may ignore it."""
_N_TRIES = 5


def has_conditions(protocol: str, fs: Any, folder: str) -> bool:  # noqa: ANN401 - fsspec has no types
    """Return if an upload can be made to fail if the file exists. Raises the errors of `fs`."""
    return protocol in _PROTOCOLS and _honours_conditions(fs, folder)


@lru_cache
def _honours_conditions(fs: Any, folder: str) -> bool:  # noqa: ANN401
    path = f"{folder}/{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
    try:
        return _refuses_second_upload(fs, path)
    finally:
        with suppress(Exception):  # a file left under such a name is garbage
            fs.rm_file(path)


def _refuses_second_upload(fs: Any, path: str) -> bool:  # noqa: ANN401
    """Return if a file that nobody else creates cannot be created a second time."""
    for _ in range(2):
        try:
            fs.pipe_file(path, b"", mode="create")
        except FileExistsError:
            return True
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.ENOSYS}:
                raise
            # The condition is not met, in other words; or no upload with a condition is accepted at all.
            fs.invalidate_cache()
            return bool(fs.exists(path))
    return False


def create_if_missing(fs: Any, path: str, data: bytes) -> bool:  # noqa: ANN401
    """Upload a file unless it exists. Returns if this call created it.

    Raises StorageError if others keep writing it, and the errors of `fs`.
    """
    for _ in range(_N_TRIES):
        try:
            fs.pipe_file(path, data, mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            # The condition is not met, in other words; or two uploads ran at the same moment.
            if error.errno not in {errno.EINVAL, errno.EBUSY}:
                raise
            fs.invalidate_cache()
            if fs.exists(path):
                return False
        else:
            return True
    raise StorageError("other processes keep writing it")
