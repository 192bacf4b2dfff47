"""Folders for the audio of a batch, also those that a killed process leaves behind.

The process that sends the batch locks the folder; the lock ends with the process, however it ends. Folders
without a lock are deleted when the next worker starts.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from copilot.units import Seconds

_PREFIX = "audiocopilot-batch-"
_FRESH_S: Seconds = 60.0
"""A folder may be created and not be locked yet."""


@contextmanager
def create_batch_folder() -> Iterator[Path]:
    """Create a folder for one batch; delete it at the end of the context."""
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as folder:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield Path(folder)
        finally:
            os.close(descriptor)


def delete_stale() -> None:
    """Delete the folders of processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # Another process may delete it first; another user's folders cannot be deleted.
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _FRESH_S:
                _delete_unlocked(folder)


def _delete_unlocked(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    finally:
        os.close(descriptor)
