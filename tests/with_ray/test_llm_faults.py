"""A language model's server that goes away, and comes back or not; and a designer's worker that is killed."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
from conftest import AT_ONCE, LONG
from fake_llm import HANG, ThreadedLlm
from whole_runs import Rows, WholeRun, ended, until

from copilot.content import content_hash

N_SEEDS = 64 if LONG else 8
"""Fewer than elsewhere: these scenes are longer."""


class SteadyLlm(ThreadedLlm):
    """A server that gives the same answer to the same question, whenever it is asked."""

    def _drawn(self, number: int, body: dict[str, Any]) -> Any:
        return super()._drawn(content_hash(body), body)

    def silent_after(self, n_answers: int) -> None:
        """Let requests hang once so many were answered."""
        first = self.requests
        self.faults = lambda number, _: HANG if number >= first + n_answers else None

    def speak(self) -> None:
        self.faults = ()


@pytest.fixture(scope="module")
def server():
    server = SteadyLlm()
    server.start()
    yield server
    server.stop()


def asking(server: SteadyLlm) -> tuple[str, ...]:
    model = ("--designer", "llm", "--llm-url", server.url, "--llm-model", server.model)
    return (*model, "--llm-concurrency", "4", "--sfx", "noise", "--tts", "murmur")


@dataclass(frozen=True)
class Designed:
    """What comes of a run that nothing happens to, and how many requests that takes."""

    rows: Rows
    rejects: dict[str, tuple[str, str]]
    n_requests: int


@pytest.fixture(scope="module")
def designed(server, orders, tmp_path_factory) -> Designed:
    run = WholeRun(tmp_path_factory.mktemp("designed"), N_SEEDS, asking(server))
    rows = run.local(in_depth=None)
    assert len(rows) > N_SEEDS // 2
    return Designed(rows, run.rejects(), server.requests)


@pytest.fixture
def run(server, tmp_path) -> WholeRun:
    return WholeRun(tmp_path / "disturbed", N_SEEDS, asking(server))


def test_a_server_that_comes_back_and_a_designer_that_is_killed(server, run, on_cluster, designed, moment):
    server.silent_after(moment.rng.randrange(designed.n_requests // 2, designed.n_requests * 3 // 4))
    command = on_cluster()
    until(command, lambda: server.load.in_flight and run.n_commits())
    os.kill(_client(server.port), signal.SIGKILL)
    server.stop()
    server.speak()
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
    server.silent_after(designed.n_requests // 2)
    command = on_cluster("--llm-patience", "1")
    until(command, lambda: server.load.in_flight and run.n_commits())
    server.stop()
    ended_early = ended(command)
    assert ended_early.returncode == 1, ended_early.stderr
    assert "no server of the language model has answered for" in ended_early.stderr
    assert "Traceback" not in ended_early.stderr
    assert 0 < run.n_commits() < -(-N_SEEDS // AT_ONCE)
    server.speak()
    server.start()
    assert (run.local(), run.rejects()) == (designed.rows, designed.rejects)
