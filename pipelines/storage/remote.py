"""Storage behind a URI: object stores and all else that fsspec opens.

On an object store a file appears, complete, when its upload ends, so it is uploaded under its own name.
Elsewhere it is uploaded under a temporary name and moved. If moving is not atomic, half a file may be read,
which its hash reveals.

`create` is a conditional upload if the storage supports it (`pipelines.storage.conditional`), which one of
many wins. Elsewhere it checks before it writes, and two calls at the same moment may both return True.
"""

from __future__ import annotations

import io
import math
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from copilot.errors import MissingExtraError, StorageError, UserError
from copilot.units import Seconds
from pipelines.storage.atomic import TEMPORARY_PREFIX, HashedFile, storage_errors
from pipelines.storage.base import ReadableFile, StoredFile
from pipelines.storage.conditional import create_if_missing, has_conditions

_WHOLE_AT_ONCE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "oci", "tos", "memory"})
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs"}
# By default each read of a file, however small, requests its size first.
_OPTIONS: Mapping[str, Mapping[str, Any]] = {"s3": {"max_concurrency": 1}, "s3a": {"max_concurrency": 1}}
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "time", "created")
"""The names under which file systems of fsspec give the time of a file."""
_READ_AHEAD_BYTES = 2**20
"""The bytes fetched beyond those requested: Parquet's small columns lie beside each other."""
_N_AT_ONCE = 1000


class RemoteStorage:
    """Storage behind a URI. Its files cannot be touched: their time is that of their writing."""

    records_use = False

    def __init__(self, uri: str) -> None:
        import fsspec  # noqa: PLC0415 - local folders do without it

        self.place = uri.rstrip("/")
        self._protocol = protocol = uri.partition("://")[0]
        try:
            self._fs, root = fsspec.core.url_to_fs(uri, **_OPTIONS.get(protocol, {}))
        except ImportError as error:
            if protocol in _EXTRAS:
                raise MissingExtraError(uri, _EXTRAS[protocol]) from error
            raise UserError(f"{uri}: {protocol}:// needs another package: {error}") from error
        except Exception as error:  # each protocol has its own errors
            raise UserError(f"{uri}: cannot be opened: {error}") from error
        self._root = root.rstrip("/")
        self._renames = protocol not in _WHOLE_AT_ONCE
        self._folders_made: set[str] = set()

    def exists(self) -> bool:
        """Return if the place exists. Raises StorageError."""
        with self._errors("", "read"):
            self._fs.invalidate_cache()
            return bool(self._fs.exists(self._root))

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None if it is missing. Raises StorageError."""
        with self._errors(name, "read"):
            # A cached listing does not have files that others have written since.
            self._fs.invalidate_cache()
            try:
                return bytes(self._fs.cat_file(self._path(name)))
            except FileNotFoundError:
                return None

    def read_many(self, names: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
        """Yield the contents of files, which are fetched in parallel. Raises StorageError."""
        for some in _split(names):
            # Ranges without limits are whole files; unlike plain names they are not patterns.
            none = [None] * len(some)
            with self._errors("", "read"):
                found = self._fs.cat_ranges([self._path(name) for name in some], none, none)
            for name, data in zip(some, found, strict=True):
                if isinstance(data, FileNotFoundError):
                    yield name, self.read(name)
                elif isinstance(data, Exception):
                    raise self._error(name, "read", data) from data
                else:
                    yield name, bytes(data)

    def open(self, name: str) -> ReadableFile:
        """Open a file for reading, fetched piece by piece. Raises FileNotFoundError, StorageError."""
        try:
            self._fs.invalidate_cache()
            file = self._fs.open(self._path(name), "rb", block_size=_READ_AHEAD_BYTES, cache_type="readahead")
        except FileNotFoundError:
            raise
        except Exception as error:
            raise self._error(name, "read", error) from error
        return _Reading(file, lambda error: self._error(name, "read", error))

    def write(self, name: str, data: bytes, *, durable: bool = False) -> None:
        """Write a file; uploads are durable. Raises StorageError."""
        del durable
        with self._errors(name, "written"):
            self._write_whole(name, lambda path: self._fs.pipe_file(path, data))

    def create(self, name: str, data: bytes) -> bool:
        """Write a file unless it exists. Raises StorageError."""
        path = self._path(name)
        with self._errors(name, "written"):
            if has_conditions(self._protocol, self._fs, self._root):
                return create_if_missing(self._fs, path, data)
            # A cached listing does not have files that others have written since.
            self._fs.invalidate_cache()
            if self._fs.exists(path):
                return False
            self._write_whole(name, lambda new: self._fs.pipe_file(new, data))
            return True

    def new_file(self, folder: str) -> HashedFile:
        """Return a file in the system's temporary folder, which is uploaded when it is published."""
        return _Upload(lambda local, name: self._send(local, f"{folder}/{name}"))

    def _send(self, local: Path, name: str) -> None:
        with self._errors(name, "written"):
            self._write_whole(name, lambda path: self._fs.put_file(str(local), path))

    def _write_whole(self, name: str, write: Callable[[str], object]) -> None:
        if self._renames:
            self._write_and_move(self._path(name), write)
        else:
            write(self._path(name))

    def _write_and_move(self, path: str, write: Callable[[str], object]) -> None:
        folder = path.rpartition("/")[0]
        if folder not in self._folders_made:
            self._fs.makedirs(folder, exist_ok=True)
            self._folders_made.add(folder)
        temporary = f"{folder}/{TEMPORARY_PREFIX}{uuid.uuid4().hex}"
        try:
            write(temporary)
            self._fs.mv(temporary, path)
        except BaseException:
            with suppress(Exception):  # the first error is the one to report; the rest is garbage
                self._fs.rm_file(temporary)
            raise

    def touch(self, name: str) -> None:
        """Do nothing: only uploads set the time of a file."""

    def remove(self, name: str, *, unless_used_after_s: Seconds = math.inf) -> bool:
        """Delete a file. Raises StorageError."""
        del unless_used_after_s
        with self._errors(name, "deleted"):
            try:
                self._fs.rm_file(self._path(name))
            except FileNotFoundError:
                return False
        return True

    def names(self) -> Sequence[str]:
        """Return the names at the root; that of a folder ends with a slash. Raises StorageError."""
        with self._errors("", "listed"):
            self._fs.invalidate_cache()
            try:
                entries = self._fs.ls(self._root, detail=True)
            except FileNotFoundError:
                return []
        # Some stores list the folder itself, as an empty file.
        below = [entry for entry in entries if str(entry["name"]).rstrip("/") != self._root]
        return [
            f"{_last_part(entry)}/" if entry["type"] == "directory" else _last_part(entry) for entry in below
        ]

    def files(self, folder: str) -> Sequence[StoredFile]:
        """Return all files below a folder of the root. Raises StorageError."""
        now_s = time.time()
        with self._errors(folder, "listed"):
            self._fs.invalidate_cache()
            found = self._fs.find(self._path(folder), detail=True)
        return [
            StoredFile(path.removeprefix(f"{self._root}/"), int(entry["size"] or 0), _read_time(entry, now_s))
            for path, entry in found.items()
        ]

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _errors(self, name: str, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each protocol's package raises its own errors
            raise self._error(name, what, error) from error

    def _error(self, name: str, what: str, error: Exception) -> StorageError:
        where = f"{self.place}/{name}" if name else self.place
        return StorageError(f"{where}: cannot be {what} ({str(error) or type(error).__name__})")


class _Upload(HashedFile):
    """A file that is written to this machine's disk, and uploaded when it is published."""

    def __init__(self, send: Callable[[Path, str], None]) -> None:
        super().__init__(Path(tempfile.gettempdir()))
        self._send = send

    def publish(self, name: str) -> None:
        """Upload the file under its name. Raises StorageError."""
        with storage_errors(self.temporary):
            self._file.close()
        self._send(self.temporary, name)
        self.temporary.unlink()


class _Reading(io.RawIOBase):
    """A file that raises the project's own errors."""

    def __init__(self, file: Any, error: Callable[[Exception], StorageError]) -> None:  # noqa: ANN401 - fsspec has no types
        self._file = file
        self._error = error

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return bytes(self._file.read(-1 if size is None else size))
        except Exception as error:
            raise self._error(error) from error

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        self._file.close()
        super().close()


def _split(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + _N_AT_ONCE] for start in range(0, len(names), _N_AT_ONCE))


def _last_part(entry: Mapping[str, Any]) -> str:
    return str(entry["name"]).rstrip("/").rpartition("/")[2]


def _read_time(entry: Mapping[str, Any], now_s: Seconds) -> Seconds:
    """Return the time of a file's writing, or now if it is unknown, so that the file never looks old."""
    time_s = next((entry[name] for name in _TIMES if entry.get(name) is not None), now_s)
    if isinstance(time_s, str):
        time_s = datetime.fromisoformat(time_s)
    if isinstance(time_s, datetime):
        time_s = (time_s if time_s.tzinfo else time_s.replace(tzinfo=UTC)).timestamp()
    return float(time_s)
