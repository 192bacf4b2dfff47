"""Ray over several hosts, a store between them, and a network that fails: nothing is lost or doubled."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from conftest import AT_ONCE, LONG, laid_out
from helpers.hosts import STORE_IP, Host, RayHosts, needs_hosts, network
from helpers.processes import comes_while
from helpers.whole_runs import Rows, WholeRun
from moto.server import ThreadedMotoServer

from pipelines.run.lock import RENEW_S
from pipelines.run.run import Run

pytestmark = [
    needs_hosts,
    pytest.mark.skipif(not LONG, reason="hosts with a network are in the long form; COPILOT_LONG=1"),
]

N_SEEDS = 64
_TAKES_AT_MOST_S = 600
_A_WHILE_S = 12
"""Less than Ray waits until it gives a node up."""
_AGAIN_S = 10


@pytest.fixture(scope="module")
def usual(orders, tmp_path_factory) -> Rows:
    return WholeRun(tmp_path_factory.mktemp("usual"), N_SEEDS).local(in_depth=None)


@pytest.fixture
def hosts(s3, tmp_path) -> Iterator[list[Host]]:
    """Four of them, and a server of the store that they reach: its content is that of `s3`."""
    with network(), ExitStack() as until_all_are_gone:
        server = ThreadedMotoServer(ip_address=STORE_IP, port=0, verbose=False)
        server.start()
        until_all_are_gone.callback(server.stop)
        url = f"http://{STORE_IP}:{server.get_host_and_port()[1]}"
        environment = {"AWS_ENDPOINT_URL": url, "RAY_AUTH_MODE": "disabled"}
        made = [Host(name, 10 + k, environment, tmp_path) for k, name in enumerate("abcd")]
        for host in made:
            until_all_are_gone.callback(host.remove)
        yield made


@pytest.fixture
def run(s3, tmp_path) -> WholeRun:
    return WholeRun(tmp_path / "run", N_SEEDS, uri=f"{s3}/{tmp_path.name}")


def begin(run: WholeRun, cluster: RayHosts) -> subprocess.Popen[bytes]:
    options = run.on_ray(laid_out(), "--ray-address", cluster.address)
    return cluster.head.begin("copilot", "generate", *run.asked(), *options)


def until_in_the_middle(run: WholeRun, cluster: RayHosts, command: subprocess.Popen[bytes]) -> None:
    in_the_middle = comes_while(lambda: command.poll() is None, lambda: run.n_commits() >= 5)
    assert in_the_middle, cluster.head.said()


@pytest.mark.parametrize("fault", ["killed", "cut off", "cut off for a while"])
def test_a_host_is_done_without(run, usual, hosts, fault):
    cluster = RayHosts(*hosts)
    command = begin(run, cluster)
    until_in_the_middle(run, cluster, command)
    befallen = cluster.others[0]
    if fault == "killed":
        befallen.kill()
    else:
        befallen.cable(plugged=False)
        if fault == "cut off for a while":
            time.sleep(_A_WHILE_S)
            befallen.cable(plugged=True)
    assert command.wait(_TAKES_AT_MOST_S) == 0, cluster.head.said()
    assert run.checked() == usual


@pytest.mark.parametrize("fault", ["killed", "cut off"])
def test_where_the_head_is_lost_another_cluster_goes_on(run, usual, hosts, fault):
    lost = RayHosts(*hosts[:2])
    first = begin(run, lost)
    until_in_the_middle(run, lost, first)
    if fault == "killed":
        lost.head.kill()
    else:
        lost.head.cable(plugged=False)
    n_commits = run.n_commits()
    cluster = RayHosts(*hosts[2:])
    refused = begin(run, cluster)
    assert refused.wait(_TAKES_AT_MOST_S) == 2
    assert "in use by process" in cluster.head.said()
    end_s = time.monotonic() + _TAKES_AT_MOST_S
    while begin(run, cluster).wait(_TAKES_AT_MOST_S):
        assert time.monotonic() < end_s, cluster.head.said()
        time.sleep(_AGAIN_S)
    assert run.checked() == usual
    assert 0 < n_commits < N_SEEDS // AT_ONCE <= len(Run(run.place).ledger.names())
    if fault == "cut off":
        # It finds that the run is no longer its own.
        lost.head.cable(plugged=True)
        time.sleep(3 * RENEW_S)
        assert run.checked() == usual
