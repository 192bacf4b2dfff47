"""Track the work in progress on Ray: which worker has it, since when, and how many workers died during it.

One monitor per run, in a process of its own beside the driver. Workers report what they do before they start
it and when it is done. The monitor remembers only the work in progress and the latest finished batches, so it
does not grow with the run.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar

from copilot.errors import CopilotError, MonitorLostError
from copilot.units import Seconds
from pipelines.accounting.progress import Progress

_ANSWER_TIMEOUT_S: Seconds = 60.0
_RETRY_FOR_S: Seconds = 60.0
_RETRY_EVERY_S: Seconds = 0.5
_MAX_REMEMBERED = 10_000
"""Limit of finished batches to remember. A lost output is recomputed soon, so old entries are not needed."""

RunMode = Literal["go", "drain", "stop"]
"""Mode of a run: `go` works normally; `drain` finishes started seeds but starts none; `stop` starts no
batch."""

Phase = Literal["setup", "stages", "commit"]
"""Phase of a worker's batch: setup of the backends (for its first one), stages, or commit."""

P = ParamSpec("P")
T = TypeVar("T")


def format_seed_ids(seed_ids: Sequence[str]) -> str:
    """Return the first few seeds of a batch for a message."""
    return ", ".join(seed_ids[:3]) + (", ..." if len(seed_ids) > 3 else "")


@dataclass(frozen=True, slots=True)
class Work:
    """Work that a worker is about to start. Every attempt at the same work has the same key."""

    key: str
    pool: str
    seed_ids: tuple[str, ...]
    worker: str
    phase: Phase = "stages"


@dataclass(frozen=True, slots=True)
class WorkStatus:
    """The history of some work, and the mode of the run.

    `n_deaths`: number of workers that died during this work. `death_cause`: cause reported by the last one.
    `n_done`: times the batch was finished before its output was lost.
    """

    mode: RunMode
    n_deaths: int = 0
    death_cause: str = ""
    n_done: int = 0


@dataclass(frozen=True, slots=True)
class InProgress:
    """Work that is in progress, and the seconds since its start."""

    work: Work
    for_s: Seconds


@dataclass(frozen=True, slots=True)
class MonitorState:
    """The state of a run for its driver.

    `progress`: what was committed since the driver's last call. `idle_s`: seconds since the last report.
    `last_done`: the last finished seed of each pool. `failure`: the error that ends the run.
    """

    progress: tuple[Progress, ...]
    in_progress: tuple[InProgress, ...]
    idle_s: Seconds
    last_done: dict[str, str]
    failure: CopilotError | None
    mode: RunMode


class RunMonitor:
    """Records the work in progress. Workers and the driver call its methods, one at a time.

    If a worker starts work that another worker started and never ended, the other worker must have died, and
    its other work with it. A worker that ends itself reports the work that caused it. Its other work is not
    counted as a cause. Repeated reports count once.
    """

    def __init__(self, clock: Callable[[], Seconds] = time.monotonic) -> None:
        self._clock = clock
        self._last_report_s = clock()
        self._mode: RunMode = "go"
        self._failure: CopilotError | None = None
        self._progress: deque[Progress] = deque()
        self._in_progress: dict[str, tuple[Work, Seconds]] = {}
        self._n_deaths: dict[str, int] = {}
        self._death_causes: dict[str, str] = {}
        self._n_done: dict[str, int] = {}
        self._last_done: dict[str, str] = {}

    @property
    def n_remembered(self) -> int:
        """Number of keys for which deaths or finished batches are stored."""
        return len(self._n_deaths.keys() | self._n_done.keys())

    def start_work(self, work: Work) -> WorkStatus:
        """Record that a worker is about to start some work. Commits may start even if the run stops."""
        if self._mode == "stop" and work.phase != "commit":
            return WorkStatus("stop")
        self._last_report_s = self._clock()
        before, _ = self._in_progress.get(work.key, (work, 0.0))
        died = before.worker != work.worker
        self._n_deaths[work.key] = self._n_deaths.get(work.key, 0) + died
        self._in_progress[work.key] = (work, self._last_report_s)
        n_deaths, n_done = self._n_deaths[work.key], self._n_done.get(work.key, 0)
        return WorkStatus(self._mode, n_deaths, self._death_causes.get(work.key, ""), n_done)

    def end_work(self, key: str) -> None:
        """Record that some work is done: its worker is alive. Earlier deaths are kept until `end_batch`."""
        self._last_report_s = self._clock()
        if key in self._in_progress:
            work, _ = self._in_progress.pop(key)
            if work.seed_ids:
                self._last_done[work.pool] = work.seed_ids[-1]

    def end_batch(self, keys: Sequence[str], progress: Sequence[Progress] = ()) -> None:
        """Record that all work on a batch is done, and the progress that it committed; forget its deaths."""
        known = [key for key in keys if key in self._n_deaths]
        for key in known:
            self.end_work(key)
            del self._n_deaths[key]
            self._death_causes.pop(key, None)
            # Reinserted, so that the first keys are those that were finished longest ago.
            self._n_done[key] = self._n_done.pop(key, 0) + 1
        while len(self._n_done) > _MAX_REMEMBERED:
            del self._n_done[next(iter(self._n_done))]
        if known:
            self._progress.extend(progress)

    def report_death(self, key: str, cause: str) -> None:
        """Record that a worker will exit, with the key of the work that caused it and the reason."""
        worker = self._in_progress[key][0].worker if key in self._in_progress else None
        for other in [k for k, (work, _) in self._in_progress.items() if work.worker == worker]:
            del self._in_progress[other]
        self._n_deaths[key] = self._n_deaths.get(key, 0) + 1
        self._death_causes[key] = cause

    def fail(self, error: CopilotError, mode: RunMode) -> None:
        """Record an error that ends the run; the first one counts."""
        self._failure = self._failure or error
        self.set_mode(mode)

    def set_mode(self, mode: RunMode) -> None:
        """Set the mode of the run; `stop` is final."""
        if self._mode != "stop":
            self._mode = mode

    def get_mode(self) -> RunMode:
        """Return the mode of the run."""
        return self._mode

    def pop_state(self) -> MonitorState:
        """Return the state of the run; each commit is reported once."""
        now_s = self._clock()
        progress = tuple(self._progress)
        self._progress.clear()
        in_progress = tuple(InProgress(work, now_s - start_s) for work, start_s in self._in_progress.values())
        idle_s = now_s - self._last_report_s
        return MonitorState(progress, in_progress, idle_s, dict(self._last_done), self._failure, self._mode)


class Monitor(Protocol):
    """A way to call the methods of a run's `RunMonitor`, wherever it is."""

    def call(
        self, method: Callable[Concatenate[RunMonitor, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call a method of the `RunMonitor`, such as `call(RunMonitor.end_work, key)`."""
        ...


class RemoteMonitor:
    """A `Monitor` in another process. While the network fails, a call is retried for up to `retry_for_s`."""

    def __init__(self, handle: Any, retry_for_s: Seconds = _RETRY_FOR_S) -> None:  # noqa: ANN401 - Ray's own
        self._handle = handle
        self._retry_for_s = retry_for_s

    def call(
        self, method: Callable[Concatenate[RunMonitor, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call a method of the `RunMonitor`. Raises MonitorLostError if there is no answer."""
        import ray  # noqa: PLC0415 - an extra

        end_s = time.monotonic() + self._retry_for_s
        remote = getattr(self._handle, method.__name__)
        while True:
            try:
                answer: T = ray.get(remote.remote(*args, **kwargs), timeout=_ANSWER_TIMEOUT_S)
            except ray.exceptions.RayError as error:
                if isinstance(error, ray.exceptions.ActorUnavailableError) and time.monotonic() < end_s:
                    time.sleep(_RETRY_EVERY_S)
                    continue
                late = isinstance(error, ray.exceptions.GetTimeoutError)
                how = f"within {_ANSWER_TIMEOUT_S:g} s" if late else f"({type(error).__name__})"
                raise MonitorLostError(
                    f"the monitor process of the run did not answer {how}; committed samples are "
                    "kept: run the same command again to resume"
                ) from error
            else:
                return answer
