"""Conditional uploads: of many that make the same file at once, one succeeds.

S3 and Google's storage have them. Stores that speak S3's language may take the condition and write all the
same, so each process tries it out once in a place; the answer is the store's, and the same for all.
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
"""Whose file systems pass `mode="create"` on as a condition; others may ignore the argument."""
_N_TRIES = 5


def has_conditions(protocol: str, fs: Any, folder: str) -> bool:  # noqa: ANN401 - fsspec has no types
    """Whether an upload can be made to fail where the file is there. Raises what `fs` raises."""
    return protocol in _PROTOCOLS and _are_honoured(fs, folder)


@lru_cache
def _are_honoured(fs: Any, folder: str) -> bool:  # noqa: ANN401
    path = f"{folder}/{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
    try:
        return _is_refused_twice(fs, path)
    finally:
        with suppress(Exception):  # what is left under such a name means nothing
            fs.rm_file(path)


def _is_refused_twice(fs: Any, path: str) -> bool:  # noqa: ANN401
    """Whether a file that nobody else makes can be made no second time."""
    for _ in range(2):
        try:
            fs.pipe_file(path, b"", mode="create")
        except FileExistsError:
            return True
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.ENOSYS}:
                raise
            # The condition is not met, told in other words; or no upload that has one is taken at all.
            fs.invalidate_cache()
            return bool(fs.exists(path))
    return False


def create_if_none(fs: Any, path: str, data: bytes) -> bool:  # noqa: ANN401
    """Upload a file, unless there is one; whether this call has made it.

    Raises StorageError where others write it all the time, and what `fs` raises.
    """
    for _ in range(_N_TRIES):
        try:
            fs.pipe_file(path, data, mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            # A condition that is not met, told in other words; and two that wrote at the same moment.
            if error.errno not in {errno.EINVAL, errno.EBUSY}:
                raise
            fs.invalidate_cache()
            if fs.exists(path):
                return False
        else:
            return True
    raise StorageError("others write it all the time")
