"""Totals of a ledger, and the outcome of one `generate` process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from copilot.designers.account import Usage
from pipelines.accounting.render_stats import RenderStats, merge
from pipelines.accounting.stage_times import StageTimes
from pipelines.run.ledger import LedgerEntry


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums over a ledger: samples by tier, rejects by `stage/reason`, seconds of mixes.

    `usage` adds up the use of a language model, `renders` the sounds that each backend rendered.
    """

    accepted: int
    rejected: int
    tiers: Mapping[str, int]
    reasons: Mapping[str, int]
    audio_s: float
    usage: Usage = field(repr=False)
    renders: RenderStats = field(repr=False)

    @classmethod
    def of_entries(cls, entries: Iterable[LedgerEntry]) -> Totals:
        """Add up entries, one of which is in memory at a time."""
        accepted, rejected, audio_s, usage = 0, 0, 0.0, Usage()
        tiers: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        renders: RenderStats = {}
        for entry in entries:
            accepted += len(entry.accepted)
            rejected += len(entry.rejected)
            tiers.update(entry.tiers)
            reasons.update(entry.reasons)
            audio_s += entry.audio_s
            usage += entry.usage
            renders = merge((renders, entry.renders))
        return cls(accepted, rejected, dict(tiers), dict(reasons.most_common()), audio_s, usage, renders)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one `generate` process: the totals of the run, and the time that the process took.

    `n_drafts` dialogues are written and not committed: the next start renders them.
    """

    totals: Totals
    n_seeds: int
    elapsed_s: float
    times: StageTimes
    n_drafts: int = 0

    def __repr__(self) -> str:
        """Count the samples, rejects and seeds in one line."""
        tiers = ", ".join(f"{n} {tier}" for tier, n in sorted(self.totals.tiers.items()))
        return (
            f"Outcome({self.totals.accepted} samples ({tiers or 'none'}), {self.totals.rejected} rejected, "
            f"{self.n_left} of {self.n_seeds} seeds left, {self.elapsed_s:.1f} s)"
        )

    @property
    def n_left(self) -> int:
        """The number of the run's seeds that are not accounted for yet: not 0 if it was interrupted."""
        return self.n_seeds - self.totals.accepted - self.totals.rejected
