"""The supply of records: seeds, cut into batches for the workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from copilot.seed import Seed
from pipelines.stages.record import Record, new_record
from pipelines.stages.worker_spec import RECORDS_AT_ONCE

MAX_BATCH = 64
"""Default limit on the seeds of a batch, and so of a shard."""


def compute_batch_size(
    n_seeds: int, n_workers: int, at_once: int = RECORDS_AT_ONCE, *, most: int = MAX_BATCH
) -> int:
    """Return the number of seeds in a batch: a quarter of a worker's share, so that workers end together.

    It is at least `at_once`, but never more than `most`.
    """
    return min(most, max(at_once, -(-n_seeds // (4 * n_workers))))


class Supply(Protocol):
    """Gives out the records of a run, batch by batch. No method waits."""

    @property
    def exhausted(self) -> bool:
        """True if no batch is left, and none will come."""
        ...

    def next_batch(self) -> Sequence[Record]:
        """Return the next batch, for a worker that is idle; empty if none is ready."""
        ...

    def note_committed(self, records: Sequence[Record]) -> None:
        """Record that records which were given out are committed."""
        ...

    def stop(self) -> None:
        """Give out no further batch."""
        ...


class FreshRecords:
    """Seeds as records that no stage has seen: every batch is ready at once."""

    def __init__(
        self, seeds: Sequence[Seed], run_seed: int, n_workers: int, at_once: int = RECORDS_AT_ONCE
    ) -> None:
        self._seeds = deque(seeds)
        self._run_seed = run_seed
        self._size = compute_batch_size(len(seeds), n_workers, at_once)

    @property
    def exhausted(self) -> bool:
        """True if all seeds were given out or dropped."""
        return not self._seeds

    def next_batch(self) -> Sequence[Record]:
        """Return the next batch; empty if no seed is left."""
        size = min(self._size, len(self._seeds))
        return [new_record(self._seeds.popleft(), self._run_seed) for _ in range(size)]

    def note_committed(self, records: Sequence[Record]) -> None:
        """Do nothing: a seed costs nothing to give out again."""

    def stop(self) -> None:
        """Drop all seeds that were not given out."""
        self._seeds.clear()
