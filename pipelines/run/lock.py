"""Who holds a run: one call of the program at a time, which others can tell by its id.

A local folder is held by a lock of the system, which ends with its process; none begins before the last
worker of the call before has gone. Behind a URI a small file tells who holds the run, and until when unless
it lives: its holder renews it, and makes it again where it has gone. Clocks may differ by less than
`LAPSE_S - RENEW_S`. Should two calls hold a run all the same, the later one's name stands there, and the
ledger takes each seed once.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Protocol

from copilot.errors import RunInUseError, StorageError, UserError
from copilot.units import Seconds
from pipelines.storage import Storage
from pipelines.storage.atomic import storage_errors

LEASE = ".driver.json"
RENEW_S: Seconds = 15.0
LAPSE_S: Seconds = 90.0
_DRIVER_LOCK = ".lock"
_WORKER_LOCK = ".workers.lock"
_ORPHANS_GO_IN_S = 30
_LEAVE_S: Seconds = 30.0
"""How long a renewal in hand is waited for."""
_N_TRIES = 3


class RunLock(Protocol):
    """The one hold on a run."""

    @contextmanager
    def held(self, call: str) -> Iterator[None]:
        """Hold the run for a call. Raises RunInUseError where another has it."""
        ...

    def require(self, call: str) -> None:
        """Raises RunInUseError where the call does not hold the run, as far as can be told."""
        ...

    @contextmanager
    def worked_on(self) -> Iterator[None]:
        """Show that a worker is alive in the run."""
        ...


class FolderLock:
    """The hold on a run in a local folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def held(self, call: str) -> Iterator[None]:
        """Hold the run for this process. Raises RunInUseError; UserError for what can be no run's folder."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = (self._folder / _DRIVER_LOCK).open("a+")
        except OSError as error:
            raise UserError(
                f"{self._folder}: cannot be a run's folder ({error.strerror}); choose another --out"
            ) from error
        with lock as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunInUseError(
                    f"{self._folder}: in use by process {_owner(file)}; wait until it is done, or stop it"
                ) from error
            # Past the file's buffer, which would fail once more when it is closed on a full disk.
            with storage_errors(self._folder / _DRIVER_LOCK):
                os.ftruncate(file.fileno(), 0)
                os.write(file.fileno(), f"{os.getpid()} {call}\n".encode())
                # Workers on other machines read it.
                os.fsync(file.fileno())
            try:
                self._wait_for_orphans()
                yield
            finally:
                # What cannot be emptied names a call that is over, as that of a killed one does.
                with suppress(OSError):
                    os.ftruncate(file.fileno(), 0)

    def require(self, call: str) -> None:
        """Raises RunInUseError where another call has the lock, or this one has let it go.

        The lock of a killed call goes on naming it; where there is none, nothing can be told.
        """
        with suppress(FileNotFoundError):
            words = (self._folder / _DRIVER_LOCK).read_text().split()
            _require(str(self._folder), call, words[1] if len(words) == 2 else None)

    def _wait_for_orphans(self) -> None:
        """Wait for workers whose driver was killed: they notice, and go, within moments.

        Raises RunInUseError where they do not.
        """
        deadline = time.monotonic() + _ORPHANS_GO_IN_S
        with (self._folder / _WORKER_LOCK).open("a") as file:
            while not _locks(file):
                if time.monotonic() > deadline:
                    raise RunInUseError(
                        f"{self._folder}: in use by workers of an earlier run; wait for them, or stop them"
                    )
                time.sleep(0.05)

    @contextmanager
    def worked_on(self) -> Iterator[None]:
        """Show that a worker is alive in the run."""
        with (self._folder / _WORKER_LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            yield


def _require(place: str, call: str, holder: str | None) -> None:
    if holder != call:
        why = "no call holds the run any more" if holder is None else "another call has taken the run over"
        raise RunInUseError(f"{place}: {why}; nothing of this batch was committed")


def _locks(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(file: IO[str]) -> str:
    file.seek(0)
    return next(iter(file.read().split()), "unknown")


@dataclass(frozen=True, slots=True)
class Lease:
    """What the file of a held run says; seconds are since 1970."""

    call: str
    host: str
    pid: int
    renewed_at_s: Seconds


class LeaseLock:
    """The hold on a run behind a URI."""

    def __init__(self, storage: Storage, clock: Callable[[], Seconds] = time.time) -> None:
        self._storage = storage
        self._clock = clock

    @contextmanager
    def held(self, call: str) -> Iterator[None]:
        """Hold the run, and renew the hold in a thread. Raises RunInUseError, StorageError."""
        self._take(call)
        leaving = threading.Event()
        thread = threading.Thread(target=self._keep, args=(call, leaving), name="copilot-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            leaving.set()
            thread.join(_LEAVE_S)
            # What cannot be removed lapses, and so does what a renewal that hangs may still write.
            with suppress(StorageError):
                if not thread.is_alive() and self._holder() == call:
                    self._storage.remove(LEASE)

    def require(self, call: str) -> None:
        """Raises RunInUseError where another call holds the run, or none does; StorageError."""
        _require(self._storage.place, call, self._holder())

    def _holder(self) -> str | None:
        """The call that holds the run, even if it has not shown itself for long."""
        there = self._read()
        return there.call if there else None

    @contextmanager
    def worked_on(self) -> Iterator[None]:
        """Do nothing: workers of a call that no longer holds the run cannot commit."""
        yield

    def _take(self, call: str) -> None:
        for _ in range(_N_TRIES):
            if self._storage.create(LEASE, self._written(call)):
                return
            there = self._read()
            # The answer to an upload may get lost, and the next one finds its own file.
            if there is not None and there.call == call:
                return
            if there is not None and self._left_s(there) > 0:
                raise self._refusal(there)
            # Not written over: of many that find it lapsed, one creates it anew.
            self._storage.remove(LEASE)
        raise RunInUseError(f"{self._storage.place}: others take hold of it; try again when they have ended")

    def _refusal(self, there: Lease) -> RunInUseError:
        return RunInUseError(
            f"{self._storage.place}: in use by process {there.pid} on {there.host} (call {there.call}); wait "
            f"until it is done, or stop it: if it was killed, its hold ends in {self._left_s(there):.0f} s"
        )

    def _left_s(self, there: Lease) -> Seconds:
        return there.renewed_at_s + LAPSE_S - self._clock()

    def _keep(self, call: str, leaving: threading.Event) -> None:
        held = True
        while held and not leaving.wait(RENEW_S):
            # The hold outlives several renewals that fail; a call that loses it hears of it when it commits.
            with suppress(StorageError):
                held = self.renew(call)

    def renew(self, call: str) -> bool:
        """Show that the call lives; whether it still holds the run: no other call's name is there.

        Raises StorageError.
        """
        there = self._read()
        if there is None:
            # Deleted, or damaged. Another call may find that at the same moment, and one of them creates it.
            if self._storage.create(LEASE, self._written(call)):
                return True
            there = self._read()
        if there is not None and there.call != call:
            return False
        self._storage.write(LEASE, self._written(call))
        return True

    def _written(self, call: str) -> bytes:
        return json.dumps(asdict(Lease(call, platform.node(), os.getpid(), round(self._clock(), 3)))).encode()

    def _read(self) -> Lease | None:
        data = self._storage.read(LEASE)
        try:
            return Lease(**json.loads(data)) if data is not None else None
        except (TypeError, ValueError):
            return None
