"""The layout of a run on Ray: its pools of workers, what each worker takes, and a check that they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from copilot.errors import UserError
from copilot.units import Seconds
from pipelines.planning.resources import Resources, total
from pipelines.stages.table import PoolName


@dataclass(frozen=True, slots=True)
class Pool:
    """Workers of one kind: the fewest and the most, what each of them takes, and how it works.

    A worker has `at_once` dialogues in its stages together, and at most `max_batch` in one batch.
    """

    name: PoolName
    min_size: int
    max_size: int
    per_worker: Resources
    at_once: int
    deadline_s: Seconds
    max_batch: int

    def batch_size(self, n_seeds: int) -> int:
        """Return the dialogues of one batch in a run of `n_seeds`: few enough that every worker gets some."""
        return max(self.at_once, min(self.max_batch, n_seeds // (4 * self.max_size)))

    @property
    def min_resources(self) -> Resources:
        """The resources of the fewest workers together."""
        return self.per_worker * self.min_size


@dataclass(frozen=True, slots=True)
class Layout:
    """The pools in the order in which dialogues pass them."""

    pools: tuple[Pool, ...]
    rows_per_shard: int

    def pool(self, name: PoolName) -> Pool:
        """Return the pool of that name. Raises KeyError if the layout has none."""
        for pool in self.pools:
            if pool.name == name:
                return pool
        raise KeyError(name)

    @property
    def min_resources(self) -> Resources:
        """The resources of the fewest workers of all pools together."""
        return total(pool.min_resources for pool in self.pools)


def check_fits(layout: Layout, nodes: Sequence[Resources]) -> None:
    """Raise UserError if the nodes have no room for the fewest workers of all pools.

    The message gives what is needed, what the nodes have, and which setting to change.
    """
    cluster = total(nodes)
    if not cluster.covers(layout.min_resources):
        raise UserError(_shortage_message(layout, cluster), field="executor")
    free = list(nodes)
    # The largest first. A worker lies on one node.
    for pool in sorted(layout.pools, key=_weight, reverse=True):
        for n_placed in range(pool.min_size):
            node = find_node(free, pool.per_worker)
            if node is None:
                raise UserError(_no_node_message(pool, n_placed, nodes), field="executor")
            free[node] -= pool.per_worker


def find_node(nodes: Sequence[Resources], needed: Resources) -> int | None:
    """Return the index of the first node that has the needed resources; None if there is none."""
    return next((index for index, node in enumerate(nodes) if node.covers(needed)), None)


def _weight(pool: Pool) -> tuple[float, float, float]:
    return pool.per_worker.gpus, pool.per_worker.memory, pool.per_worker.cpus


def _shortage_message(layout: Layout, cluster: Resources) -> str:
    needed = layout.min_resources
    kind = cluster.find_shortage(needed) or "cpus"
    pools = [pool for pool in layout.pools if getattr(pool.per_worker, kind)]
    workers = "; ".join(f"{pool.name}: {pool.min_size} x {pool.per_worker}" for pool in pools)
    sizes = " or ".join(f"`ray.pools.{pool.name}.size`" for pool in pools)
    key = "memory_gb" if kind == "memory" else kind
    return (
        f"the pools need {needed} ({workers}), and the cluster has {cluster}; lower {sizes}, or the "
        f"{key} of a worker there, in the configuration file, or add nodes"
    )


def _no_node_message(pool: Pool, n_placed: int, nodes: Sequence[Resources]) -> str:
    return (
        f"no node has room for worker {n_placed + 1} of {pool.min_size} of pool {pool.name}, which needs "
        f"{pool.per_worker}; the nodes have {'; '.join(map(str, nodes))}. Lower "
        f"`ray.pools.{pool.name}.size`, or what a worker takes there, in the configuration file, or add nodes"
    )
