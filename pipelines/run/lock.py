"""The lock of a run: one call of the program at a time works in it.

A local folder is locked by the system; the lock ends with its process, and a new call waits until the last
worker of the call before has ended. On remote storage a small lease file records the call that has the lock.
That call renews the lease, and creates it again if it disappears; a lease that is not renewed expires. Clocks
may differ by less than `EXPIRE_S - RENEW_S`. Should two calls work in a run all the same, the
lease names the later one, and the ledger counts each seed once.
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
EXPIRE_S: Seconds = 90.0
_DRIVER_LOCK = ".lock"
_WORKER_LOCK = ".workers.lock"
_ORPHAN_TIMEOUT_S = 30
_JOIN_TIMEOUT_S: Seconds = 30.0
"""The longest wait for a renewal that is under way when the lock is released."""
_N_TRIES = 3


class RunLock(Protocol):
    """The lock of a run."""

    @contextmanager
    def acquire(self, call: str) -> Iterator[None]:
        """Lock the run for a call. Raises RunInUseError if another call has the lock."""
        ...

    def require(self, call: str) -> None:
        """Raise RunInUseError if the call does not have the lock, as far as can be known."""
        ...

    @contextmanager
    def hold_worker_lock(self) -> Iterator[None]:
        """Show that a worker is alive in the run."""
        ...


class FolderLock:
    """The lock of a run in a local folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def acquire(self, call: str) -> Iterator[None]:
        """Lock the run for this process.

        Raises RunInUseError, and UserError for a path that cannot be the folder of a run.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = (self._folder / _DRIVER_LOCK).open("a+")
        except OSError as error:
            raise UserError(
                f"{self._folder} cannot be the folder of a run ({error.strerror}); choose another folder",
                field="out",
            ) from error
        with lock as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunInUseError(
                    f"{self._folder}: in use by process {_read_owner(file)}; wait until it ends, or stop it"
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
                # A file that cannot be emptied names a call that has ended, as after a kill.
                with suppress(OSError):
                    os.ftruncate(file.fileno(), 0)

    def require(self, call: str) -> None:
        """Raise RunInUseError if another call has the lock, or this one has released it.

        The file of a killed call still names it; without a file nothing can be known.
        """
        with suppress(FileNotFoundError):
            words = (self._folder / _DRIVER_LOCK).read_text().split()
            _require_owner(str(self._folder), call, words[1] if len(words) == 2 else None)

    def _wait_for_orphans(self) -> None:
        """Wait for workers whose driver was killed: they notice it and end within moments.

        Raises RunInUseError if they do not.
        """
        deadline = time.monotonic() + _ORPHAN_TIMEOUT_S
        with (self._folder / _WORKER_LOCK).open("a") as file:
            while not _try_lock(file):
                if time.monotonic() > deadline:
                    raise RunInUseError(
                        f"{self._folder}: in use by workers of an earlier run; wait for them, or stop them"
                    )
                time.sleep(0.05)

    @contextmanager
    def hold_worker_lock(self) -> Iterator[None]:
        """Show that a worker is alive in the run."""
        with (self._folder / _WORKER_LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            yield


def _require_owner(place: str, call: str, owner: str | None) -> None:
    if owner != call:
        why = "its lock was released" if owner is None else "another call has taken the run over"
        raise RunInUseError(f"{place}: {why}; nothing of this batch was committed")


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_owner(file: IO[str]) -> str:
    file.seek(0)
    return next(iter(file.read().split()), "unknown")


@dataclass(frozen=True, slots=True)
class Lease:
    """The content of the lease file of a run that is in use; seconds are since 1970."""

    call: str
    host: str
    pid: int
    renewed_at_s: Seconds


class LeaseLock:
    """The lock of a run behind a URI."""

    def __init__(self, storage: Storage, clock: Callable[[], Seconds] = time.time) -> None:
        self._storage = storage
        self._clock = clock

    @contextmanager
    def acquire(self, call: str) -> Iterator[None]:
        """Lock the run, and renew the lease in a thread. Raises RunInUseError, StorageError."""
        self._create_lease(call)
        released = threading.Event()
        thread = threading.Thread(
            target=self._renew_until, args=(call, released), name="copilot-lease", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            released.set()
            thread.join(_JOIN_TIMEOUT_S)
            # A lease that cannot be removed expires, as does one that a hanging renewal still writes.
            with suppress(StorageError):
                if not thread.is_alive() and self._owner() == call:
                    self._storage.remove(LEASE)

    def require(self, call: str) -> None:
        """Raise RunInUseError if another call has the lock, or no call; StorageError."""
        _require_owner(self._storage.place, call, self._owner())

    def _owner(self) -> str | None:
        """Return the call that has the lock, even if its lease has expired."""
        lease = self._read_lease()
        return lease.call if lease else None

    @contextmanager
    def hold_worker_lock(self) -> Iterator[None]:
        """Do nothing: workers of a call that no longer has the lock cannot commit."""
        yield

    def _create_lease(self, call: str) -> None:
        for _ in range(_N_TRIES):
            if self._storage.create(LEASE, self._encode_lease(call)):
                return
            lease = self._read_lease()
            # The answer to an upload may get lost, and the next upload finds its own file.
            if lease is not None and lease.call == call:
                return
            if lease is not None and self._remaining_s(lease) > 0:
                raise self._create_in_use_error(lease)
            # Not written over: of many calls that find it expired, one creates it again.
            self._storage.remove(LEASE)
        raise RunInUseError(
            f"{self._storage.place}: other calls try to lock it; try again when they have ended"
        )

    def _create_in_use_error(self, lease: Lease) -> RunInUseError:
        return RunInUseError(
            f"{self._storage.place}: in use by process {lease.pid} on {lease.host} (call {lease.call}); "
            "wait until it ends, or stop it; "
            f"if it was killed, its lock expires in {self._remaining_s(lease):.0f} s"
        )

    def _remaining_s(self, lease: Lease) -> Seconds:
        return lease.renewed_at_s + EXPIRE_S - self._clock()

    def _renew_until(self, call: str, released: threading.Event) -> None:
        is_owner = True
        while is_owner and not released.wait(RENEW_S):
            # The lease outlives several failed renewals. A call that lost the lock learns it when it commits.
            with suppress(StorageError):
                is_owner = self.renew(call)

    def renew(self, call: str) -> bool:
        """Renew the lease of a call. Returns False if the lease names another call.

        Raises StorageError.
        """
        lease = self._read_lease()
        if lease is None:
            # Deleted, or damaged. Another call may find that at the same moment, and one of them creates it.
            if self._storage.create(LEASE, self._encode_lease(call)):
                return True
            lease = self._read_lease()
        if lease is not None and lease.call != call:
            return False
        self._storage.write(LEASE, self._encode_lease(call))
        return True

    def _encode_lease(self, call: str) -> bytes:
        return json.dumps(asdict(Lease(call, platform.node(), os.getpid(), round(self._clock(), 3)))).encode()

    def _read_lease(self) -> Lease | None:
        data = self._storage.read(LEASE)
        try:
            return Lease(**json.loads(data)) if data is not None else None
        except (TypeError, ValueError):
            return None
