"""The monitor of a run on Ray: who works on what, since when, and how often workers died of it.

One monitor per run, in a process of its own beside the driver. Workers report what they do before they start
it and when it is done. The monitor remembers what is in progress and what was done last, so it does not grow
with the run.
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
"""Batches that are done: one whose output gets lost all the same is started again soon after."""

RunMode = Literal["go", "drain", "stop"]
"""How a run proceeds: `drain` starts no new seed and ends what was started, `stop` starts no batch."""

Phase = Literal["setup", "stages", "commit"]
"""A worker with a batch: it sets itself up for its first one, runs its stages on it, or commits it."""

P = ParamSpec("P")
T = TypeVar("T")


def name_some(seed_ids: Sequence[str]) -> str:
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

    `n_deaths` is how many workers have died of it, `death_cause` what the last of them reported, `n_done` how
    often its batch was done before and is computed again because the output was lost.
    """

    mode: RunMode
    n_deaths: int = 0
    death_cause: str = ""
    n_done: int = 0


@dataclass(frozen=True, slots=True)
class InProgress:
    """Work that is in progress, and for how long."""

    work: Work
    for_s: Seconds


@dataclass(frozen=True, slots=True)
class MonitorState:
    """The state of a run for its driver; `progress` is what was committed since the driver asked last.

    `idle_s` is how long nobody has started or ended anything; `last_done` has, for each pool, the last seed
    that it was done with. `failure` is the error that ends the run.
    """

    progress: tuple[Progress, ...]
    in_progress: tuple[InProgress, ...]
    idle_s: Seconds
    last_done: dict[str, str]
    failure: CopilotError | None
    mode: RunMode


class RunMonitor:
    """Knows what is in progress. Workers and the driver call its methods, one at a time.

    If a worker starts work that another one started and never ended, the other one must have died, along with
    everything else it had started. A worker that ends itself reports which work made it do so: the rest is
    not to blame. What is reported twice counts once.
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
        """The number of keys that it keeps deaths or past ends of."""
        return len(self._n_deaths.keys() | self._n_done.keys())

    def start_work(self, work: Work) -> WorkStatus:
        """Record that a worker is about to start something. Commits may start even if the run stops."""
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
        """Record that some work is done: its worker lives. Earlier deaths are kept until `end_batch`."""
        self._last_report_s = self._clock()
        if key in self._in_progress:
            work, _ = self._in_progress.pop(key)
            if work.seed_ids:
                self._last_done[work.pool] = work.seed_ids[-1]

    def end_batch(self, keys: Sequence[str], progress: Sequence[Progress] = ()) -> None:
        """Record that all work on a batch is done, and what was committed of it; forget its deaths."""
        known = [key for key in keys if key in self._n_deaths]
        for key in known:
            self.end_work(key)
            del self._n_deaths[key]
            self._death_causes.pop(key, None)
            # In the order in which they were done last.
            self._n_done[key] = self._n_done.pop(key, 0) + 1
        while len(self._n_done) > _MAX_REMEMBERED:
            del self._n_done[next(iter(self._n_done))]
        if known:
            self._progress.extend(progress)

    def report_death(self, key: str, cause: str) -> None:
        """Record that a worker is about to end itself, because of which work, and why."""
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
        """Set how the run proceeds; a `stop` is never taken back."""
        if self._mode != "stop":
            self._mode = mode

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
    """A `Monitor` in another process. While the network fails, a call is tried again for `retry_for_s`."""

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
                raise MonitorLostError(
                    f"the run's monitor does not answer ({type(error).__name__}); progress is saved: run the "
                    "same command again to resume"
                ) from error
            else:
                return answer
