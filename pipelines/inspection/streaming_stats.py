"""Statistics of values that do not fit into memory: spread, number of distinct ones, most frequent ones."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RESOLUTION = 0.001
_N_FRESH = 2**16


@dataclass(frozen=True, slots=True)
class Spread:
    """The spread of values; None if there are no values. The median is exact to 0.001, the rest exact."""

    n: int
    low: float | None = None
    median: float | None = None
    mean: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Distinct:
    """The number of texts, and the number of distinct ones."""

    n: int
    n_distinct: int


class SpreadCounter:
    """A counter of values in steps of 0.001: lowest, highest and mean are exact, the median to a step."""

    def __init__(self) -> None:
        self._steps: Counter[int] = Counter()
        self._n = 0
        self._sum = 0.0
        self._low, self._high = np.inf, -np.inf

    def add(self, values: NDArray[np.float64]) -> None:
        """Count values, none of which is NaN or infinite."""
        if not values.size:
            return
        steps, counts = np.unique(np.rint(values / _RESOLUTION).astype(np.int64), return_counts=True)
        self._steps.update(dict(zip(steps.tolist(), counts.tolist(), strict=True)))
        self._n += values.size
        self._sum += float(values.sum())
        self._low, self._high = min(self._low, values.min()), max(self._high, values.max())

    def spread(self) -> Spread:
        """Return the spread of the values so far."""
        if not self._n:
            return Spread(0)
        low, high = float(self._low), float(self._high)
        return Spread(self._n, low, self._compute_median(), self._sum / self._n, high)

    def _compute_median(self) -> float:
        middle = {(self._n - 1) // 2, self._n // 2}
        found: list[int] = []
        n_below = 0
        for step in sorted(self._steps):
            found += [step for at in middle if n_below <= at < n_below + self._steps[step]]
            n_below += self._steps[step]
        return round(sum(found) / len(found) * _RESOLUTION, 6)


class DistinctCounter:
    """A counter of distinct texts, which keeps a hash of 8 bytes of each."""

    def __init__(self) -> None:
        self._n = 0
        self._known = np.empty(0, dtype=np.uint64)
        self._fresh: set[int] = set()

    def add(self, counts: Mapping[str, int]) -> None:
        """Count texts, each as often as `counts` says."""
        self._n += sum(counts.values())
        self._fresh.update(
            int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") for text in counts
        )
        if len(self._fresh) > _N_FRESH:
            self._merge_fresh()

    def _merge_fresh(self) -> None:
        fresh = np.fromiter(self._fresh, dtype=np.uint64, count=len(self._fresh))
        self._known = np.union1d(self._known, fresh)
        self._fresh = set()

    def result(self) -> Distinct:
        """Return the number of texts, and of distinct ones."""
        self._merge_fresh()
        return Distinct(self._n, len(self._known))


class TopCounter:
    """A counter of the most frequent texts: exact up to `n_kept` distinct ones, then drops the rarest."""

    def __init__(self, n_kept: int = 100_000) -> None:
        self._n_kept = n_kept
        self._counts: Counter[str] = Counter()

    def add(self, counts: Mapping[str, int]) -> None:
        """Count texts, each as often as `counts` says."""
        self._counts.update(counts)
        if len(self._counts) > 2 * self._n_kept:
            self._counts = Counter(dict(self._most_frequent(self._n_kept)))

    def top(self, n: int) -> tuple[tuple[str, int], ...]:
        """Return the `n` most frequent texts with their counts, ties in alphabetical order."""
        return tuple(self._most_frequent(n))

    def _most_frequent(self, n: int) -> list[tuple[str, int]]:
        return sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))[:n]
