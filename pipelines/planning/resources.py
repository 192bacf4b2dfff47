"""Resources of a cluster: processors, GPUs and memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Literal

_TOLERANCE = 1e-6
"""Ray counts in ten-thousandths: sums of fractions may be this far off."""

ResourceKind = Literal["cpus", "gpus", "memory"]


@dataclass(frozen=True, slots=True)
class Resources:
    """Processors, GPUs, and bytes of memory."""

    cpus: float = 0.0
    gpus: float = 0.0
    memory: float = 0.0

    def __add__(self, other: Resources) -> Resources:
        return Resources(self.cpus + other.cpus, self.gpus + other.gpus, self.memory + other.memory)

    def __sub__(self, other: Resources) -> Resources:
        return self + other * -1

    def __mul__(self, n: float) -> Resources:
        return Resources(self.cpus * n, self.gpus * n, self.memory * n)

    def covers(self, other: Resources) -> bool:
        """Return whether there is as much of everything as `other` needs."""
        return self.find_shortage(other) is None

    def find_shortage(self, other: Resources) -> ResourceKind | None:
        """Return the first kind of which `other` needs more, GPUs first; None if there is enough."""
        left = self - other
        amounts: dict[ResourceKind, float] = {"gpus": left.gpus, "cpus": left.cpus, "memory": left.memory}
        return next((kind for kind, amount in amounts.items() if amount <= -_TOLERANCE), None)

    def __str__(self) -> str:
        parts = [f"{self.cpus:.4g} CPUs"]
        parts += [f"{self.gpus:.4g} GPUs"] * bool(self.gpus)
        parts += [f"{self.memory / 2**30:.4g} GB of memory"] * bool(self.memory)
        return ", ".join(parts)


def total(resources: Iterable[Resources]) -> Resources:
    """Return the sum."""
    return reduce(add, resources, Resources())


@dataclass(frozen=True, slots=True)
class ServerGroup:
    """Language model servers that a run starts: how many at least, and what each takes of one node."""

    n: int
    per_server: Resources

    @property
    def resources(self) -> Resources:
        """The resources of all of them together."""
        return self.per_server * self.n
