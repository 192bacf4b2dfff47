"""What a cluster has and a plan asks for, and whether the one holds the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from copilot.errors import UserError

if TYPE_CHECKING:
    from pipelines.planning.layout import Layout, Pool

_SLACK = 1e-6


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

    def holds(self, other: Resources) -> bool:
        """Whether there is as much of everything as the other asks for."""
        left = self - other
        return min(left.cpus, left.gpus, left.memory) > -_SLACK

    def __str__(self) -> str:
        said = [f"{self.cpus:.4g} CPUs"]
        said += [f"{self.gpus:.4g} GPUs"] * bool(self.gpus)
        said += [f"{self.memory / 2**30:.4g} GB of memory"] * bool(self.memory)
        return ", ".join(said)


def total(nodes: Iterable[Resources]) -> Resources:
    """All of them together."""
    return reduce(add, nodes, Resources())


def check_fits(plan: Layout, nodes: Sequence[Resources]) -> None:
    """Hold what the plan asks for against what the nodes have.

    Raises UserError where its fewest workers cannot all be placed, which says what is asked, what is there,
    and which setting to change.
    """
    there = total(nodes)
    asked = total(pool.least for pool in plan.pools)
    if not there.holds(asked):
        raise UserError(_too_much(plan, asked, there))
    left = list(nodes)
    # The largest first: a worker lies on one node.
    for pool in sorted(plan.pools, key=_weight, reverse=True):
        for n_placed in range(pool.min_size):
            place = next((k for k, node in enumerate(left) if node.holds(pool.each)), None)
            if place is None:
                raise UserError(_no_place(pool, n_placed, nodes))
            left[place] -= pool.each


def _weight(pool: Pool) -> tuple[float, float, float]:
    return pool.each.gpus, pool.each.memory, pool.each.cpus


def _too_much(plan: Layout, asked: Resources, there: Resources) -> str:
    lacking = [
        kind for kind in ("gpus", "cpus", "memory") if getattr(there, kind) < getattr(asked, kind) - _SLACK
    ]
    pools = [pool for pool in plan.pools if getattr(pool.each, lacking[0])]
    each = "; ".join(f"{pool.name}: {pool.min_size} x {pool.each}" for pool in pools)
    settings = " or ".join(f"pools.{pool.name}.size" for pool in pools)
    field = "memory_gb" if lacking[0] == "memory" else lacking[0]
    return (
        f"--executor ray: the plan asks for {asked} ({each}), and the cluster has {there}; "
        f"lower {settings}, or {field} of a worker there, in the file of --config, or add nodes"
    )


def _no_place(pool: Pool, n_placed: int, nodes: Sequence[Resources]) -> str:
    there = "; ".join(f"{node}" for node in nodes)
    return (
        f"--executor ray: no node has room for worker {n_placed + 1} of {pool.min_size} of pool {pool.name}, "
        f"which asks for {pool.each}; the nodes have {there}. Lower pools.{pool.name}.size, or what a worker "
        "asks for there, in the file of --config, or add nodes"
    )
