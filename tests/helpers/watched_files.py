"""Files that note which threads read them."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest

from pipelines.storage.local import LocalStorage


class WatchedFile(io.FileIO):
    """A local file that adds each thread that reads it to `readers`."""

    readers: set[int]

    def read(self, size: int = -1) -> bytes:
        self.readers.add(threading.get_ident())
        return super().read(size) or b""


def watch_files(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Return the threads that read files of local storage from now on, as they come."""
    readers: set[int] = set()

    def open_watched(storage: LocalStorage, name: str) -> WatchedFile:
        file = WatchedFile(Path(storage.folder) / name)
        file.readers = readers
        return file

    monkeypatch.setattr(LocalStorage, "open", open_watched)
    return readers
