"""Word errors: the fewest words to substitute, delete and insert to make one sequence of words of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Errors of what was heard against the `n_words` words that were said. Sums are errors of a whole."""

    n_words: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(
            self.n_words + other.n_words,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )

    @property
    def n_errors(self) -> int:
        """The number of errors."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """The word error rate, which may exceed 1; None if nothing was said."""
        return self.n_errors / self.n_words if self.n_words else None


def align(said: Sequence[str], heard: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Return pairs of positions, (said, heard), of an alignment with the fewest errors, in order.

    A pair without a position in `heard` is a deletion, one without a position in `said` an insertion. Of
    several such alignments, one that pairs words as early as possible from the end is taken, always the same.
    """
    costs = _compute_costs(said, heard)
    pairs: list[tuple[int | None, int | None]] = []
    i, j = len(said), len(heard)
    while i or j:
        here = costs[i, j]
        if i and j and here == costs[i - 1, j - 1] + (said[i - 1] != heard[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and here == costs[i - 1, j] + 1:
            i -= 1
            pairs.append((i, None))
        else:
            j -= 1
            pairs.append((None, j))
    return pairs[::-1]


def _compute_costs(said: Sequence[str], heard: Sequence[str]) -> np.ndarray:
    """Return the least errors between every two beginnings, shape (said + 1, heard + 1)."""
    costs = np.zeros((len(said) + 1, len(heard) + 1), dtype=np.int32)
    steps = np.arange(len(heard) + 1, dtype=np.int32)
    costs[0] = steps
    for i, word in enumerate(said, 1):
        differs = np.fromiter((word != other for other in heard), dtype=np.int32, count=len(heard))
        row = costs[i]
        row[0] = i
        row[1:] = np.minimum(costs[i - 1, 1:] + 1, costs[i - 1, :-1] + differs)
        # An insertion costs one more than the entry to the left: without the steps, a running minimum.
        row[:] = np.minimum.accumulate(row - steps) + steps
    return costs


def count_errors(said: Sequence[str], heard: Sequence[str]) -> WordErrors:
    """Return the errors of what was heard, both as `copilot.metrics.words.split_words` gives words."""
    return count_line_errors([said], heard)[0]


def count_line_errors(lines: Sequence[Sequence[str]], heard: Sequence[str]) -> list[WordErrors]:
    """Return the errors of each of several lines that were said one after the other, heard as one.

    A word that was inserted counts to the line of the word before it, and at the beginning to the first. With
    no lines there is nothing to count to, and nothing is returned.
    """
    line_of = [number for number, line in enumerate(lines) for _ in line]
    said = [word for line in lines for word in line]
    counts = [[0, 0, 0] for _ in lines]
    number = 0
    for at, other in align(said, heard) if lines else ():
        if at is None:
            counts[number][2] += 1
            continue
        number = line_of[at]
        if other is None:
            counts[number][1] += 1
        elif said[at] != heard[other]:
            counts[number][0] += 1
    return [WordErrors(len(line), *found) for line, found in zip(lines, counts, strict=True)]
