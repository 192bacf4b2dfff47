"""How far a run is, from its ledger alone: nothing of its data is read, and no worker is asked."""

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
"""How far back the rate looks."""


@dataclass(frozen=True, slots=True)
class RunStatus:
    """`n_seeds` is how many the run is to account for. `rate_per_s` are seeds over the last `WINDOW_S`.

    `n_bytes` is the size of what is committed; `last_commit_s` how long ago the last commit was, `left_s` how
    long the rest will take at that rate: None where that cannot be told.
    """

    totals: Totals
    n_seeds: int
    n_bytes: int
    rate_per_s: float
    last_commit_s: Seconds | None
    left_s: Seconds | None

    @property
    def n_left(self) -> int:
        """How many seeds are not accounted for yet."""
        return max(self.n_seeds - self.totals.accepted - self.totals.rejected, 0)


def run_status(place: str | Path, now_s: Seconds | None = None) -> RunStatus:
    """The status of a run. Raises UserError where there is none, CorruptDataError for a damaged entry."""
    now_s = time.time() if now_s is None else now_s
    run = Run(place)
    described = run.describe()
    watch = _Watch(now_s)
    totals = Totals.of_entries(watch.seen(run.ledger.entries()))
    n_done = totals.accepted + totals.rejected
    n_seeds = max(int(described.get("plan", {}).get("n_seeds", 0)), n_done)
    rate = watch.rate_per_s()
    return RunStatus(
        totals,
        n_seeds,
        watch.n_bytes,
        rate,
        None if watch.last_s is None else max(now_s - watch.last_s, 0.0),
        (n_seeds - n_done) / rate if rate and n_seeds > n_done else None,
    )


class _Watch:
    """Looks on while entries are added up."""

    def __init__(self, now_s: Seconds) -> None:
        self._now_s = now_s
        self._first_s: Seconds | None = None
        self._recent: list[tuple[Seconds, int]] = []
        self.last_s: Seconds | None = None
        self.n_bytes = 0

    def seen(self, entries: Iterator[LedgerEntry]) -> Iterator[LedgerEntry]:
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
        """Seeds a second over the window, or since the run's first commit, which itself took unknown time."""
        if self._first_s is None:
            return 0.0
        since_s = max(self._first_s, self._now_s - WINDOW_S)
        n_seeds = sum(n for at_s, n in self._recent if at_s > since_s)
        return n_seeds / (self._now_s - since_s) if self._now_s > since_s else 0.0
