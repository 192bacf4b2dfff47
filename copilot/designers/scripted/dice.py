"""Draws from one generator that belongs to a place in a dialogue, such as (run seed, seed id, turn)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from copilot.hashing import derive_rng

T = TypeVar("T")


class Dice:
    """Random choices that depend on nothing but the parts they are derived from.

    All of them use uniform numbers alone, whose stream NumPy keeps stable between versions.
    """

    def __init__(self, *parts: str | int) -> None:
        self._rng = derive_rng(*parts)

    def chance(self, probability: float) -> bool:
        """Return True with that probability."""
        return self._rng.random() < probability

    def between(self, low: float, high: float) -> float:
        """Return a number in [low, high)."""
        return low + (high - low) * self._rng.random()

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options, drawn evenly. Raises IndexError if there are none."""
        return options[int(self._rng.random() * len(options))]

    def pick_weighted(self, weights: Mapping[T, float]) -> T:
        """Return one of the keys, with a probability in proportion to its weight."""
        point = self._rng.random() * sum(weights.values())
        chosen = next(iter(weights))
        for option, weight in weights.items():
            if weight <= 0:
                continue
            chosen = option
            point -= weight
            if point < 0:
                break
        return chosen

    def shuffle(self, options: Sequence[T]) -> list[T]:
        """Return the options in random order."""
        keys = self._rng.random(len(options))
        return [options[i] for i in keys.argsort(kind="stable")]
