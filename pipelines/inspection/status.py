"""The progress of a run, from its ledger alone: neither its data nor its workers are needed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from copilot.units import Seconds
from pipelines.run.ledger import LedgerEntry
from pipelines.run.run import Run
from pipelines.run.totals import Totals

WINDOW_S: Seconds = 600.0
"""The window over which the rate is measured."""


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The progress of a run. `n_seeds` is the number of seeds to account for.

    `rate_per_s` is the number of seeds per second over the last `WINDOW_S`, `n_bytes` the size of all
    committed files, `last_commit_s` the time since the last commit, and `left_s` the time that the rest will
    take at that rate. Both times are None if they are unknown.
    """

    totals: Totals
    n_seeds: int
    n_bytes: int
    rate_per_s: float
    last_commit_s: Seconds | None
    left_s: Seconds | None

    @property
    def n_left(self) -> int:
        """The number of seeds that are not accounted for yet."""
        return max(self.n_seeds - self.totals.accepted - self.totals.rejected, 0)


def read_status(place: str | Path, now_s: Seconds | None = None) -> RunStatus:
    """Return the progress of a run (default for `now_s`: the clock).

    Raises UserError if there is no run, CorruptDataError for a damaged entry.
    """
    now_s = time.time() if now_s is None else now_s
    run = Run(place)
    described = run.describe()
    meter = _RateMeter(now_s)
    totals = Totals.of_entries(meter.count(run.ledger.entries()))
    n_done = totals.accepted + totals.rejected
    n_seeds = max(int(described.get("plan", {}).get("n_seeds", 0)), n_done)
    rate = meter.rate_per_s()
    return RunStatus(
        totals,
        n_seeds,
        meter.n_bytes,
        rate,
        None if meter.last_s is None else max(now_s - meter.last_s, 0.0),
        (n_seeds - n_done) / rate if rate and n_seeds > n_done else None,
    )


class _RateMeter:
    """A meter of the rate of commits and of their bytes."""

    def __init__(self, now_s: Seconds) -> None:
        self._now_s = now_s
        self._first_s: Seconds | None = None
        self._recent: list[tuple[Seconds, int]] = []
        self.last_s: Seconds | None = None
        self.n_bytes = 0

    def count(self, entries: Iterator[LedgerEntry]) -> Iterator[LedgerEntry]:
        """Count entries and yield them."""
        for entry in entries:
            self.n_bytes += sum(file.n_bytes for file in entry.files)
            if entry.committed_at_s is not None:
                self._note(entry.committed_at_s, len(entry.seed_ids))
            yield entry

    def _note(self, at_s: Seconds, n_seeds: int) -> None:
        self._first_s = at_s if self._first_s is None else min(self._first_s, at_s)
        self.last_s = at_s if self.last_s is None else max(self.last_s, at_s)
        if at_s > self._now_s - WINDOW_S:
            self._recent.append((at_s, n_seeds))

    def rate_per_s(self) -> float:
        """Return seeds per second over the window, or since the first commit, which took an unknown time."""
        if self._first_s is None:
            return 0.0
        since_s = max(self._first_s, self._now_s - WINDOW_S)
        n_seeds = sum(n for at_s, n in self._recent if at_s > since_s)
        return n_seeds / (self._now_s - since_s) if self._now_s > since_s else 0.0
