"""The lock of a run: one process at a time, with its workers, works in it.

A local folder is locked by the system; the lock ends with its process, and a new process waits until the last
worker of the process before has ended. On remote storage a small lease file names the process that has the
lock, by its id `call`. That process renews the lease, and creates it again if it disappears; a lease that is
not renewed expires. Clocks may differ by less than `EXPIRE_S - RENEW_S`. If two processes nevertheless use
one run, the lease names the later one, and the ledger counts each seed once.
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
        """Lock the run for the process `call`. Raises RunInUseError if another one has the lock."""
        ...

    def require(self, call: str) -> None:
        """Raise RunInUseError if the process `call` does not have the lock, as far as can be known."""
        ...

    @contextmanager
    def hold_worker_lock(self) -> Iterator[None]:
        """Hold the shared worker lock, so that a later process waits for this worker."""
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
                # A file that cannot be emptied names a process that has ended, as after a kill.
                with suppress(OSError):
                    os.ftruncate(file.fileno(), 0)

    def require(self, call: str) -> None:
        """Raise RunInUseError if another process has the lock, or this one has released it.

        The file of a killed process still names it; without a file nothing can be known.
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
                        f"{self._folder}: workers of an earlier, killed process still use this run; "
                        "wait until they end, or stop them"
                    )
                time.sleep(0.05)

    @contextmanager
    def hold_worker_lock(self) -> Iterator[None]:
        """Hold the shared worker lock, so that a later process waits for this worker."""
        with (self._folder / _WORKER_LOCK).open("a") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            yield


def _require_owner(place: str, call: str, owner: str | None) -> None:
    if owner != call:
        why = "it was released" if owner is None else "another process has locked the run"
        raise RunInUseError(
            f"{place}: this process no longer holds the lock of the run, because {why}; "
            "the batch was not committed. Run the command again to resume"
        )


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
        """Raise RunInUseError if another process has the lock, or none; StorageError."""
        _require_owner(self._storage.place, call, self._owner())

    def _owner(self) -> str | None:
        """Return the `call` of the process that has the lock, even if its lease has expired."""
        lease = self._read_lease()
        return lease.call if lease else None

    @contextmanager
    def hold_worker_lock(self) -> Iterator[None]:
        """Do nothing: workers of a process that no longer has the lock cannot commit."""
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
            # Not overwritten: of many processes that find it expired, one creates it again.
            self._storage.remove(LEASE)
        raise RunInUseError(
            f"{self._storage.place}: other processes are trying to lock this run at the same time; "
            "try again in a minute"
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
            # The lease outlives failed renewals. A process that lost the lock finds out at its commit.
            with suppress(StorageError):
                is_owner = self.renew(call)

    def renew(self, call: str) -> bool:
        """Renew the lease of the process `call`. Returns False if the lease names another process.

        Raises StorageError.
        """
        lease = self._read_lease()
        if lease is None:
            # Deleted, or damaged. Another process may find that at the same time; one of them creates it.
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
