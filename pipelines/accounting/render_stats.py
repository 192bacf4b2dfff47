"""Statistics of rendering by backend, which workers report, the ledger keeps, and people read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from copilot.units import Seconds


@dataclass(frozen=True, slots=True)
class RenderTally:
    """The work of one backend: stems that it rendered, their seconds, and the seconds inside its calls.

    `unmatched` counts stems for which the backend had nothing that fits the caption, `hits` stems that the
    store had, `retried` those retried with another random seed. `fill` sums the share of its budget that each
    batch used, so that `fill / batches` is the average; a batch without a budget is full. `failures` counts
    by reason.
    """

    stems: int = 0
    unmatched: int = 0
    hits: int = 0
    audio_s: Seconds = 0.0
    render_s: Seconds = 0.0
    batches: int = 0
    fill: float = 0.0
    retried: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: RenderTally) -> RenderTally:
        return RenderTally(
            self.stems + other.stems,
            self.unmatched + other.unmatched,
            self.hits + other.hits,
            self.audio_s + other.audio_s,
            self.render_s + other.render_s,
            self.batches + other.batches,
            self.fill + other.fill,
            self.retried + other.retried,
            dict(Counter(self.failures) + Counter(other.failures)),
        )

    @property
    def realtime_factor(self) -> float | None:
        """Seconds in the backend for each second of its sound; None if it rendered none."""
        return self.render_s / self.audio_s if self.audio_s else None

    @property
    def mean_fill(self) -> float | None:
        """The average share of the budget that batches used; None without batches."""
        return self.fill / self.batches if self.batches else None


RenderStats = Mapping[str, RenderTally]
"""Tallies by backend."""


def merge(tallies: Iterable[RenderStats]) -> dict[str, RenderTally]:
    """Add up tallies, backend by backend."""
    total: dict[str, RenderTally] = {}
    for renders in tallies:
        for backend, tally in renders.items():
            total[backend] = total.get(backend, RenderTally()) + tally
    return total
