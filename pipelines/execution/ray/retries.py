"""Retry batches a limited number of times, and isolate seeds that crash their worker.

If a worker dies (killed, out of memory, hung past its deadline), Ray starts another one, on any node, and
gives it the same batch. After some deaths the seeds of the batch run one by one, with nothing beside them,
and a seed that crashes workers alone is rejected. Deaths during the setup or a commit are not a seed's fault:
after some such deaths the run ends. The run also ends if the output of a batch is lost too often.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from copilot.errors import BackendBrokenError, CopilotError
from copilot.hashing import content_hash
from copilot.units import Seconds
from pipelines.accounting.progress import Progress
from pipelines.execution.ray.monitor import (
    Monitor,
    Phase,
    RunMode,
    RunMonitor,
    Work,
    WorkStatus,
    format_seed_ids,
)
from pipelines.planning.layout import Pool
from pipelines.stages.record import Record

MAX_DEATHS = 2
"""Limit on the workers that die during a batch before its seeds run alone, and then during a seed alone."""
MAX_DEATHS_CONCURRENT = 5
"""The same limit for a batch in a worker that has others beside it: any of them may be the cause."""
MAX_SETUP_DEATHS = 3
"""Limit on the workers that die while they set up their backends."""
MAX_COMMIT_DEATHS = 5
"""Limit on the workers that die while they commit a batch; deaths with other causes may also happen during a
commit."""
MAX_RECOMPUTES = 10
"""Limit on recomputing a batch whose output was lost with a node."""

_SETUP_DEADLINE_S: Seconds = 3600.0
_REPORT_DEATH_TIMEOUT_S: Seconds = 5.0
_LATE = "not done within the deadline"


@dataclass(slots=True)
class Attempt:
    """An attempt at a batch: the ids of its records, and the monitor's keys of the work on it."""

    ids: Sequence[str]
    seed_ids: Sequence[str]
    keys: list[str] = field(default_factory=list)


class _SharedLock:
    """Readers-writer lock: many threads may hold it shared, or one exclusively."""

    def __init__(self) -> None:
        self._entry = threading.Lock()
        self._changed = threading.Condition()
        self._n_inside = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        with self._entry, self._changed:
            self._n_inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._n_inside -= 1
                self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        with self._entry:
            with self._changed:
                self._changed.wait_for(lambda: not self._n_inside)
            yield


class RetryGuard:
    """Runs a worker's batches, each within the deadline of the pool, and reports them to the monitor.

    `concurrent` workers have several batches at a time. Workers of the `first` pool start no batch while the
    run drains. `die` ends this process; another worker then repeats its batches.
    """

    def __init__(
        self,
        monitor: Monitor,
        pool: Pool,
        worker: str,
        *,
        concurrent: bool = False,
        first: bool = False,
        die: Callable[[], None] = lambda: os._exit(1),
    ) -> None:
        self._monitor = monitor
        self._pool = pool
        self._worker = worker
        self._max_deaths = MAX_DEATHS_CONCURRENT if concurrent else MAX_DEATHS
        self._lock = _SharedLock()
        self._die = die
        self._ending: frozenset[RunMode] = frozenset({"stop", "drain"} if first else {"stop"})

    def set_up(self, attempt: Attempt, prepare: Callable[[], None]) -> bool:
        """Let the worker prepare for its first batch.

        Return False, and do not call `prepare`, if the run is ending. Raises CopilotError if too many workers
        died during setup.
        """
        with self._report(attempt, "setup", attempt.ids, attempt.seed_ids) as status:
            if status.mode in self._ending:
                return False
            self._check_deaths(status, MAX_SETUP_DEATHS, "while they set up their backends")
            prepare()
        return True

    def run(
        self, attempt: Attempt, records: Sequence[Record], work: Callable[[Sequence[Record]], None]
    ) -> bool:
        """Work on a batch; if workers died during it, on its seeds one by one.

        Return False if the run is ending. Raises BackendBrokenError if a backend was broken in other
        workers as well, CopilotError if the output of the batch was lost too often.
        """
        with self._lock.shared(), self._report(attempt, "stages", attempt.ids, attempt.seed_ids) as status:
            if status.mode in self._ending:
                return False
            self._check_recomputes(status, attempt)
            if status.n_deaths < self._max_deaths:
                work(records)
                return True
        with self._lock.exclusive():
            return all(self._run_alone(attempt, record, work) for record in records)

    def _run_alone(self, attempt: Attempt, record: Record, work: Callable[[Sequence[Record]], None]) -> bool:
        with self._report(attempt, "stages", ["alone", record.id], [record.seed.id]) as status:
            if status.mode in self._ending:
                return False
            cause = status.death_cause or "no cause reported"
            if status.n_deaths >= 2 * MAX_DEATHS:
                raise CopilotError(
                    f"pool {self._pool.name}: {status.n_deaths - MAX_DEATHS} workers died while they passed "
                    f"on the reject of seed {record.seed.id} ({cause}); check the memory of the nodes and "
                    "run the same command again to resume"
                )
            if status.n_deaths >= MAX_DEATHS and record.reject is None:
                reason = "worker-timeout" if cause.startswith(_LATE) else "worker-died"
                detail = f"{status.n_deaths} workers died with it alone: {cause}"
                record.refuse(self._pool.name, reason, detail)
            work([record])
            return True

    def commit(self, attempt: Attempt, finish: Callable[[], None]) -> None:
        """Commit the batch, even if the run is ending. Raises CopilotError if too many workers died in it."""
        with self._report(attempt, "commit", attempt.ids, attempt.seed_ids) as status:
            self._check_deaths(status, MAX_COMMIT_DEATHS, "while they committed")
            finish()

    def end(self, attempt: Attempt, progress: Sequence[Progress] = ()) -> None:
        """Report that the batch is done, and the progress that it committed."""
        self._monitor.call(RunMonitor.end_batch, attempt.keys, progress)

    def _check_recomputes(self, status: WorkStatus, attempt: Attempt) -> None:
        if status.n_done >= MAX_RECOMPUTES:
            raise CopilotError(
                f"pool {self._pool.name}: the batch with seeds {format_seed_ids(attempt.seed_ids)} was "
                f"computed {status.n_done} times, but its output was lost each time before the next pool "
                "received it. Nodes probably run out of memory: lower `at_once`, or give the workers more "
                "memory, and run the same command again to resume"
            )

    def _check_deaths(self, status: WorkStatus, max_deaths: int, when: str) -> None:
        if status.n_deaths >= max_deaths:
            cause = status.death_cause or "no cause reported: killed, or out of memory"
            raise CopilotError(
                f"pool {self._pool.name}: {status.n_deaths} workers died {when} ({cause}). Committed samples "
                "are kept; fix the cause and run the same command again to resume"
            )

    @contextmanager
    def _report(
        self, attempt: Attempt, phase: Phase, ids: Sequence[str], seed_ids: Sequence[str]
    ) -> Iterator[WorkStatus]:
        """Report the start and the end of some work to the monitor; end this process at the deadline."""
        key = content_hash([self._pool.name, phase, *ids])[:16]
        attempt.keys.append(key)
        work = Work(key, self._pool.name, tuple(seed_ids), self._worker, phase)
        status = self._monitor.call(RunMonitor.start_work, work)
        timer = self._create_timer(key, phase, len(seed_ids))
        timer.start()
        try:
            yield status
        except MemoryError as error:
            self._end_process(key, f"out of memory: {error}")
        except BackendBrokenError as error:
            if status.n_deaths >= MAX_DEATHS - 1:
                raise
            self._end_process(key, f"{error}")
        else:
            self._monitor.call(RunMonitor.end_work, key)
        finally:
            timer.cancel()

    def _create_timer(self, key: str, phase: Phase, n_dialogues: int) -> threading.Timer:
        deadline_s = _SETUP_DEADLINE_S if phase == "setup" else self._pool.deadline_s

        def end_late() -> None:
            self._end_process(key, f"{_LATE} of {deadline_s:g} s with {n_dialogues} dialogues")

        timer = threading.Timer(deadline_s, end_late)
        timer.daemon = True
        return timer

    def _end_process(self, key: str, cause: str) -> None:
        # In a thread, since the monitor may hang as well, and this worker must end in any case.
        reporting = threading.Thread(
            target=self._monitor.call, args=(RunMonitor.report_death, key, cause), daemon=True
        )
        reporting.start()
        reporting.join(_REPORT_DEATH_TIMEOUT_S)
        self._die()
