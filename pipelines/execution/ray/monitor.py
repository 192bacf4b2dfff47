"""What is known of a run in progress: who works on what, since when, and how often that was begun before.

One watch a run, in a process of its own beside the driver. Workers tell it of what they do before they
begin it and when it is done. It remembers what is under way and what was done last, so it does not grow with
the run.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from copilot.errors import CopilotError, MonitorLostError
from copilot.units import Seconds
from pipelines.accounting.progress import Progress

_ANSWERS_WITHIN_S: Seconds = 60.0
_ASK_AGAIN_FOR_S: Seconds = 60.0
"""Across the network. Between the driver and the watch there is none."""
_ASK_AGAIN_S: Seconds = 0.5
_MOST_REMEMBERED = 10_000
"""Pieces of work that are done: what is lost all the same is lost soon after."""

Stop = Literal["go", "drain", "stop"]
"""Whether work goes on: `drain` begins no new seed and ends what was begun, `stop` begins no batch."""


Phase = Literal["ready", "stages", "commit"]
"""What a worker is doing with a batch: getting ready for its first, leading it through stages, committing."""


def some_of(seed_ids: Sequence[str]) -> str:
    """The seeds of a batch, as a message names them: the first few."""
    return ", ".join(seed_ids[:3]) + (", ..." if len(seed_ids) > 3 else "")


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker is about to do. The key is the same whenever the same is tried."""

    key: str
    pool: str
    seed_ids: tuple[str, ...]
    worker: str
    phase: Phase = "stages"


@dataclass(frozen=True, slots=True)
class WorkStatus:
    """The answer to a worker that begins something.

    `n_deaths` is how many workers have died of it, `last_words` what the last one said of its end, `n_made`
    how often it was done, and is begun again because what came of it was lost.
    """

    stop: Stop
    n_deaths: int = 0
    last_words: str = ""
    n_made: int = 0


@dataclass(frozen=True, slots=True)
class InProgress:
    """Work that is under way, and for how long."""

    work: Work
    since_s: Seconds


@dataclass(frozen=True, slots=True)
class MonitorState:
    """What the driver is told: what was committed since it asked last, and how things stand.

    `quiet_s` is for how long nobody has begun or done anything; `last` names, for each pool, the last seed
    that it has done. `failure` is what ends the run.
    """

    progress: tuple[Progress, ...]
    doing: tuple[InProgress, ...]
    quiet_s: Seconds
    last: dict[str, str]
    failure: CopilotError | None
    stop: Stop


class RunMonitor:
    """Knows what is under way. Its methods are called by workers and by the driver, one at a time.

    Work that was begun, and is begun by another worker without having been done, has cost a worker its life,
    as has all else that this one had begun. A worker that ends itself says of what: the rest is not to blame.
    What is told twice counts once.
    """

    def __init__(self, clock: Callable[[], Seconds] = time.monotonic) -> None:
        self._clock = clock
        self._sign_s = clock()
        self._stop: Stop = "go"
        self._failure: CopilotError | None = None
        self._progress: deque[Progress] = deque()
        self._doing: dict[str, tuple[Work, Seconds]] = {}
        self._n_deaths: dict[str, int] = {}
        self._words: dict[str, str] = {}
        self._n_made: dict[str, int] = {}
        self._last: dict[str, str] = {}

    def begin(self, work: Work) -> WorkStatus:
        """A worker is about to begin something. What was made may be committed even where the run stops."""
        if self._stop == "stop" and work.phase != "commit":
            return WorkStatus("stop")
        self._sign_s = self._clock()
        before, _ = self._doing.get(work.key, (work, 0.0))
        died = before.worker != work.worker
        self._n_deaths[work.key] = self._n_deaths.get(work.key, 0) + died
        self._doing[work.key] = (work, self._sign_s)
        n_deaths, n_made = self._n_deaths[work.key], self._n_made.get(work.key, 0)
        return WorkStatus(self._stop, n_deaths, self._words.get(work.key, ""), n_made)

    def done(self, key: str) -> None:
        """The work is done: its worker lives. What is known of earlier deaths is kept until `forget`."""
        self._sign_s = self._clock()
        if key in self._doing:
            work, _ = self._doing.pop(key)
            if work.seed_ids:
                self._last[work.pool] = work.seed_ids[-1]

    def forget(self, keys: Sequence[str], progress: Sequence[Progress] = ()) -> None:
        """All that these stand for is done, deaths are forgotten; this is what was committed."""
        known = [key for key in keys if key in self._n_deaths]
        for key in known:
            self.done(key)
            del self._n_deaths[key]
            self._words.pop(key, None)
            # In the order in which they were done last.
            self._n_made[key] = self._n_made.pop(key, 0) + 1
        while len(self._n_made) > _MOST_REMEMBERED:
            del self._n_made[next(iter(self._n_made))]
        if known:
            self._progress.extend(progress)

    def last_words(self, key: str, words: str) -> None:
        """A worker is about to end itself, and says why, and with what."""
        worker = self._doing[key][0].worker if key in self._doing else None
        for other in [k for k, (work, _) in self._doing.items() if work.worker == worker]:
            del self._doing[other]
        self._n_deaths[key] = self._n_deaths.get(key, 0) + 1
        self._words[key] = words

    def fail(self, error: CopilotError, stop: Stop) -> None:
        """Something ends the run: the first one counts."""
        self._failure = self._failure or error
        self.stop(stop)

    def stop(self, stop: Stop) -> None:
        """Let work end; a `stop` is never taken back to a `drain`."""
        if self._stop != "stop":
            self._stop = stop

    def state(self) -> MonitorState:
        """How things stand; what was committed is told once."""
        now_s = self._clock()
        progress = tuple(self._progress)
        self._progress.clear()
        doing = tuple(InProgress(work, now_s - since_s) for work, since_s in self._doing.values())
        quiet_s = now_s - self._sign_s
        return MonitorState(progress, doing, quiet_s, dict(self._last), self._failure, self._stop)


class RemoteMonitor:
    """The run's watch, asked from another process. Raises MonitorLostError where it does not answer."""

    def __init__(self, handle: Any) -> None:  # noqa: ANN401 - Ray's handles have no type
        self._handle = handle

    def begin(self, work: Work) -> WorkStatus:
        """As `RunMonitor.begin`."""
        begun: WorkStatus = self.ask("begin", work)
        return begun

    def done(self, key: str) -> None:
        """As `RunMonitor.done`."""
        self.ask("done", key)

    def forget(self, keys: Sequence[str], progress: Sequence[Progress] = ()) -> None:
        """As `RunMonitor.forget`."""
        self.ask("forget", keys, progress)

    def last_words(self, key: str, words: str) -> None:
        """As `RunMonitor.last_words`."""
        self.ask("last_words", key, words)

    def fail(self, error: CopilotError, stop: Stop) -> None:
        """As `RunMonitor.fail`."""
        self.ask("fail", error, stop)

    def stop(self, stop: Stop) -> None:
        """As `RunMonitor.stop`."""
        self.ask("stop", stop, again_s=0.0)

    def state(self) -> MonitorState:
        """As `RunMonitor.state`."""
        state: MonitorState = self.ask("state", again_s=0.0)
        return state

    def ask(self, method: str, *given: object, again_s: Seconds = _ASK_AGAIN_FOR_S) -> Any:  # noqa: ANN401
        """Call one of its methods, again where the network fails for a moment."""
        import ray  # noqa: PLC0415 - an extra

        end_s = time.monotonic() + again_s
        while True:
            try:
                return ray.get(getattr(self._handle, method).remote(*given), timeout=_ANSWERS_WITHIN_S)
            except ray.exceptions.RayError as error:
                if isinstance(error, ray.exceptions.ActorUnavailableError) and time.monotonic() < end_s:
                    time.sleep(_ASK_AGAIN_S)
                    continue
                raise MonitorLostError(
                    f"the process that watches the run does not answer ({type(error).__name__}); what was "
                    "committed stands. Run the same command again to go on"
                ) from error
