"""The folder of a run: whose it is, who works in it, and what a crash left behind.

A run resumes only under its own fingerprint. One process at a time works in a run, and none starts before
the last worker of the one before has gone.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from copilot.content import content_hash
from copilot.errors import ConfigMismatchError, CorruptDataError, RunInUseError, UserError
from pipelines.atomic import TEMPORARY_PREFIX, storage_errors, write_atomic
from pipelines.config import Fingerprint, differences, versions
from pipelines.ledger import Ledger

_DRIVER_LOCK = ".lock"
_WORKER_LOCK = ".workers.lock"
_SHARD_NAME = re.compile(r"(shards|rejects)/[0-9a-f]{16}\.parquet")
_ORPHANS_GO_IN_S = 30


class Run:
    """One run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = Ledger(folder / "ledger")

    @property
    def _description(self) -> Path:
        return self.folder / "run.json"

    def exists(self) -> bool:
        """Whether there is a run in the folder."""
        return self._description.is_file()

    def describe(self) -> dict[str, Any]:
        """What `run.json` says. Raises UserError where there is no run, CorruptDataError for a bad one."""
        try:
            content = json.loads(self._description.read_bytes())
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UserError(
                f"{self.folder}: no run there (no run.json); name a folder that generate wrote"
            ) from error
        except ValueError as error:
            raise CorruptDataError(f"{self._description}: not JSON ({error})") from error
        if not isinstance(content, dict):
            raise CorruptDataError(f"{self._description}: not a JSON object")
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
                    f"{self._description}: has no fingerprint; give this run another --out"
                )
            differing = list(differences(dict(fingerprint), known))
            if not differing:
                return
            if self.ledger.names():
                raise ConfigMismatchError(
                    f"{self.folder}: belongs to a run with another configuration:\n  "
                    + "\n  ".join(differing)
                    + "\nGo on with the same settings and versions, or give the run a new --out"
                )
        self.write({"digest": content_hash(fingerprint)[:16], "fingerprint": fingerprint, **about})

    def write(self, content: Mapping[str, Any]) -> None:
        """Write `run.json` anew, atomically."""
        write_atomic(self._description, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())

    def plan(self, seed_ids: list[str], counts: Mapping[str, int]) -> None:
        """Record which seeds the run is to account for, as their number and the hash of their ids."""
        plan = {"n_seeds": len(seed_ids), "seed_ids_sha256": content_hash(sorted(seed_ids)), **counts}
        self.write({**self.describe(), "plan": plan})

    def sweep(self) -> list[str]:
        """Delete what no entry of the ledger names: what a crash left. Returns the paths."""
        known = self.ledger.paths()
        swept = []
        for folder in (".", "shards", "rejects", "ledger"):
            for path in sorted((self.folder / folder).glob("*")):
                name = path.relative_to(self.folder).as_posix()
                # Only what has a name of ours: somebody's own file beside the shards is not for us to delete.
                ours = folder != "ledger" and _SHARD_NAME.fullmatch(name)
                if path.name.startswith(TEMPORARY_PREFIX) or (ours and name not in known):
                    path.unlink()
                    swept.append(name)
        return swept

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process.

        Raises RunInUseError where another live process has it, UserError for a folder of something else.
        """
        self._refuse_strangers()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / _DRIVER_LOCK).open("a+")
        except OSError as error:
            raise UserError(
                f"{self.folder}: cannot be a run's folder ({error.strerror}); choose another --out"
            ) from error
        with lock as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunInUseError(
                    f"{self.folder}: in use by process {_owner(file)}; wait until it is done, or stop it"
                ) from error
            # Past the file's buffer, which would fail once more when it is closed on a full disk.
            with storage_errors(self.folder / _DRIVER_LOCK):
                os.ftruncate(file.fileno(), 0)
                os.write(file.fileno(), str(os.getpid()).encode())
            self._wait_for_orphans()
            yield

    def _refuse_strangers(self) -> None:
        if self.exists() or not self.folder.is_dir():
            return
        names = (path.name for path in sorted(self.folder.iterdir()))
        if stranger := next((name for name in names if not name.startswith(".")), None):
            raise UserError(
                f"{self.folder}: not empty and no run ({stranger} is there); "
                "give the run a new folder with --out"
            )

    def _wait_for_orphans(self) -> None:
        """Wait for workers whose driver was killed: they notice, and go, within moments.

        Raises RunInUseError where they do not.
        """
        deadline = time.monotonic() + _ORPHANS_GO_IN_S
        with (self.folder / _WORKER_LOCK).open("a") as file:
            while not _locks(file):
                if time.monotonic() > deadline:
                    raise RunInUseError(
                        f"{self.folder}: in use by workers of an earlier run; wait for them, or stop them"
                    )
                time.sleep(0.05)

    @contextmanager
    def worked_on(self) -> Iterator[None]:
        """Show that a worker is alive in the run."""
        with (self.folder / _WORKER_LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            yield


def _locks(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(file: IO[str]) -> str:
    file.seek(0)
    return file.read() or "unknown"
