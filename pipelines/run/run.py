"""A run in a folder or behind a URI: its description, its lock, its ledger, and what a crash left behind.

A run resumes only under its own fingerprint. One process at a time works in a run
(`pipelines.run.lock`), with any number of workers.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path, PurePath
from typing import Any

from copilot.errors import ConfigMismatchError, CorruptDataError, UserError
from copilot.hashing import content_hash
from copilot.units import Seconds
from pipelines.run.differences import describe_differences, find_differences
from pipelines.run.ledger import FOLDERS, Ledger
from pipelines.run.lock import FolderLock, LeaseLock, RunLock
from pipelines.storage import open_storage
from pipelines.storage.atomic import TEMPORARY_PREFIX
from pipelines.storage.local import LocalStorage

_DESCRIPTION = "run.json"
_OWN_FILES = re.compile(
    rf"(shards|rejects)/[0-9a-f]{{16}}\.parquet|(shards|rejects|ledger)/{re.escape(TEMPORARY_PREFIX)}[^/]*"
)
_STRAY_AFTER_S: Seconds = 86_400.0
_REPAIR = "restore run.json from a copy, or use a new folder as `out`"


def create_call_id() -> str:
    """Return a new id for a process that works in a run; all its workers share it."""
    return uuid.uuid4().hex[:8]


class Run:
    """One run, in a folder or behind a URI; `call` is the id of the process that works in it.

    Raises UserError for a URI whose protocol is not known, or not installed.
    """

    def __init__(
        self, place: str | Path, call: str | None = None, *, clock: Callable[[], Seconds] = time.time
    ) -> None:
        self.storage = open_storage(place)
        self.place = self.storage.place
        self.call = call
        self.ledger = Ledger(f"{self.place}/ledger")
        self._clock = clock
        # Only a folder has system locks: nobody but the holder of the lock is at work in it.
        self._is_local = isinstance(self.storage, LocalStorage)
        self._lock: RunLock = (
            FolderLock(self.storage.folder)
            if isinstance(self.storage, LocalStorage)
            else LeaseLock(self.storage, clock)
        )

    def __repr__(self) -> str:
        return f"Run({self.place!r})"

    @property
    def name(self) -> str:
        """The last part of its place."""
        return PurePath(self.place).name

    @property
    def _description_path(self) -> str:
        return f"{self.place}/{_DESCRIPTION}"

    def exists(self) -> bool:
        """Return whether the run exists."""
        return self.storage.read(_DESCRIPTION) is not None

    def describe(self, field: str = "place") -> dict[str, Any]:
        """Return the content of `run.json`.

        Raises UserError, with the field, if there is no run, CorruptDataError for a damaged file.
        """
        data = self.storage.read(_DESCRIPTION)
        if data is None:
            raise UserError(
                f"{self.place}: no run found (no run.json); "
                "give the folder of a run that copilot generate made",
                field=field,
            )
        try:
            content = json.loads(data)
        except ValueError as error:
            raise CorruptDataError(f"{self._description_path}: not JSON ({error}); {_REPAIR}") from error
        if not isinstance(content, dict):
            raise CorruptDataError(f"{self._description_path}: not a JSON object; {_REPAIR}")
        return content

    def open(self, fingerprint: Mapping[str, Any], **details: Any) -> None:  # noqa: ANN401 - any JSON value
        """Resume a run, or start one, by the JSON of its fingerprint; `details` go into a new `run.json`.

        A run with an empty ledger may be restarted with another fingerprint. Raises ConfigMismatchError
        if a run with entries has another fingerprint; its `field` is the setting if only one differs.
        """
        if self.exists():
            known = self.describe().get("fingerprint")
            if not isinstance(known, dict):
                raise CorruptDataError(
                    f"{self._description_path}: has no fingerprint; give this run another folder as `out`"
                )
            differing = list(find_differences(known, dict(fingerprint)))
            if not differing:
                return
            if self.ledger.names():
                error = ConfigMismatchError(
                    f"{self.place}: belongs to a run with another configuration:\n  "
                    + "\n  ".join(describe_differences(differing))
                    + "\nResume with the same settings and versions, or give the run a new folder as `out`"
                )
                error.differences = tuple(map(str, differing))
                fields = {difference.field for difference in differing if difference.field}
                error.field = fields.pop() if len(fields) == 1 else None
                raise error
        digest = content_hash(fingerprint)[:16]
        self.write_description({"digest": digest, "fingerprint": fingerprint, **details})

    def write_description(self, content: Mapping[str, Any]) -> None:
        """Replace `run.json`, atomically."""
        data = (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
        self.storage.write(_DESCRIPTION, data, durable=True)

    def record_seeds(self, seed_ids: list[str], counts: Mapping[str, int]) -> None:
        """Record which seeds the run is to account for, as their number and the hash of their ids."""
        plan = {"n_seeds": len(seed_ids), "seed_ids_sha256": content_hash(sorted(seed_ids)), **counts}
        self.write_description({**self.describe(), "plan": plan})

    def record_executor(self, description: Mapping[str, Any]) -> None:
        """Record the executor that makes the run; nothing of it changes a sample."""
        self.write_description({**self.describe(), "executor": dict(description)})

    def delete_leftovers(self) -> list[str]:
        """Delete void ledger entries, and files that no valid entry refers to. Returns their paths.

        Behind a URI, workers of a killed process may still write: files that no entry names stay for a day.
        """
        # List files before reading the ledger: a file committed in between is then in both and is kept.
        found = [file for folder in (*FOLDERS.values(), "ledger") for file in self.storage.files(folder)]
        known: set[str] = set()
        void: list[str] = []
        left_by_void: set[str] = set()
        for entry, is_valid in self.ledger.judge():
            (known if is_valid else left_by_void).update(file.path for file in entry.files)
            if not is_valid:
                void.append(entry.name)
        for name in void:
            self.ledger.remove(name)
        old_s = self._clock() - _STRAY_AFTER_S
        strays = [name for name in self.storage.names() if name.startswith(TEMPORARY_PREFIX)]
        for file in found:
            # Only files with a name that runs give: somebody's own file beside the shards stays.
            is_stray = bool(_OWN_FILES.fullmatch(file.name)) and file.name not in known
            if is_stray and (self._is_local or file.name in left_by_void or file.changed_s < old_s):
                strays.append(file.name)
        removed = [name for name in sorted(strays) if self.storage.remove(name)]
        return [f"ledger/{name}.json" for name in void] + removed

    @contextmanager
    def lock(self, call: str | None = None) -> Iterator[None]:
        """Lock the run for the process `call` (default: the id of this object, or a new one).

        Raises RunInUseError if another process has the lock, UserError for a folder of something else.
        """
        self._require_free_folder()
        with self._lock.acquire(call or self.call or create_call_id()):
            yield

    def require_lock(self) -> None:
        """Raise RunInUseError if this object works for a process that does not have the lock (any more)."""
        if self.call is not None:
            self._lock.require(self.call)

    def _require_free_folder(self) -> None:
        if self.exists():
            return
        names = (name.rstrip("/") for name in sorted(self.storage.names()))
        if stranger := next((name for name in names if not name.startswith(".")), None):
            raise UserError(
                f"{self.place}: not empty and not a run (it holds {stranger}); give the run a new folder",
                field="out",
            )

    def hold_worker_lock(self) -> AbstractContextManager[None]:
        """Hold the shared worker lock, so that a later process waits for this worker."""
        return self._lock.hold_worker_lock()
