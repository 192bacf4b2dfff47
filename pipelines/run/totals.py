"""Totals of a ledger, and the outcome of a call of generate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from copilot.designers.contract import Usage
from pipelines.accounting.render_stats import RenderStats, merge
from pipelines.accounting.stage_times import StageTimes
from pipelines.run.ledger import Ledger, LedgerEntry


@dataclass(frozen=True, slots=True)
class Totals:
    """What a ledger holds: samples by tier, rejects by `stage/reason`, seconds of mixes.

    `usage` is what was asked of a language model for all of them, `renders` what each backend rendered.
    """

    accepted: int
    rejected: int
    tiers: Mapping[str, int]
    reasons: Mapping[str, int]
    audio_s: float
    usage: Usage
    renders: RenderStats

    @classmethod
    def of(cls, ledger: Ledger) -> Totals:
        """Add up a ledger."""
        return cls.of_entries(ledger.entries())

    @classmethod
    def of_entries(cls, entries: Iterable[LedgerEntry]) -> Totals:
        """Add up entries, each of which is let go of at once."""
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
    """How a call of `generate` ended: the run as it stands, and what this call merge."""

    totals: Totals
    n_seeds: int
    elapsed_s: float
    times: StageTimes

    @property
    def n_left(self) -> int:
        """How many of the run's seeds are not accounted for yet: some, where it was interrupted."""
        return self.n_seeds - self.totals.accepted - self.totals.rejected
