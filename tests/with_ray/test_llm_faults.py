"""A language model's server that goes away, and comes back or not; and a designer's worker that is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
from conftest import AT_ONCE, LONG
from helpers.fake_llm import HANG, Fault, Plan, ThreadedLlm
from helpers.whole_runs import Rows, WholeRun, drawn, ended, until

from copilot.seed import Seed
from pipelines.run.run import Run

N_SEEDS = 64 if LONG else 8
"""Fewer than elsewhere: these scenes are longer."""
N_SILENT = 2
"""Fewer than requests and batches at a time: the others go on."""
MOST_COMMITS = N_SEEDS // AT_ONCE - N_SILENT
"""What is made of the seeds that are in no batch with a silent one."""


def silence_about(seeds: Sequence[Seed]) -> Plan:
    """The faults of a server on which requests hang that name one of these seeds."""

    def fault(_: int, body: dict[str, Any]) -> Fault | None:
        asked = "".join(message["content"] for message in body["messages"])
        return HANG if any(f"Seed: {seed.text}" in asked for seed in seeds) else None

    return fault


@pytest.fixture(scope="module")
def server():
    server = ThreadedLlm(steady=True)
    server.start()
    yield server
    server.stop()


def asking(server: ThreadedLlm) -> tuple[str, ...]:
    model = ("--designer", "llm", "--llm-url", server.url, "--llm-model", server.model)
    return (*model, "--llm-concurrency", "4", "--sfx", "noise", "--tts", "murmur")


@dataclass(frozen=True)
class Designed:
    """What comes of a run that nothing happens to."""

    rows: Rows
    rejects: dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def designed(server, orders, tmp_path_factory) -> Designed:
    run = WholeRun(tmp_path_factory.mktemp("designed"), N_SEEDS, asking(server))
    rows = run.local(in_depth=None)
    assert len(rows) > N_SEEDS // 2
    return Designed(rows, run.rejects())


@pytest.fixture
def run(server, tmp_path) -> WholeRun:
    return WholeRun(tmp_path / "disturbed", N_SEEDS, asking(server))


def test_a_server_that_comes_back_and_a_designer_that_is_killed(server, run, on_cluster, designed, moment):
    silent = moment.rng.sample(drawn(N_SEEDS), N_SILENT)
    server.faults = silence_about(silent)
    command = on_cluster()
    moment.reached(command, run, MOST_COMMITS)
    until(command, lambda: server.load.in_flight)
    os.kill(_client(server.port), signal.SIGKILL)
    server.stop()
    server.faults = ()
    server.start()
    done = ended(command)
    assert done.returncode == 0, done.stderr
    assert (run.checked(), run.rejects()) == (designed.rows, designed.rejects)


def _client(port: int) -> int:
    """The process that asks the server."""
    connections = psutil.net_connections("tcp4")
    found = (c.pid for c in connections if c.raddr and c.raddr.port == port)
    return next(pid for pid in found if pid not in {None, os.getpid()})


def test_a_server_that_stays_away_ends_the_run(server, run, on_cluster, designed):
    silent = drawn(N_SEEDS)[-N_SILENT:]
    server.faults = silence_about(silent)
    command = on_cluster("--llm-patience", "1")
    until(command, lambda: run.n_commits() and server.load.in_flight == N_SILENT)
    server.stop()
    ended_early = ended(command)
    assert ended_early.returncode == 1, ended_early.stderr
    assert "no server of the language model has answered for" in ended_early.stderr
    assert "Traceback" not in ended_early.stderr
    assert 0 < run.n_commits() < -(-N_SEEDS // AT_ONCE)
    assert {seed.id for seed in silent}.isdisjoint(Run(run.place).ledger.seed_ids())
    server.faults = ()
    server.start()
    assert (run.local(), run.rejects()) == (designed.rows, designed.rejects)
