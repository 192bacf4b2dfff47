"""Ray over several hosts, with a store between them and a network that fails: no seed is lost or doubled."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from helpers.hosts import STORE_IP, Host, RayHosts, needs_hosts, network
from helpers.processes import wait_while
from helpers.ray_runs import AT_ONCE, LONG, small_pools
from helpers.whole_runs import Rows, WholeRun
from moto.server import ThreadedMotoServer

from pipelines.run.lock import RENEW_S
from pipelines.run.run import Run

pytestmark = [
    needs_hosts,
    pytest.mark.skipif(not LONG, reason="hosts with a network are in the long form; COPILOT_LONG=1"),
]

N_SEEDS = 64
_TIMEOUT_S = 600
_CUT_OFF_S = 12
"""Less than Ray waits before it gives a node up."""
_RETRY_EVERY_S = 10


@pytest.fixture(scope="module")
def usual(orders, tmp_path_factory) -> Rows:
    return WholeRun(tmp_path_factory.mktemp("usual"), N_SEEDS).finish_locally(in_depth=None)


@pytest.fixture
def hosts(s3, tmp_path) -> Iterator[list[Host]]:
    """Four hosts, and a server of the store that they reach: its content is that of `s3`."""
    with network(), ExitStack() as stack:
        server = ThreadedMotoServer(ip_address=STORE_IP, port=0, verbose=False)
        server.start()
        stack.callback(server.stop)
        url = f"http://{STORE_IP}:{server.get_host_and_port()[1]}"
        environment = {"AWS_ENDPOINT_URL": url, "RAY_AUTH_MODE": "disabled"}
        made = [Host(name, 10 + k, environment, tmp_path) for k, name in enumerate("abcd")]
        for host in made:
            stack.callback(host.remove)
        yield made


@pytest.fixture
def run(s3, tmp_path) -> WholeRun:
    return WholeRun(tmp_path / "run", N_SEEDS, uri=f"{s3}/{tmp_path.name}")


def start(run: WholeRun, cluster: RayHosts) -> subprocess.Popen[bytes]:
    options = run.ray_options(small_pools(), "--ray-address", cluster.address)
    return cluster.head.start("copilot", "generate", *run.request_options(), *options)


def await_the_middle(run: WholeRun, cluster: RayHosts, command: subprocess.Popen[bytes]) -> None:
    in_the_middle = wait_while(lambda: command.poll() is None, lambda: run.n_commits() >= 5)
    assert in_the_middle, cluster.head.read_log()


@pytest.mark.parametrize("fault", ["killed", "cut off", "cut off for a while"])
def test_a_run_survives_the_loss_of_a_host(run, usual, hosts, fault):
    cluster = RayHosts(*hosts)
    command = start(run, cluster)
    await_the_middle(run, cluster, command)
    victim = cluster.others[0]
    if fault == "killed":
        victim.kill()
    else:
        victim.plug_cable(plugged=False)
        if fault == "cut off for a while":
            time.sleep(_CUT_OFF_S)
            victim.plug_cable(plugged=True)
    assert command.wait(_TIMEOUT_S) == 0, cluster.head.read_log()
    assert run.read_checked() == usual


@pytest.mark.parametrize("fault", ["killed", "cut off"])
def test_another_cluster_resumes_after_the_loss_of_the_head(run, usual, hosts, fault):
    lost = RayHosts(*hosts[:2])
    first = start(run, lost)
    await_the_middle(run, lost, first)
    if fault == "killed":
        lost.head.kill()
    else:
        lost.head.plug_cable(plugged=False)
    n_commits = run.n_commits()
    cluster = RayHosts(*hosts[2:])
    refused = start(run, cluster)
    assert refused.wait(_TIMEOUT_S) == 2
    assert "in use by process" in cluster.head.read_log()
    end_s = time.monotonic() + _TIMEOUT_S
    while start(run, cluster).wait(_TIMEOUT_S):
        assert time.monotonic() < end_s, cluster.head.read_log()
        time.sleep(_RETRY_EVERY_S)
    assert run.read_checked() == usual
    assert 0 < n_commits < N_SEEDS // AT_ONCE <= len(Run(run.place).ledger.names())
    if fault == "cut off":
        # The first driver finds that it has lost the lock of the run.
        lost.head.plug_cable(plugged=True)
        time.sleep(3 * RENEW_S)
        assert run.read_checked() == usual
