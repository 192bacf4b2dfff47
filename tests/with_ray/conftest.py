"""Ray clusters on this machine, and undisturbed runs that others are compared with."""

from __future__ import annotations

import multiprocessing
import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from helpers.faulty_stand_ins import FOLDER, Orders
from helpers.paths import TESTS
from helpers.ray_runs import FAULTY, LONG, N_ROUNDS, N_SEEDS, Moment, Nodes, small_pools
from helpers.stand_ins import Command
from helpers.whole_runs import Rows, WholeRun, list_open_files, wait_for_end

# Commands are forked from a server that has imported all that a driver needs.
multiprocessing.get_context("forkserver").set_forkserver_preload(
    ["helpers.stand_ins", "ray.data", "pipelines.main_job", "pipelines.execution.ray.executor"]
)


@pytest.fixture(scope="session", autouse=True)
def orders(s3: str) -> Iterator[Orders]:
    """The orders of the stand-ins in all processes that are started from here; all of them end."""
    del s3  # its server is named in the environment, which commands inherit as it is at the first of them
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
        _, left = psutil.wait_procs(_list_ray_processes(str(ray_folder)), timeout=120)
        assert not left


def _list_ray_processes(folder: str) -> list[psutil.Process]:
    """Return all processes of Ray that were started below a folder: each has its log there."""
    return [
        process
        for process in psutil.process_iter()
        if any(path.startswith(folder) for path in list_open_files(process))
    ]


@pytest.fixture(autouse=True)
def _no_orders(orders: Orders) -> None:
    orders.clear()


@pytest.fixture(scope="session")
def _nodes(orders: Orders) -> Iterator[Nodes]:
    nodes = Nodes.start()
    yield nodes
    nodes.cluster.shutdown()


@pytest.fixture
def nodes(_nodes: Nodes) -> Nodes:
    _nodes.complete()
    return _nodes


@pytest.fixture
def run(tmp_path: Path) -> WholeRun:
    return WholeRun(tmp_path / "disturbed", N_SEEDS, FAULTY)


@pytest.fixture(scope="session")
def undisturbed(orders: Orders, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The samples of a run without faults."""
    rows = WholeRun(tmp_path_factory.mktemp("undisturbed"), N_SEEDS, FAULTY).finish_locally(in_depth=None)
    assert len(rows) == N_SEEDS
    return rows


@pytest.fixture(params=range(N_ROUNDS))
def moment(request: pytest.FixtureRequest) -> Moment:
    given = os.environ.get("COPILOT_RANDOM")
    number = int(given) if given else random.SystemRandom().getrandbits(32) if LONG else request.param
    print(f"COPILOT_RANDOM={number}")  # noqa: T201 - shown if the test fails
    return Moment(random.Random(number))


@pytest.fixture
def on_cluster(nodes: Nodes, run: WholeRun) -> Iterator[Any]:
    """Start the run on the cluster; processes that a test leaves are killed."""
    commands: list[Command] = []

    def start(*options: str, **pools: dict[str, Any]) -> Command:
        address = nodes.cluster.address
        command = run.start(*run.ray_options(small_pools(**pools), "--ray-address", address, *options))
        commands.append(command)
        return command

    yield start
    for command in commands:
        if command.is_alive():
            command.process.kill()
            wait_for_end(command)
