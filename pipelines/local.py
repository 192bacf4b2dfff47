"""The local executor: the stages in this process, or in a few processes on this machine.

Every worker commits its own batches. Ctrl-C lets each finish the records in hand and commit them. A worker
that dies ends the run; what is in the ledger stands.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection
from types import FrameType

from copilot.errors import CopilotError
from copilot.seed import Seed
from pipelines.assembly import WorkOrder
from pipelines.run import Run
from pipelines.work import RECORDS_AT_ONCE, Progress, Worker

Report = Callable[[Progress], None]

MAX_BATCH = 64
"""The most seeds in one batch, and so the most rows in one shard."""

# Workers are forked from a server that has loaded what they need, and nothing else: no thread, no lock.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["pipelines.work"])


def batches(seeds: Sequence[Seed], n_workers: int) -> Iterator[Sequence[Seed]]:
    """Cut seeds into batches: of `MAX_BATCH`, or smaller in a short run, so that all workers end together."""
    size = max(RECORDS_AT_ONCE, min(MAX_BATCH, -(-len(seeds) // (4 * n_workers))))
    return (seeds[start : start + size] for start in range(0, len(seeds), size))


def execute(order: WorkOrder, seeds: Sequence[Seed], n_workers: int, report: Report) -> None:
    """Make the samples of all seeds, or, interrupted, of some: the ledger tells which.

    Raises CopilotError where a worker fails as a whole.
    """
    n_workers = max(1, min(n_workers, -(-len(seeds) // RECORDS_AT_ONCE)))
    todo = batches(seeds, n_workers)
    with _interruptible() as stopping:
        if n_workers == 1:
            _in_this_process(order, todo, report, stopping)
        else:
            _in_processes(order, todo, n_workers, report, stopping)


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Turn Ctrl-C, and the SIGTERM of a batch system, into a request to stop; a second one stops at once."""
    stopping = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        del frame
        if stopping.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stopping.set()

    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_this_process(
    order: WorkOrder, todo: Iterable[Sequence[Seed]], report: Report, stopping: threading.Event
) -> None:
    worker = Worker(order)
    try:
        for batch in todo:
            if stopping.is_set():
                break
            worker.run_batch(batch, report, stopping.is_set)
    finally:
        worker.close()


@dataclass(frozen=True, slots=True)
class _Failed:
    """A worker's last message: why it cannot go on."""

    error: CopilotError


@dataclass(frozen=True, slots=True)
class _Done:
    """A worker's answer to a batch: it is committed."""


def _in_processes(
    order: WorkOrder,
    todo: Iterator[Sequence[Seed]],
    n_workers: int,
    report: Report,
    stopping: threading.Event,
) -> None:
    # A bare flag, not an event: a worker that is killed cannot take a lock of it along.
    stop = _CONTEXT.RawValue(ctypes.c_bool, False)
    pool = [_Process(order, stop) for _ in range(n_workers)]
    try:
        busy = {worker.pipe: worker for worker in pool if worker.give(next(todo, None))}
        while busy:
            # The time-out is for the signal's sake: a wait that nothing ends would not see it.
            for pipe in connection.wait(list(busy), timeout=0.2):
                worker = busy[pipe]  # type: ignore[index]
                message = _message(worker, stopping)
                if isinstance(message, Progress):
                    report(message)
                elif message is None or not worker.give(None if stopping.is_set() else next(todo, None)):
                    del busy[worker.pipe]
            if stopping.is_set():
                stop.value = True
    finally:
        stop.value = True
        for worker in pool:
            worker.dismiss()
        for worker in pool:
            worker.end()


def _message(worker: _Process, stopping: threading.Event) -> Progress | _Done | None:
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

    def __init__(self, order: WorkOrder, stop: ctypes.c_bool) -> None:
        self.pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(order, theirs, stop), name="copilot-worker")
        self._process.start()
        theirs.close()

    def give(self, batch: Sequence[Seed] | None) -> bool:
        """Hand over a batch; with None there is no more work, and False is returned."""
        try:
            self.pipe.send(batch)
        except ConnectionError as error:
            raise self._lost() from error
        return batch is not None

    def take(self) -> Progress | _Done | _Failed:
        """The next message. Raises CopilotError where the process has died."""
        try:
            message: Progress | _Done | _Failed = self.pipe.recv()
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


def _serve(order: WorkOrder, pipe: connection.Connection, stop: ctypes.c_bool) -> None:
    """What a worker process does."""
    # Terminals and batch systems signal the whole group: the driver alone decides what follows from it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with Run(order.run).worked_on():
        try:
            _serve_batches(order, pipe, stop)
        except CopilotError as error:
            pipe.send(_Failed(error))
        except (EOFError, ConnectionError):
            # The driver has gone: nobody waits for the rest of this batch.
            return
        except OSError as error:
            pipe.send(_Failed(CopilotError(f"a worker process cannot go on: {error}")))


def _serve_batches(order: WorkOrder, pipe: connection.Connection, stop: ctypes.c_bool) -> None:
    worker = Worker(order)
    try:
        while (batch := pipe.recv()) is not None:
            worker.run_batch(batch, pipe.send, lambda: stop.value)
            pipe.send(_Done())
    finally:
        worker.close()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
