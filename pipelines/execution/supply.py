"""The supply of records: seeds cut into batches for the workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from copilot.seed import Seed
from pipelines.stages.record import Record, new_record
from pipelines.stages.worker_spec import RECORDS_AT_ONCE

MAX_BATCH = 64
"""The most seeds in one batch, and so in one shard, unless somebody said how many."""


def batch_size(n_seeds: int, n_workers: int, at_once: int = RECORDS_AT_ONCE, *, most: int = MAX_BATCH) -> int:
    """`most`, or fewer in a short run, so that all workers end together; `at_once` where `most` allows it."""
    return min(most, max(at_once, -(-n_seeds // (4 * n_workers))))


class Supply(Protocol):
    """Gives out the records of a run, batch by batch. No method waits."""

    @property
    def exhausted(self) -> bool:
        """Whether nothing is there, and nothing is to come."""
        ...

    def take(self) -> Sequence[Record]:
        """The next batch, for a worker that has nothing to do; empty where none is ready."""
        ...

    def stop(self) -> None:
        """Drop what was not taken."""
        ...


class FreshRecords:
    """Seeds as records that no stage has seen: every batch is ready at once."""

    def __init__(
        self, seeds: Sequence[Seed], run_seed: int, n_workers: int, at_once: int = RECORDS_AT_ONCE
    ) -> None:
        self._seeds = deque(seeds)
        self._run_seed = run_seed
        self._size = batch_size(len(seeds), n_workers, at_once)

    @property
    def exhausted(self) -> bool:
        """Whether all were taken, or dropped."""
        return not self._seeds

    def take(self) -> Sequence[Record]:
        """The next batch; empty where there is none."""
        n_taken = min(self._size, len(self._seeds))
        return [new_record(self._seeds.popleft(), self._run_seed) for _ in range(n_taken)]

    def stop(self) -> None:
        """Drop what was not taken."""
        self._seeds.clear()
