"""The local executor: the stages in this process, or in a few processes on this machine.

Every worker commits its own batches. Ctrl-C lets each finish the records in hand and commit them. A worker
that dies ends the run; what is in the ledger stands. Where dialogues are written ahead, this process writes
them, and the stages run in others.
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

from copilot.errors import CopilotError
from pipelines.accounting.progress import Progress
from pipelines.execution.design_ahead import DesignAhead, DesignStatus
from pipelines.execution.job import Job
from pipelines.execution.signals import interruptible
from pipelines.execution.supply import FreshRecords, Supply
from pipelines.execution.worker import Worker
from pipelines.run.run import Run
from pipelines.stages.record import Record
from pipelines.stages.worker_spec import RECORDS_AT_ONCE, WorkerSpec

Report = Callable[[Progress], None]

# Workers are forked from a server that has loaded what they need, and nothing else: no thread, no lock.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["pipelines.execution.worker"])


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """Runs a job in this process, or in `n_workers` processes of this machine."""

    n_workers: int

    def describe(self) -> dict[str, Any]:
        """How it works, for `run.json`."""
        return {"executor": "local", "workers": self.n_workers}

    def execute(self, job: Job) -> None:
        """Make the samples of all seeds, or, interrupted, of some: the ledger tells which.

        Raises CopilotError where a worker fails as a whole, and, when all that was designed is committed,
        where the designer does.
        """
        order, at_once = job.order, job.order.equipment.at_once or RECORDS_AT_ONCE
        n_workers = max(1, min(self.n_workers, -(-len(job.seeds) // at_once)))
        run_seed = order.fingerprint.config.run_seed
        with interruptible() as stopping:
            if job.designer is not None:
                with DesignAhead(job.designer, job.seeds, run_seed, n_workers, at_once=at_once) as ahead:
                    tick = partial(_tell, job.watch, ahead)
                    _in_processes(order, ahead, n_workers, job.report, stopping, tick=tick)
                    ahead.check()
                return
            supply = FreshRecords(job.seeds, run_seed, n_workers, at_once)
            if n_workers == 1:
                _in_this_process(order, supply, job.report, stopping)
            else:
                _in_processes(order, supply, n_workers, job.report, stopping)


def _tell(watch: Callable[[DesignStatus], None], ahead: DesignAhead) -> None:
    watch(ahead.state)


def _in_this_process(order: WorkerSpec, supply: Supply, report: Report, stopping: threading.Event) -> None:
    worker = Worker(order.for_worker(0))
    try:
        while not stopping.is_set() and (batch := supply.take()):
            worker.run_batch(batch, report, stopping.is_set)
    finally:
        worker.close()


@dataclass(frozen=True, slots=True)
class _Failed:
    """A worker's last message: why it cannot go on."""

    error: CopilotError


@dataclass(frozen=True, slots=True)
class _Idle:
    """A worker's word that it waits for a batch: its stages are ready, and the batch before is committed."""


def _in_processes(
    order: WorkerSpec,
    supply: Supply,
    n_workers: int,
    report: Report,
    stopping: threading.Event,
    *,
    tick: Callable[[], None] = lambda: None,
) -> None:
    # A bare flag, not an event: a worker that is killed cannot take a lock of it along.
    stop = _CONTEXT.RawValue(ctypes.c_bool, False)
    pool = [_Process(order.for_worker(index), stop) for index in range(n_workers)]
    try:
        alive = {worker.pipe: worker for worker in pool}
        idle: deque[_Process] = deque()
        while not supply.exhausted or len(idle) < len(alive):
            if stopping.is_set():
                stop.value = True
                supply.stop()
            while idle and (batch := supply.take()):
                idle.popleft().give(batch)
            # The time-out is for signals, which no message announces, and for batches that get ready.
            for pipe in connection.wait(list(alive), timeout=0.2):
                worker = alive[pipe]  # type: ignore[index]
                message = _message(worker, stopping)
                if isinstance(message, Progress):
                    report(message)
                elif message is not None:
                    idle.append(worker)
                else:
                    del alive[worker.pipe]
                    idle = deque(other for other in idle if other is not worker)
            tick()
    finally:
        stop.value = True
        for worker in pool:
            worker.dismiss()
        for worker in pool:
            worker.end()


def _message(worker: _Process, stopping: threading.Event) -> Progress | _Idle | None:
    """A worker's message; None where it was lost to the signal that asked all to stop."""
    try:
        message = worker.take()
    except CopilotError:
        # A signal to the whole group may reach a worker before it is ready for one.
        if stopping.is_set():
            return None
        raise
    if isinstance(message, _Failed):
        raise message.error
    return message


class _Process:
    """One worker process, and the pipe to it."""

    def __init__(self, order: WorkerSpec, stop: ctypes.c_bool) -> None:
        self.pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(order, theirs, stop), name="copilot-worker")
        self._process.start()
        theirs.close()

    def give(self, batch: Sequence[Record]) -> None:
        """Hand over a batch."""
        # Where the process has died, its last message tells why: `take` finds it.
        with suppress(ConnectionError):
            self.pipe.send(batch)

    def take(self) -> Progress | _Idle | _Failed:
        """The next message. Raises CopilotError where the process has died."""
        try:
            message: Progress | _Idle | _Failed = self.pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            raise self._lost() from error
        return message

    def _lost(self) -> CopilotError:
        self._process.join(timeout=5)
        return CopilotError(
            f"a worker process ended unexpectedly (exit code {self._process.exitcode}); "
            "what was committed stands. Run the same command again, with fewer --workers if memory ran out"
        )

    def dismiss(self) -> None:
        """Let the process know that nothing more will come."""
        self.pipe.close()

    def end(self) -> None:
        """See the process out."""
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(order: WorkerSpec, pipe: connection.Connection, stop: ctypes.c_bool) -> None:
    """What a worker process does."""
    # Terminals and batch systems signal the whole group: the driver alone decides what follows from it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with Run(order.run).worker_alive():
        try:
            _serve_batches(order, pipe, stop)
        except CopilotError as error:
            pipe.send(_Failed(error))
        except (EOFError, ConnectionError):
            # The driver has no more work, or has gone: nobody waits for the rest of a batch.
            return
        except OSError as error:
            pipe.send(_Failed(CopilotError(f"a worker process cannot go on: {error}")))


def _serve_batches(order: WorkerSpec, pipe: connection.Connection, stop: ctypes.c_bool) -> None:
    worker = Worker(order)
    try:
        while True:
            pipe.send(_Idle())
            worker.run_batch(pipe.recv(), pipe.send, lambda: stop.value)
    finally:
        worker.close()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
