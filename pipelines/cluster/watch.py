"""What is known of a run in progress: who works on what, since when, and how often that was begun before.

One watch a run, in a process of its own beside the driver. Workers tell it of each batch before they begin it
and when it is done; a batch that was begun and never done is one whose worker died of it, or beside it. It
remembers only what is under way, so it does not grow with the run.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from copilot.errors import CopilotError
from copilot.units import Seconds
from pipelines.work import Progress

Stop = Literal["go", "drain", "stop"]
"""Whether work goes on: `drain` begins no new seed and ends what was begun, `stop` begins no batch."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The answer to a worker that begins a batch.

    `n_before` is how often a worker has died with it, `last_words` what the last one said of its end.
    """

    stop: Stop
    n_before: int = 0
    last_words: str = ""


@dataclass(frozen=True, slots=True)
class Doing:
    """A batch that is under way: its pool, its seeds, the worker, and for how long."""

    pool: str
    seed_ids: tuple[str, ...]
    worker: str
    since_s: Seconds


@dataclass(frozen=True, slots=True)
class State:
    """What the driver is told: what was committed since it asked last, and how things stand.

    `quiet_s` is for how long nobody has begun or done anything; `last` names, for each pool, the last seed
    that it has done. `failure` is what ends the run.
    """

    progress: tuple[Progress, ...]
    doing: tuple[Doing, ...]
    quiet_s: Seconds
    last: dict[str, str]
    failure: CopilotError | None
    stop: Stop


class Watch:
    """Knows what is under way. Its methods are called by workers and by the driver, one at a time."""

    def __init__(self, clock: Callable[[], Seconds] = time.monotonic) -> None:
        self._clock = clock
        self._sign_s = clock()
        self._stop: Stop = "go"
        self._failure: CopilotError | None = None
        self._progress: deque[Progress] = deque()
        self._doing: dict[str, tuple[str, tuple[str, ...], str, Seconds]] = {}
        self._n_begun: dict[str, int] = {}
        self._words: dict[str, str] = {}
        self._last: dict[str, str] = {}

    def begin(self, key: str, pool: str, seed_ids: Sequence[str], worker: str) -> Begun:
        """A worker is about to begin a batch, which has the same key whenever it is tried."""
        if self._stop == "stop":
            return Begun("stop")
        self._sign_s = self._clock()
        n_before = self._n_begun.get(key, 0)
        self._n_begun[key] = n_before + 1
        self._doing[key] = (pool, tuple(seed_ids), worker, self._sign_s)
        return Begun(self._stop, n_before, self._words.get(key, ""))

    def end(self, key: str, progress: Sequence[Progress] = ()) -> None:
        """The batch is done: its worker lives."""
        self._sign_s = self._clock()
        self._n_begun.pop(key, None)
        self._words.pop(key, None)
        pool, seed_ids, *_ = self._doing.pop(key, ("", ()))
        if seed_ids:
            self._last[pool] = seed_ids[-1]
        self._progress.extend(progress)

    def last_words(self, keys: Sequence[str], words: str) -> None:
        """A worker is about to end itself, and says why, of all that it was begun with."""
        self._words.update(dict.fromkeys(keys, words))

    def fail(self, error: CopilotError, stop: Stop) -> None:
        """Something ends the run: the first one counts."""
        self._failure = self._failure or error
        self.stop(stop)

    def stop(self, stop: Stop) -> None:
        """Let work end; a `stop` is never taken back to a `drain`."""
        if self._stop != "stop":
            self._stop = stop

    def state(self) -> State:
        """How things stand; what was committed is told once."""
        now_s = self._clock()
        progress = tuple(self._progress)
        self._progress.clear()
        doing = tuple(
            Doing(pool, seed_ids, worker, now_s - since_s)
            for pool, seed_ids, worker, since_s in self._doing.values()
        )
        return State(progress, doing, now_s - self._sign_s, dict(self._last), self._failure, self._stop)


class RemoteWatch:
    """The run's watch, asked from another process."""

    def __init__(self, handle: Any) -> None:  # noqa: ANN401 - Ray's handles have no type
        self._handle = handle

    def begin(self, key: str, pool: str, seed_ids: Sequence[str], worker: str) -> Begun:
        """As `Watch.begin`."""
        begun: Begun = self._ask("begin", key, pool, seed_ids, worker)
        return begun

    def end(self, key: str, progress: Sequence[Progress] = ()) -> None:
        """As `Watch.end`."""
        self._ask("end", key, progress)

    def last_words(self, keys: Sequence[str], words: str) -> None:
        """As `Watch.last_words`."""
        self._ask("last_words", keys, words)

    def fail(self, error: CopilotError, stop: Stop) -> None:
        """As `Watch.fail`."""
        self._ask("fail", error, stop)

    def _ask(self, method: str, *given: object) -> Any:  # noqa: ANN401 - whatever it answers
        import ray  # noqa: PLC0415 - an extra

        return ray.get(getattr(self._handle, method).remote(*given))
