"""The folder of a run, or its place behind a URI: whose it is, and what a crash left behind.

A run resumes only under its own fingerprint. One call of the program at a time works in a run
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
from pipelines.fingerprint import Fingerprint, differences, versions
from pipelines.run.ledger import Ledger
from pipelines.run.lock import FolderLock, LeaseLock, RunLock
from pipelines.storage import open_storage
from pipelines.storage.atomic import TEMPORARY_PREFIX
from pipelines.storage.local import LocalStorage

_DESCRIPTION = "run.json"
_OURS = re.compile(
    rf"(shards|rejects)/[0-9a-f]{{16}}\.parquet|(shards|rejects|ledger)/{re.escape(TEMPORARY_PREFIX)}[^/]*"
)
_STRAY_AFTER_S: Seconds = 86_400.0


def new_call() -> str:
    """The id of a call of the program, which all of its workers share."""
    return uuid.uuid4().hex[:8]


class Run:
    """One run, in a folder or behind a URI; `call` is the id of the call that works in it.

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
        # Only a folder has locks, and nobody but those who hold the lock at work in it.
        self._is_local = isinstance(self.storage, LocalStorage)
        self._hold: RunLock = (
            FolderLock(self.storage.folder)
            if isinstance(self.storage, LocalStorage)
            else LeaseLock(self.storage, clock)
        )

    @property
    def name(self) -> str:
        """The last part of its place."""
        return PurePath(self.place).name

    @property
    def _described_in(self) -> str:
        return f"{self.place}/{_DESCRIPTION}"

    def exists(self) -> bool:
        """Whether there is a run."""
        return self.storage.read(_DESCRIPTION) is not None

    def describe(self) -> dict[str, Any]:
        """What `run.json` says. Raises UserError where there is no run, CorruptDataError for a bad one."""
        data = self.storage.read(_DESCRIPTION)
        if data is None:
            raise UserError(f"{self.place}: no run there (no run.json); name a folder that generate wrote")
        try:
            content = json.loads(data)
        except ValueError as error:
            raise CorruptDataError(f"{self._described_in}: not JSON ({error})") from error
        if not isinstance(content, dict):
            raise CorruptDataError(f"{self._described_in}: not a JSON object")
        return content

    def open_for(self, fingerprint: Fingerprint) -> None:
        """Take up a run, or begin one.

        Raises ConfigMismatchError where the folder belongs to another fingerprint.
        """
        self.open_as(fingerprint.model_dump(mode="json"), versions=versions())

    def open_as(self, fingerprint: Mapping[str, Any], **about: Any) -> None:  # noqa: ANN401 - any JSON value
        """Take up a run, or begin one, by the JSON of its fingerprint; `about` goes into a new `run.json`.

        One that has nothing in its ledger is begun anew under another fingerprint; else raises
        ConfigMismatchError.
        """
        if self.exists():
            known = self.describe().get("fingerprint")
            if not isinstance(known, dict):
                raise CorruptDataError(
                    f"{self._described_in}: has no fingerprint; give this run another --out"
                )
            differing = list(differences(dict(fingerprint), known))
            if not differing:
                return
            if self.ledger.names():
                raise ConfigMismatchError(
                    f"{self.place}: belongs to a run with another configuration:\n  "
                    + "\n  ".join(differing)
                    + "\nGo on with the same settings and versions, or give the run a new --out"
                )
        self.write({"digest": content_hash(fingerprint)[:16], "fingerprint": fingerprint, **about})

    def write(self, content: Mapping[str, Any]) -> None:
        """Write `run.json` anew, atomically."""
        data = (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
        self.storage.write(_DESCRIPTION, data, durable=True)

    def plan(self, seed_ids: list[str], counts: Mapping[str, int]) -> None:
        """Record which seeds the run is to account for, as their number and the hash of their ids."""
        plan = {"n_seeds": len(seed_ids), "seed_ids_sha256": content_hash(sorted(seed_ids)), **counts}
        self.write({**self.describe(), "plan": plan})

    def note_executor(self, about: Mapping[str, Any]) -> None:
        """Record what the run is made with; nothing of it changes a sample."""
        self.write({**self.describe(), "executor": dict(about)})

    def sweep(self) -> list[str]:
        """Delete void entries and what no entry that stands names. Returns the paths.

        Behind a URI a killed call's workers may still be at work: what no entry names stays for a day.
        """
        # Listed first: what is entered after that was there before, and is no stray.
        found = [file for folder in ("shards", "rejects", "ledger") for file in self.storage.files(folder)]
        known: set[str] = set()
        void: list[str] = []
        left_by_void: set[str] = set()
        for entry, stands in self.ledger.judged():
            (known if stands else left_by_void).update(file.path for file in entry.files)
            if not stands:
                void.append(entry.name)
        for name in void:
            self.ledger.remove(name)
        old_s = self._clock() - _STRAY_AFTER_S
        going = [name for name in self.storage.names() if name.startswith(TEMPORARY_PREFIX)]
        for file in found:
            # Only what has a name of ours: somebody's own file beside the shards is not for us to delete.
            is_stray = bool(_OURS.fullmatch(file.name)) and file.name not in known
            if is_stray and (self._is_local or file.name in left_by_void or file.changed_s < old_s):
                going.append(file.name)
        return [f"ledger/{name}.json" for name in void] + [n for n in sorted(going) if self.storage.remove(n)]

    def locked(self, call: str | None = None) -> AbstractContextManager[None]:
        """Hold the run for a call, that of this object unless another is given.

        Raises RunInUseError where another call has it, UserError for a folder of something else.
        """
        return self._locked(call or self.call or new_call())

    @contextmanager
    def _locked(self, call: str) -> Iterator[None]:
        self._refuse_strangers()
        with self._hold.held(call):
            yield

    def require_held(self) -> None:
        """Raises RunInUseError where this object works for a call that does not hold the run (any more)."""
        if self.call is not None:
            self._hold.require(self.call)

    def _refuse_strangers(self) -> None:
        if self.exists():
            return
        names = (name.rstrip("/") for name in sorted(self.storage.names()))
        if stranger := next((name for name in names if not name.startswith(".")), None):
            raise UserError(
                f"{self.place}: not empty and no run ({stranger} is there); "
                "give the run a new folder with --out"
            )

    def worked_on(self) -> AbstractContextManager[None]:
        """Show that a worker is alive in the run."""
        return self._hold.worked_on()
