"""Runs on a Ray cluster of several nodes on this machine, and moments at which faults happen in them.

COPILOT_LONG=1 has each fault that may hit a run happen 20 times, at random moments of longer runs, and adds
tests that take longer. COPILOT_RANDOM=NUMBER repeats one moment.
"""

from __future__ import annotations

import os
import random
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil
from ray.cluster_utils import Cluster

from helpers.stand_ins import Command
from helpers.whole_runs import WholeRun, wait_until

LONG = bool(os.environ.get("COPILOT_LONG"))
N_ROUNDS = 20 if LONG else 1
N_SEEDS = 64 if LONG else 12
AT_ONCE = 2
LATE = N_SEEDS - AT_ONCE - 1
"""The index of a seed that is in progress when others are committed."""
FAULTY = ("--designer", "stand-in-reader", "--sfx", "faulty-noise", "--tts", "faulty-murmur")

# A node that is killed is missed within a second or two; a slow one is not.
_HEALTH_CHECKS = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 300,
    "health_check_timeout_ms": 20_000,
    "health_check_failure_threshold": 3,
}
_BARE = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}


@dataclass(frozen=True)
class Nodes:
    """A head without processors, as larger clusters have it, and some nodes beside it."""

    cluster: Cluster

    @classmethod
    def start(cls) -> Nodes:
        head = {"num_cpus": 0, "_system_config": _HEALTH_CHECKS, **_BARE}
        return cls(Cluster(initialize_head=True, head_node_args=head))

    def complete(self, n: int = 2) -> None:
        """Start nodes in place of those that were killed."""
        while len(self.cluster.worker_nodes) < n:
            self.cluster.add_node(num_cpus=1)
        self.cluster.wait_for_nodes(120)

    def kill_node_of(self, pid: int) -> None:
        """Kill the node with this worker, and all its processes, at once."""
        raylet = psutil.Process(pid).parent()
        assert raylet is not None
        processes = raylet.children(recursive=True)
        node = next(
            n for n in self.cluster.worker_nodes if n.all_processes["raylet"][0].process.pid == raylet.pid
        )
        self.cluster.remove_node(node, allow_graceful=False)
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def small_pools(**pools: dict[str, Any]) -> dict[str, Any]:
    """Return settings for small pools that all fit one node; `pools` adds to them by name."""
    sizes = {"design": 1, "speech": 1, "sounds": 2 if LONG else 1, "mix": 1}
    settings = {
        name: {"size": n, "cpus": 0.18, "at_once": AT_ONCE, **pools.get(name, {})}
        for name, n in sizes.items()
    }
    return {"rows_per_shard": AT_ONCE, "pools": settings}


class Moment:
    """The moment of a fault: after the first commit, or, in long runs, at any time."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def await_commits(self, command: Command, run: WholeRun, most: int, *, least: int = 0) -> None:
        """Wait for it: it comes when between `least` and `most` commits are made."""
        n_commits = self.rng.randrange(least, most) if LONG else 1
        wait_until(command, lambda: run.n_commits() >= n_commits)
        self.linger(command)

    def linger(self, command: Command) -> None:
        """Wait a little more in long runs."""
        if LONG:
            command.process.join(self.rng.random())
