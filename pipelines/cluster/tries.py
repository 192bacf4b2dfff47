"""Batches that are tried a bounded number of times, so that a seed which kills its worker is found.

A worker that dies (killed, out of memory, hung past its deadline) is started anew by Ray, somewhere, and
given the same batch. After some deaths the seeds of the batch are tried one by one, and one with which a
worker dies alone, again and again, is rejected.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from copilot.content import content_hash
from copilot.errors import CopilotError
from copilot.units import Seconds
from pipelines.cluster.plan import Pool
from pipelines.cluster.watch import Begun
from pipelines.record import Record
from pipelines.work import Progress

TRIES = 2
"""How many workers may die with a batch before its seeds are tried alone, and then with a seed alone."""

_WORDS_TAKE_S: Seconds = 5.0
_LATE = "not done within the deadline"


class Watching(Protocol):
    """What a worker tells the watch."""

    def begin(self, key: str, pool: str, seed_ids: Sequence[str], worker: str) -> Begun:
        """As `Watch.begin`."""
        ...

    def end(self, key: str, progress: Sequence[Progress] = ()) -> None:
        """As `Watch.end`."""
        ...

    def last_words(self, keys: Sequence[str], words: str) -> None:
        """As `Watch.last_words`."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """A batch that the watch was told of, and what it said."""

    key: str
    begun: Begun


class Tries:
    """Leads a worker's batches through its stages, told to the watch, each within the pool's deadline.

    `die` ends this process; what it was working on is begun again by another.
    """

    def __init__(
        self, watch: Watching, pool: Pool, worker: str, die: Callable[[], None] = lambda: os._exit(1)
    ) -> None:
        self._watch = watch
        self._pool = pool
        self._worker = worker
        self._die = die

    def begin(self, records: Sequence[Record], *, alone: bool = False) -> Attempt:
        """Tell the watch of a batch, or of one of its seeds alone."""
        key = content_hash([self._pool.name, alone, [record.id for record in records]])[:16]
        seed_ids = [record.seed.id for record in records]
        return Attempt(key, self._watch.begin(key, self._pool.name, seed_ids, self._worker))

    def lead(
        self, attempt: Attempt, records: Sequence[Record], work: Callable[[Sequence[Record]], None]
    ) -> None:
        """Let the stages work on a batch; where workers died with it, on its seeds one by one."""
        if attempt.begun.n_before < TRIES:
            with self._deadline(attempt.key, records):
                work(records)
            return
        for record in records:
            self._lead_alone(record, work)

    def _lead_alone(self, record: Record, work: Callable[[Sequence[Record]], None]) -> None:
        attempt = self.begin([record], alone=True)
        n_died, words = attempt.begun.n_before, attempt.begun.last_words or "without a word"
        if n_died >= 2 * TRIES:
            raise CopilotError(f"{record.seed.id}: workers die even with its reject ({words})")
        if n_died >= TRIES and record.reject is None:
            reason = "worker-timeout" if words.startswith(_LATE) else "worker-died"
            told = f"a worker ended with it alone {n_died} times: {words}"
            record.refuse(self._pool.name, reason, told)
        with self._deadline(attempt.key, [record]):
            work([record])
        self._watch.end(attempt.key)

    def end(self, attempt: Attempt, progress: Sequence[Progress] = ()) -> None:
        """Tell the watch that a batch is done."""
        self._watch.end(attempt.key, progress)

    def give_up(self, attempt: Attempt, words: str) -> None:
        """End this process, which cannot go on, and have the batch tried by another."""
        self._watch.last_words([attempt.key], words)
        self._die()

    @contextmanager
    def _deadline(self, key: str, records: Sequence[Record]) -> Iterator[None]:
        seconds = self._pool.deadline_s

        def late() -> None:
            words = f"{_LATE} of {seconds:g} s with {len(records)} dialogues"
            # The watch may hang as well, and this worker has to end all the same.
            said = threading.Thread(target=self._watch.last_words, args=([key], words), daemon=True)
            said.start()
            said.join(_WORDS_TAKE_S)
            self._die()

        timer = threading.Timer(seconds, late)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
