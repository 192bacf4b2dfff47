"""The local executor: the stages in this process, or in several processes of this machine.

Every worker commits its own batches. Ctrl-C lets each finish the records in hand and commit them. A worker
that dies ends the run; committed samples are kept. If dialogues are written ahead, this process writes them
and others run the stages; those that are left over at the end become drafts.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection
from typing import Any

from copilot.errors import CopilotError, UserError
from pipelines.accounting.progress import Progress
from pipelines.execution.design_ahead import DesignAhead
from pipelines.execution.job import Job
from pipelines.execution.signals import interruptible
from pipelines.execution.supply import FreshRecords, Supply
from pipelines.execution.worker import Worker
from pipelines.run.run import Run
from pipelines.stages.record import Record
from pipelines.stages.worker_spec import RECORDS_AT_ONCE, WorkerSpec

# Workers are forked from a server that has only loaded what they need: no thread, no lock.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["pipelines.execution.worker"])


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """Runs a job in this process, or in `n_workers` processes of this machine.

    Dialogues that are written ahead are always rendered in other processes. Like every program that starts
    processes, a script then needs `if __name__ == "__main__":` around its main code.
    """

    n_workers: int = 1

    def __post_init__(self) -> None:
        if type(self.n_workers) is not int or self.n_workers < 1:
            raise UserError(f"{self.n_workers!r}; give a whole number, at least 1", field="n_workers")

    def describe(self) -> dict[str, Any]:
        """Return the executor's settings for `run.json`."""
        return {"executor": "local", "workers": self.n_workers}

    def execute(self, job: Job) -> None:
        """Make the samples of all seeds, or, if interrupted, of some; the ledger records which.

        Raises CopilotError if a worker cannot continue. If the designer fails, commit the finished dialogues
        first, then raise its error. Dialogues that are written and not committed become drafts of the run.
        """
        spec, at_once = job.spec, job.spec.settings.at_once or RECORDS_AT_ONCE
        n_workers = max(1, min(self.n_workers, -(-len(job.seeds) // at_once)))
        run_seed = spec.fingerprint.config.run_seed
        with interruptible(job.on_stop) as stopping:
            if job.designer is not None:
                ahead = DesignAhead(
                    job.designer,
                    job.seeds,
                    run_seed,
                    n_workers,
                    at_once=at_once,
                    drafts=job.read_drafts(),
                )
                try:
                    with ahead:
                        report_state = partial(_report_state, job, ahead)
                        _run_in_processes(job, ahead, n_workers, stopping, on_tick=report_state)
                        ahead.check()
                finally:
                    job.drafts.add(ahead.unfinished)
                return
            supply = FreshRecords(job.seeds, run_seed, n_workers, at_once)
            if n_workers == 1:
                _run_in_this_process(job, supply, stopping)
            else:
                _run_in_processes(job, supply, n_workers, stopping)


def _report_state(job: Job, ahead: DesignAhead) -> None:
    job.on_design(ahead.state)


def _run_in_this_process(job: Job, supply: Supply, stopping: threading.Event) -> None:
    worker = Worker(job.spec.for_worker(0), backends=job.backends)
    try:
        while not stopping.is_set() and (batch := supply.next_batch()):
            worker.process_and_commit(batch, job.on_progress, stopping.is_set)
    finally:
        worker.close()


@dataclass(frozen=True, slots=True)
class _Failed:
    """A worker's last message: the error that ended it."""

    error: CopilotError


@dataclass(frozen=True, slots=True)
class _Idle:
    """A worker's message that it waits for a batch, and has committed `n_committed` records of the last."""

    n_committed: int = 0


def _run_in_processes(
    job: Job,
    supply: Supply,
    n_workers: int,
    stopping: threading.Event,
    *,
    on_tick: Callable[[], None] = lambda: None,
) -> None:
    job.backends.close()
    # A bare flag, since a killed worker could leave an Event locked.
    stop = _CONTEXT.RawValue(ctypes.c_bool, False)
    workers = [_WorkerProcess(job.spec.for_worker(index), stop) for index in range(n_workers)]
    try:
        _serve_workers(job, supply, workers, stop, stopping=stopping, on_tick=on_tick)
    except KeyboardInterrupt:
        for worker in workers:
            worker.kill()
        raise
    finally:
        stop.value = True
        for worker in workers:
            worker.close_pipe()
        for worker in workers:
            worker.join()


def _serve_workers(
    job: Job,
    supply: Supply,
    workers: Sequence[_WorkerProcess],
    stop: ctypes.c_bool,
    *,
    stopping: threading.Event,
    on_tick: Callable[[], None],
) -> None:
    """Give batches to idle workers until there are no more, and all are committed."""
    alive = {worker.pipe: worker for worker in workers}
    idle: deque[_WorkerProcess] = deque()
    while not supply.exhausted or len(idle) < len(alive):
        if stopping.is_set():
            stop.value = True
            supply.stop()
        while idle and (batch := supply.next_batch()):
            idle.popleft().send(batch)
        # The timeout is for signals, which no message announces, and for batches that become ready.
        for pipe in connection.wait(list(alive), timeout=0.2):
            worker = alive[pipe]  # type: ignore[index]
            message = _receive(worker, stopping)
            if isinstance(message, Progress):
                job.on_progress(message)
            elif message is not None:
                supply.note_committed(worker.batch[: message.n_committed])
                idle.append(worker)
            else:
                del alive[worker.pipe]
                idle = deque(other for other in idle if other is not worker)
        on_tick()


def _receive(worker: _WorkerProcess, stopping: threading.Event) -> Progress | _Idle | None:
    """Return a worker's message. Return None if a stop signal to the process group ended the worker."""
    try:
        message = worker.receive()
    except CopilotError:
        # A signal to the whole group may reach a worker before it is ready for one.
        if stopping.is_set():
            return None
        raise
    if isinstance(message, _Failed):
        raise message.error
    return message


class _WorkerProcess:
    """One worker process, the pipe to it, and its last batch."""

    def __init__(self, spec: WorkerSpec, stop: ctypes.c_bool) -> None:
        self.batch: Sequence[Record] = ()
        self.pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(spec, theirs, stop), name="copilot-worker")
        self._process.start()
        theirs.close()

    def send(self, batch: Sequence[Record]) -> None:
        """Hand over a batch."""
        self.batch = batch
        # If the process has died, its last message says why: `receive` finds it.
        with suppress(ConnectionError):
            self.pipe.send(batch)

    def receive(self) -> Progress | _Idle | _Failed:
        """Return the next message. Raises CopilotError if the process has died."""
        try:
            message: Progress | _Idle | _Failed = self.pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            raise self._create_death_error() from error
        return message

    def _create_death_error(self) -> CopilotError:
        self._process.join(timeout=5)
        return CopilotError(
            f"a worker process ended unexpectedly (exit code {self._process.exitcode}); "
            "committed samples are kept. Run the same command again to resume, with a lower `n_workers` if "
            "memory ran out"
        )

    def close_pipe(self) -> None:
        """Let the process know that no more batches will come."""
        self.pipe.close()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def join(self) -> None:
        """Wait until the process has ended; kill it if it does not."""
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(spec: WorkerSpec, pipe: connection.Connection, stop: ctypes.c_bool) -> None:
    """Do the work of a worker process."""
    # Terminals and batch systems signal the whole process group; only the driver decides when workers stop.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with Run(spec.run).hold_worker_lock():
        try:
            _serve_batches(spec, pipe, stop)
        except CopilotError as error:
            pipe.send(_Failed(error))
        except (EOFError, ConnectionError):
            # The driver has no more work, or has died: the rest of a batch is not needed.
            return
        except OSError as error:
            message = (
                f"a worker process of run {spec.run} failed: {error}; run the same command again to resume"
            )
            pipe.send(_Failed(CopilotError(message)))


def _serve_batches(spec: WorkerSpec, pipe: connection.Connection, stop: ctypes.c_bool) -> None:
    worker = Worker(spec)
    n_committed = 0
    try:
        while True:
            pipe.send(_Idle(n_committed))
            n_committed = worker.process_and_commit(pipe.recv(), pipe.send, lambda: stop.value)
    finally:
        worker.close()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
