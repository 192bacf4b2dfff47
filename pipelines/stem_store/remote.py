"""A stem store behind a URI: object stores and other storage that fsspec reaches.

On an object store a file appears, whole, when its upload ends, so it is uploaded under its own name.
Elsewhere it is uploaded under a temporary name and moved. Where that is not one step, half a file may be
read: its hash tells.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from copilot.errors import StorageError, UserError
from copilot.units import Seconds
from pipelines.atomic import TEMPORARY_PREFIX
from pipelines.stem_store.storage import StoredFile

_WHOLE_AT_ONCE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "oci", "tos", "memory"})
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "time", "created")
"""Where the file systems of fsspec keep the time of a file."""


class RemoteStorage:
    """What a URI names. Its files cannot be touched: their time is that of their writing."""

    tells_use = False

    def __init__(self, uri: str) -> None:
        import fsspec  # noqa: PLC0415 - local stores do without it

        self.place = uri.rstrip("/")
        protocol = uri.partition("://")[0]
        try:
            self._fs, root = fsspec.core.url_to_fs(uri)
        except ImportError as error:
            raise UserError(f"stem store {uri}: {protocol}:// needs another package: {error}") from error
        except Exception as error:  # each protocol has errors of its own
            raise UserError(f"stem store {uri}: cannot be opened: {error}") from error
        self._root = root.rstrip("/")
        self._renames = protocol not in _WHOLE_AT_ONCE
        self._folders_made: set[str] = set()

    def exists(self) -> bool:
        """Whether anything is there. Raises StorageError."""
        with self._errors("", "read"):
            return bool(self._fs.exists(self._root))

    def read(self, name: str) -> bytes | None:
        """The content of a file, None where there is none. Raises StorageError."""
        with self._errors(name, "read"):
            try:
                return bytes(self._fs.cat_file(f"{self._root}/{name}"))
            except FileNotFoundError:
                return None

    def write(self, name: str, data: bytes) -> None:
        """Make a file. Raises StorageError."""
        path = f"{self._root}/{name}"
        with self._errors(name, "written"):
            if self._renames:
                self._move_in(path, data)
            else:
                self._fs.pipe_file(path, data)

    def _move_in(self, path: str, data: bytes) -> None:
        folder = path.rpartition("/")[0]
        if folder not in self._folders_made:
            self._fs.makedirs(folder, exist_ok=True)
            self._folders_made.add(folder)
        temporary = f"{folder}/{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
        try:
            self._fs.pipe_file(temporary, data)
            self._fs.mv(temporary, path)
        except BaseException:
            with suppress(Exception):  # the first error is the one to tell; what is left means nothing
                self._fs.rm_file(temporary)
            raise

    def touch(self, name: str) -> None:
        """Do nothing: uploads are all that sets a time there."""

    def remove(self, name: str, *, unless_used_after_s: Seconds) -> bool:
        """Delete a file if it is there. Raises StorageError."""
        del unless_used_after_s
        with self._errors(name, "deleted"):
            try:
                self._fs.rm_file(f"{self._root}/{name}")
            except FileNotFoundError:
                return False
        return True

    def names(self) -> Sequence[str]:
        """The names of what is at the root; a folder's ends with a slash. Raises StorageError."""
        with self._errors("", "listed"):
            self._fs.invalidate_cache()
            try:
                entries = self._fs.ls(self._root, detail=True)
            except FileNotFoundError:
                return []
        # Some stores list the folder itself, as an empty file.
        below = [entry for entry in entries if str(entry["name"]).rstrip("/") != self._root]
        return [f"{_name(entry)}/" if entry["type"] == "directory" else _name(entry) for entry in below]

    def files(self, folder: str) -> Sequence[StoredFile]:
        """All files below a folder of the root. Raises StorageError."""
        now_s = time.time()
        with self._errors(folder, "listed"):
            self._fs.invalidate_cache()
            found = self._fs.find(f"{self._root}/{folder}", detail=True)
        return [
            StoredFile(path.removeprefix(f"{self._root}/"), int(entry["size"] or 0), _changed_s(entry, now_s))
            for path, entry in found.items()
        ]

    @contextmanager
    def _errors(self, name: str, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each protocol's package raises errors of its own
            where = f"{self.place}/{name}" if name else self.place
            raise StorageError(f"stem store: {where}: cannot be {what} ({_told(error)})") from error


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry["name"]).rstrip("/").rpartition("/")[2]


def _changed_s(entry: Mapping[str, Any], now_s: Seconds) -> Seconds:
    """When a file was written; now where the storage does not tell, so that it never looks old."""
    told = next((entry[name] for name in _TIMES if entry.get(name) is not None), now_s)
    if isinstance(told, str):
        told = datetime.fromisoformat(told)
    if isinstance(told, datetime):
        told = (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    return float(told)
