"""Batches that are tried a bounded number of times, so that a seed which kills its worker is found.

A worker that dies (killed, out of memory, hung past its deadline) is started anew by Ray, somewhere, and
given the same batch. After some deaths the seeds of the batch are tried one by one, with nothing beside them,
and one with which workers die alone is rejected. A worker that dies while it gets ready, or while it commits,
dies of no seed: after some deaths of that the run ends. So it does where a batch is made again and again
because what came of it is lost.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from copilot.errors import BackendBrokenError, CopilotError
from copilot.hashing import content_hash
from copilot.units import Seconds
from pipelines.accounting.progress import Progress
from pipelines.execution.ray.monitor import Phase, Stop, Work, WorkStatus, some_of
from pipelines.planning.layout import Pool
from pipelines.stages.record import Record

TRIES = 2
"""How many workers may die with a batch before its seeds are tried alone, and then with a seed alone."""
TRIES_TOGETHER = 5
"""How many may die with a batch that has others beside it, most of which are not to blame."""
READIES = 3
"""How many workers may die while they get ready for a batch."""
COMMITS = 5
"""How many workers may die while they commit a batch: other deaths hit them there, too."""
LOSSES = 10
"""How often a batch may be made that did not get to the next pool: nodes die, too, with what they hold."""

_READY_WITHIN_S: Seconds = 3600.0
_WORDS_TAKE_S: Seconds = 5.0
_LATE = "not done within the deadline"


class Watching(Protocol):
    """What a worker tells the watch; see `Watch`."""

    def begin(self, work: Work) -> WorkStatus:
        """As `Watch.begin`."""
        ...

    def done(self, key: str) -> None:
        """As `Watch.done`."""
        ...

    def forget(self, keys: Sequence[str], progress: Sequence[Progress] = ()) -> None:
        """As `Watch.forget`."""
        ...

    def last_words(self, key: str, words: str) -> None:
        """As `Watch.last_words`."""
        ...


@dataclass(slots=True)
class Attempt:
    """A batch that is being worked on: its records, and the keys under which the watch knows of it."""

    ids: Sequence[str]
    seed_ids: Sequence[str]
    keys: list[str] = field(default_factory=list)


class _Room:
    """Where threads work together, or one by itself: it waits for the others, and lets none begin."""

    def __init__(self) -> None:
        self._door = threading.Lock()
        self._left = threading.Condition()
        self._n_inside = 0

    @contextmanager
    def together(self) -> Iterator[None]:
        with self._door, self._left:
            self._n_inside += 1
        try:
            yield
        finally:
            with self._left:
                self._n_inside -= 1
                self._left.notify_all()

    @contextmanager
    def by_itself(self) -> Iterator[None]:
        with self._door:
            with self._left:
                self._left.wait_for(lambda: not self._n_inside)
            yield


class RetryGuard:
    """Leads a worker's batches through its stages, told to the watch, each within the pool's deadline.

    `alone` says whether the worker has one batch at a time, `begins` whether its pool is the first, which
    takes no batch where the run drains. `die` ends this process; what it was working on is begun again by
    another.
    """

    def __init__(
        self,
        watch: Watching,
        pool: Pool,
        worker: str,
        *,
        alone: bool = True,
        begins: bool = False,
        die: Callable[[], None] = lambda: os._exit(1),
    ) -> None:
        self._watch = watch
        self._pool = pool
        self._worker = worker
        self._tries = TRIES if alone else TRIES_TOGETHER
        self._room = _Room()
        self._die = die
        self._stops: frozenset[Stop] = frozenset({"stop", "drain"} if begins else {"stop"})

    def get_ready(self, attempt: Attempt, prepare: Callable[[], None]) -> bool:
        """Let the worker get ready for its first batch; whether it did, as it does not where the run ends.

        Raises CopilotError where others have died of that.
        """
        with self._told(attempt, "ready", attempt.ids, attempt.seed_ids) as begun:
            goes_on = begun.stop not in self._stops
            if goes_on:
                self._bounded(begun, READIES, "while they got ready")
                prepare()
        return goes_on

    def lead(
        self, attempt: Attempt, records: Sequence[Record], work: Callable[[Sequence[Record]], None]
    ) -> bool:
        """Let the stages work on a batch; where workers died with it, on its seeds one by one.

        Tells whether they did, as they do not where the run ends. Raises BackendBrokenError where a backend
        was broken in other workers as well, CopilotError where what comes of the batch is always lost.
        """
        with self._room.together(), self._told(attempt, "stages", attempt.ids, attempt.seed_ids) as begun:
            if begun.stop in self._stops:
                return False
            self._check_kept(begun, attempt)
            if begun.n_deaths < self._tries:
                work(records)
                return True
        with self._room.by_itself():
            return all(self._lead_alone(attempt, record, work) for record in records)

    def _lead_alone(self, attempt: Attempt, record: Record, work: Callable[[Sequence[Record]], None]) -> bool:
        with self._told(attempt, "stages", ["alone", record.id], [record.seed.id]) as begun:
            if begun.stop in self._stops:
                return False
            words = begun.last_words or "without a word"
            if begun.n_deaths >= 2 * TRIES:
                raise CopilotError(f"{record.seed.id}: workers die even with its reject ({words})")
            if begun.n_deaths >= TRIES and record.reject is None:
                reason = "worker-timeout" if words.startswith(_LATE) else "worker-died"
                told = f"{begun.n_deaths} workers ended with it alone: {words}"
                record.refuse(self._pool.name, reason, told)
            work([record])
            return True

    def commit(self, attempt: Attempt, finish: Callable[[], None]) -> None:
        """Let the batch be committed, where the run ends as well.

        Raises CopilotError where workers have died of that.
        """
        with self._told(attempt, "commit", attempt.ids, attempt.seed_ids) as begun:
            self._bounded(begun, COMMITS, "while they committed")
            finish()

    def end(self, attempt: Attempt, progress: Sequence[Progress] = ()) -> None:
        """Tell the watch that a batch is done, and what was committed of it."""
        self._watch.forget(attempt.keys, progress)

    def _check_kept(self, begun: WorkStatus, attempt: Attempt) -> None:
        if begun.n_made >= LOSSES:
            raise CopilotError(
                f"pool {self._pool.name}: {some_of(attempt.seed_ids)} made {begun.n_made} times, and lost "
                "before the next pool had them: workers or nodes end while they hand over (out of "
                "memory?); what was committed stands"
            )

    def _bounded(self, begun: WorkStatus, n: int, when: str) -> None:
        if begun.n_deaths >= n:
            words = begun.last_words or "without a word: killed, or out of memory"
            raise CopilotError(
                f"pool {self._pool.name}: {begun.n_deaths} workers ended {when} ({words}); what was "
                "committed stands"
            )

    @contextmanager
    def _told(
        self, attempt: Attempt, phase: Phase, ids: Sequence[str], seed_ids: Sequence[str]
    ) -> Iterator[WorkStatus]:
        """Tell the watch of some work, and keep it within the deadline."""
        key = content_hash([self._pool.name, phase, *ids])[:16]
        attempt.keys.append(key)
        begun = self._watch.begin(Work(key, self._pool.name, tuple(seed_ids), self._worker, phase))
        timer = self._timer(key, phase, len(seed_ids))
        timer.start()
        try:
            yield begun
        except MemoryError as error:
            self._end_process(key, f"out of memory: {error}")
        except BackendBrokenError as error:
            if begun.n_deaths >= TRIES - 1:
                raise
            self._end_process(key, f"{error}")
        else:
            self._watch.done(key)
        finally:
            timer.cancel()

    def _timer(self, key: str, phase: Phase, n: int) -> threading.Timer:
        seconds = _READY_WITHIN_S if phase == "ready" else self._pool.deadline_s

        def late() -> None:
            self._end_process(key, f"{_LATE} of {seconds:g} s with {n} dialogues")

        timer = threading.Timer(seconds, late)
        timer.daemon = True
        return timer

    def _end_process(self, key: str, words: str) -> None:
        # The watch may hang as well, and this worker has to end all the same.
        said = threading.Thread(target=self._watch.last_words, args=(key, words), daemon=True)
        said.start()
        said.join(_WORDS_TAKE_S)
        self._die()
