"""A language model server that disappears, and returns or not; and a designer's worker that is killed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
from helpers.fake_llm import HANG, Fault, Plan, ThreadedLlm
from helpers.ray_runs import AT_ONCE, LONG
from helpers.whole_runs import Rows, WholeRun, draw_seeds, wait_for_end, wait_until

from copilot.seed import Seed
from pipelines.run.run import Run

N_SEEDS = 64 if LONG else 8
"""Fewer than elsewhere: these scenes are longer."""
N_SILENT = 2
"""Fewer than requests and batches at a time: the others continue."""
MOST_COMMITS = N_SEEDS // AT_ONCE - N_SILENT
"""The commits of seeds whose batches have no silent one."""


def silence_about(seeds: Sequence[Seed]) -> Plan:
    """Return the faults of a server on which requests that name one of these seeds hang."""

    def fault(_: int, body: dict[str, Any]) -> Fault | None:
        text = "".join(message["content"] for message in body["messages"])
        return HANG if any(_names(text, seed) for seed in seeds) else None

    return fault


def _names(text: str, seed: Seed) -> bool:
    """Return whether a prompt names the seed; capitals are written small there."""
    return f"seed: {seed.text}".lower() in text.lower()


@pytest.fixture(scope="module")
def server():
    server = ThreadedLlm(steady=True)
    server.start()
    yield server
    server.stop()


def model_options(server: ThreadedLlm) -> tuple[str, ...]:
    model = ("--designer", "llm", "--llm-url", server.url, "--llm-model", server.model)
    return (*model, "--llm-concurrency", "4", "--sfx", "noise", "--tts", "murmur")


@dataclass(frozen=True)
class Designed:
    """The outcome of a run without faults."""

    rows: Rows
    rejects: dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def designed(server, orders, tmp_path_factory) -> Designed:
    run = WholeRun(tmp_path_factory.mktemp("designed"), N_SEEDS, model_options(server))
    rows = run.finish_locally(in_depth=None)
    assert len(rows) > N_SEEDS // 2
    return Designed(rows, run.rejects())


@pytest.fixture
def run(server, tmp_path) -> WholeRun:
    return WholeRun(tmp_path / "disturbed", N_SEEDS, model_options(server))


def test_a_run_survives_the_restart_of_its_server_and_the_death_of_its_designer(
    server, run, on_cluster, designed, moment
):
    silent = moment.rng.sample(draw_seeds(N_SEEDS), N_SILENT)
    server.faults = silence_about(silent)
    command = on_cluster()
    moment.await_commits(command, run, MOST_COMMITS)
    wait_until(command, lambda: server.load.in_flight)
    os.kill(_find_client(server.port), signal.SIGKILL)
    server.stop()
    server.faults = ()
    server.start()
    done = wait_for_end(command)
    assert done.returncode == 0, done.stderr
    assert (run.read_checked(), run.rejects()) == (designed.rows, designed.rejects)


def _find_client(port: int) -> int:
    """Return the process that is connected to the server."""
    connections = psutil.net_connections("tcp4")
    found = (c.pid for c in connections if c.raddr and c.raddr.port == port)
    return next(pid for pid in found if pid not in {None, os.getpid()})


def test_a_run_ends_without_its_server(server, run, on_cluster, designed):
    silent = draw_seeds(N_SEEDS)[-N_SILENT:]
    server.faults = silence_about(silent)
    command = on_cluster("--llm-patience", "1")
    wait_until(command, lambda: run.n_commits() and server.load.in_flight == N_SILENT)
    server.stop()
    ended_early = wait_for_end(command)
    assert ended_early.returncode == 1, ended_early.stderr
    assert "no server of the language model has answered for" in ended_early.stderr
    assert "Traceback" not in ended_early.stderr
    assert 0 < run.n_commits() < -(-N_SEEDS // AT_ONCE)
    assert {seed.id for seed in silent}.isdisjoint(Run(run.place).ledger.seed_ids())
    server.faults = ()
    server.start()
    assert (run.finish_locally(), run.rejects()) == (designed.rows, designed.rejects)


def test_what_is_written_when_a_run_is_stopped_is_not_written_again(server, run, on_cluster, designed):
    seeds = draw_seeds(N_SEEDS)
    # Two batches of two: one of each hangs, the other is written and waits for it.
    silent, written = (seeds[-1], seeds[-3]), (seeds[-2], seeds[-4])
    server.faults = silence_about(silent)
    command = on_cluster()
    wait_until(command, lambda: run.n_commits() and server.load.in_flight == N_SILENT)
    os.kill(command.pid, signal.SIGTERM)
    stopped = wait_for_end(command)
    assert stopped.returncode == 130, stopped.stderr
    (file,) = (run.folder / "run" / "drafts").iterdir()
    drafts = {draft["seed_id"] for draft in json.loads(file.read_text())["drafts"]}
    assert {seed.id for seed in written} <= drafts
    server.faults = ()
    server.bodies.clear()
    assert (run.finish_locally(), run.rejects()) == (designed.rows, designed.rejects)
    asked = "".join(body["messages"][-1]["content"] for body in server.bodies)
    assert [_names(asked, seed) for seed in (*silent, *written)] == [True, True, False, False]
