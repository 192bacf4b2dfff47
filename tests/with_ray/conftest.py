"""A cluster of several nodes on this machine, and faults at a given moment.

COPILOT_LONG=1 has each fault that may hit a run happen 20 times, at random moments of longer runs, and adds
what the short form has no time for; COPILOT_RANDOM repeats one.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from helpers.faulty_stand_ins import FOLDER, Orders
from helpers.paths import TESTS
from helpers.stand_ins import Command
from helpers.whole_runs import Rows, WholeRun, ended, opened, until
from ray.cluster_utils import Cluster

LONG = bool(os.environ.get("COPILOT_LONG"))
N_ROUNDS = 20 if LONG else 1
N_SEEDS = 64 if LONG else 12
AT_ONCE = 2
LATE = N_SEEDS - AT_ONCE - 1
"""A seed that is on its way when others are committed."""
FAULTY = ("--designer", "stand-in-reader", "--sfx", "faulty-noise", "--tts", "faulty-murmur")

# A node that is killed is missed within a second or two; a slow one is not.
_WATCHED_CLOSELY = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 300,
    "health_check_timeout_ms": 20_000,
    "health_check_failure_threshold": 3,
}
_BARE = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}

# Commands are forked from a server that has imported all that a driver needs.
multiprocessing.get_context("forkserver").set_forkserver_preload(
    ["helpers.stand_ins", "ray.data", "pipelines.generate", "pipelines.execution.ray.executor"]
)


@pytest.fixture(scope="session", autouse=True)
def orders(s3: str) -> Iterator[Orders]:
    """The orders of the stand-ins in all processes that are begun from here, none of which stays."""
    del s3  # its server is told by the environment, which commands have as it is when the first is begun
    # Not pytest's folder: the names of sockets have to be short.
    with tempfile.TemporaryDirectory(prefix="r-") as name, pytest.MonkeyPatch.context() as patched:
        folder, ray_folder = Path(name, "orders"), Path(name, "ray")
        folder.mkdir()
        here = str(TESTS)
        patched.setenv("PYTHONPATH", os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")])))
        patched.setenv(FOLDER, str(folder))
        patched.setenv("RAY_TMPDIR", str(ray_folder))
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
        yield Orders(folder)
        _, left = psutil.wait_procs(_rays(str(ray_folder)), timeout=120)
        assert not left


def _rays(folder: str) -> list[psutil.Process]:
    """All processes of the Rays that were started below a folder: each has its log there."""
    processes = psutil.process_iter()
    return [process for process in processes if any(path.startswith(folder) for path in opened(process))]


@pytest.fixture(autouse=True)
def _nothing_ordered(orders: Orders) -> None:
    orders.forget()


@dataclass(frozen=True)
class Nodes:
    """A head without processors, as larger clusters have it, and some nodes beside it."""

    cluster: Cluster

    def complete(self, n: int = 2) -> None:
        """Begin nodes in place of those that were killed."""
        while len(self.cluster.worker_nodes) < n:
            self.cluster.add_node(num_cpus=1)
        self.cluster.wait_for_nodes(120)

    def kill_node_of(self, pid: int) -> None:
        """Kill the node with this worker, and all that is on it, at once."""
        raylet = psutil.Process(pid).parent()
        assert raylet is not None
        on_it = raylet.children(recursive=True)
        node = next(
            n for n in self.cluster.worker_nodes if n.all_processes["raylet"][0].process.pid == raylet.pid
        )
        self.cluster.remove_node(node, allow_graceful=False)
        for process in on_it:
            with suppress(psutil.NoSuchProcess):
                process.kill()


@pytest.fixture(scope="session")
def _nodes(orders: Orders) -> Iterator[Nodes]:
    head = {"num_cpus": 0, "_system_config": _WATCHED_CLOSELY, **_BARE}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    yield Nodes(cluster)
    cluster.shutdown()


@pytest.fixture
def nodes(_nodes: Nodes) -> Nodes:
    _nodes.complete()
    return _nodes


def laid_out(**pools: dict[str, Any]) -> dict[str, Any]:
    """Settings for small pools that all find room on one node."""
    sizes = {"design": 1, "speech": 1, "sounds": 2 if LONG else 1, "mix": 1}
    each = {
        name: {"size": n, "cpus": 0.18, "at_once": AT_ONCE, **pools.get(name, {})}
        for name, n in sizes.items()
    }
    return {"rows_per_shard": AT_ONCE, "pools": each}


@pytest.fixture
def run(tmp_path: Path) -> WholeRun:
    return WholeRun(tmp_path / "disturbed", N_SEEDS, FAULTY)


@pytest.fixture(scope="session")
def undisturbed(orders: Orders, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The samples of a run that nothing happens to."""
    rows = WholeRun(tmp_path_factory.mktemp("undisturbed"), N_SEEDS, FAULTY).local(in_depth=None)
    assert len(rows) == N_SEEDS
    return rows


@pytest.fixture(params=range(N_ROUNDS))
def moment(request: pytest.FixtureRequest) -> Moment:
    given = os.environ.get("COPILOT_RANDOM")
    number = int(given) if given else random.SystemRandom().getrandbits(32) if LONG else request.param
    print(f"COPILOT_RANDOM={number}")  # noqa: T201 - shown where the test fails
    return Moment(random.Random(number))


class Moment:
    """When a fault happens: after the first commit, or, in long runs, at any moment."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def reached(self, command: Command, run: WholeRun, most: int, *, least: int = 0) -> None:
        """Wait for it: until so many commits at most, or at least, are made."""
        n_commits = self.rng.randrange(least, most) if LONG else 1
        until(command, lambda: run.n_commits() >= n_commits)
        self.passes(command)

    def passes(self, command: Command) -> None:
        """In long runs, wait a moment more."""
        if LONG:
            command.process.join(self.rng.random())


@pytest.fixture
def on_cluster(nodes: Nodes, run: WholeRun) -> Iterator[Any]:
    """Begin the run on the cluster; what a test leaves of it is ended."""
    begun: list[Command] = []

    def begin(*options: str, **pools: dict[str, Any]) -> Command:
        address = nodes.cluster.address
        command = run.begin(*run.on_ray(laid_out(**pools), "--ray-address", address, *options))
        begun.append(command)
        return command

    yield begin
    for command in begun:
        if command.is_alive():
            command.process.kill()
            ended(command)
