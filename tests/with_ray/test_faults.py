"""Faults in the middle of a run on a cluster: nothing is lost or doubled, and samples are as without them."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from conftest import AT_ONCE, LATE, LONG, N_ROUNDS, N_SEEDS, laid_out
from helpers.faulty_stand_ins import sounding, spoken
from helpers.processes import ended as process_ended
from helpers.processes import needs_pidfd
from helpers.whole_runs import drawn, ended, opened, until

from pipelines.run.run import Run

TEXTS = [spoken(seed) for seed in drawn(N_SEEDS)]
SOUNDS = [sounding(seed) for seed in drawn(N_SEEDS)]


def test_the_texts_of_the_orders_are_each_of_one_seed():
    assert len({*TEXTS, *SOUNDS}) == 2 * N_SEEDS


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        ({"size": 12}, "mix: 12 x 0.18 CPUs), and the cluster has 2 CPUs"),
        ({"cpus": 1.2}, "no node has room for worker 1 of 1 of pool mix, which asks for 1.2 CPUs"),
    ],
)
def test_a_plan_without_room_is_refused_before_anything_starts(run, on_cluster, mix, message):
    refused = ended(on_cluster(mix=mix))
    assert refused.returncode == 2
    assert message in refused.stderr
    assert "pools.mix.size" in refused.stderr
    assert "in the file of --config, or add nodes" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert {path.name for path in Path(run.place).iterdir()} <= {"run.json", ".lock", ".workers.lock"}


def test_a_driver_that_is_killed_is_followed_by_another(run, orders, on_cluster, undisturbed, moment):
    with orders.given("tts", "hold", TEXTS[LATE]):
        command = on_cluster()
        moment.reached(command, run, LATE // AT_ONCE)
        os.kill(command.pid, signal.SIGKILL)
        assert ended(command).returncode == -signal.SIGKILL
    assert run.n_commits() <= LATE // AT_ONCE + 1
    done = ended(on_cluster())
    assert done.returncode == 0, done.stderr
    assert run.checked() == undisturbed


@pytest.mark.skipif(not LONG, reason="the driver of a cluster is ended in the short form; COPILOT_LONG=1")
@pytest.mark.parametrize("whom", ["driver", "all"])
def test_a_driver_that_is_killed_and_a_batch_system_that_asks_all_processes_end_its_own_ray(
    run, orders, undisturbed, whom
):
    with orders.given("tts", "hold", TEXTS[LATE]):
        command = run.begin(*run.on_ray({"cpus": 1, **laid_out()}))
        until(command, run.n_commits)
        theirs = [child for child in psutil.Process(command.pid).children(recursive=True) if _works(child)]
        if whom == "driver":
            os.kill(command.pid, signal.SIGKILL)
        else:
            for process in (psutil.Process(command.pid), *theirs):
                with suppress(psutil.NoSuchProcess):
                    process.terminate()
        assert ended(command).returncode != 0
    assert theirs
    assert psutil.wait_procs(theirs, timeout=60)[1] == []
    assert run.local() == undisturbed


def _works(process: psutil.Process) -> bool:
    """Whether it is none of Ray's agents, which look for their head for a minute before they go."""
    with suppress(psutil.NoSuchProcess):
        return not process.name().endswith("Agent")
    return False


def test_workers_that_are_killed_are_begun_anew(run, orders, on_cluster, undisturbed, moment):
    with orders.given("sfx", "hold", SOUNDS[LATE]):
        with orders.given("tts", "hold", TEXTS[LATE]):
            command = on_cluster()
            moment.reached(command, run, LATE // AT_ONCE)
            os.kill(at_work(orders, command, "tts"), signal.SIGKILL)
        moment.passes(command)
        os.kill(at_work(orders, command, "sfx"), signal.SIGKILL)
        moment.passes(command)
        until(command, lambda: mixing(run))
        os.kill(mixing(run), signal.SIGKILL)
    done = ended(command)
    assert done.returncode == 0, done.stderr
    assert run.checked() == undisturbed


def at_work(orders, command, tool: str) -> int:
    """A process that renders: one that is held, or, in long runs, any."""
    if LONG:
        until(command, lambda: orders.at_work(tool))
        return orders.at_work(tool)[-1]
    until(command, lambda: orders.befallen(tool, "hold"))
    return orders.befallen(tool, "hold")


def mixing(run) -> int | None:
    """The process that commits: it alone holds this file open."""
    lock = str((Path(run.place) / ".workers.lock").absolute())
    return next((process.pid for process in psutil.process_iter() if lock in opened(process)), None)


def test_a_node_that_is_killed_is_done_without(run, nodes, orders, on_cluster, undisturbed, moment):
    with orders.given("sfx", "hold", SOUNDS[LATE]):
        command = on_cluster()
        moment.reached(command, run, LATE // AT_ONCE)
        nodes.kill_node_of(at_work(orders, command, "sfx"))
    done = ended(command)
    assert done.returncode == 0, done.stderr
    assert run.checked() == undisturbed


@pytest.mark.parametrize("_", range(N_ROUNDS))
def test_seeds_that_kill_or_keep_their_workers_are_rejected_and_no_others(
    run, orders, on_cluster, undisturbed, _
):
    deadly, endless = drawn(N_SEEDS)[AT_ONCE + 1], drawn(N_SEEDS)[1]
    with orders.given("tts", "kill", spoken(deadly)), orders.given("sfx", "hang", sounding(endless)):
        done = ended(on_cluster(sounds={"deadline_s": 3.0}))
    assert done.returncode == 0, done.stderr
    left = {seed_id: row for seed_id, row in undisturbed.items() if seed_id not in {deadly.id, endless.id}}
    assert run.checked() == left
    assert run.rejects() == {deadly.id: ("speech", "worker-died"), endless.id: ("sounds", "worker-timeout")}


def test_a_batch_system_that_asks_to_end_is_obeyed(run, orders, on_cluster, undisturbed, moment):
    with orders.given("tts", "hold", TEXTS[LATE]):
        command = on_cluster()
        moment.reached(command, run, LATE // AT_ONCE, least=1)
        os.kill(command.pid, signal.SIGTERM)
        stopped = ended(command)
    assert stopped.returncode == 130, stopped.stderr
    n_left = N_SEEDS - len(Run(run.place).ledger.seed_ids())
    assert f"interrupted with {n_left} seeds to go; what was made is committed" in stopped.stderr
    assert not list(Path(run.place).glob("shards/.tmp-*"))
    assert run.local() == undisturbed


@needs_pidfd
def test_what_hangs_past_every_deadline_ends_the_run_by_name(run, orders, on_cluster, undisturbed):
    with orders.given("tts", "freeze", TEXTS[LATE]):
        stalled = ended(on_cluster("--stall-timeout", "20"))
        assert stalled.returncode == 1, stalled.stderr
        assert (
            "nothing has happened for 20 s (--stall-timeout): pool speech, worker speech-" in stalled.stderr
        )
        batch = ", ".join(seed.id for seed in drawn(N_SEEDS)[LATE - 1 : LATE + 1])
        assert f"has been at {batch} for" in stalled.stderr
        assert "what was committed stands. Run the same command again to go on" in stalled.stderr
        assert "Traceback" not in stalled.stderr
        assert process_ended(orders.befallen("tts", "freeze"))
    assert run.local() == undisturbed


def test_too_many_rejects_end_the_run(run, orders, on_cluster, undisturbed):
    refused = {seed.id: seed for seed in drawn(N_SEEDS)[1:4]}
    with orders.refusing([seed.text for seed in refused.values()]):
        stopped = ended(on_cluster("--max-reject-share", "0.25", "--max-reject-after", "4"))
        assert stopped.returncode == 1, stopped.stderr
        assert (
            "seeds were rejected (3 design/refused), more than --max-reject-share allows (0.25)"
            in stopped.stderr
        )
        rest = run.local()
    assert rest == {seed_id: row for seed_id, row in undisturbed.items() if seed_id not in refused}
    assert run.rejects() == dict.fromkeys(refused, ("design", "refused"))
