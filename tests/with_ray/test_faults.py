"""Faults in the middle of a run on a cluster: no seed is lost or doubled, and the samples stay the same."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from helpers.faulty_stand_ins import write_caption, write_line
from helpers.processes import needs_pidfd, wait_for_exit
from helpers.ray_runs import AT_ONCE, LATE, LONG, N_ROUNDS, N_SEEDS, small_pools
from helpers.whole_runs import draw_seeds, list_open_files, wait_for_end, wait_until

from pipelines.run.run import Run

TEXTS = [write_line(seed) for seed in draw_seeds(N_SEEDS)]
SOUNDS = [write_caption(seed) for seed in draw_seeds(N_SEEDS)]


def test_each_text_of_the_orders_belongs_to_one_seed():
    assert len({*TEXTS, *SOUNDS}) == 2 * N_SEEDS


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        ({"size": 12}, "mix: 12 x 0.18 CPUs), and the cluster has 2 CPUs"),
        ({"cpus": 1.2}, "worker 1 of 1 of pool mix, which needs 1.2 CPUs"),
    ],
)
def test_pools_without_room_are_refused_before_anything_starts(run, on_cluster, mix, message):
    refused = wait_for_end(on_cluster(mix=mix))
    assert refused.returncode == 2
    assert message in refused.stderr
    assert "`ray.pools.mix.size`" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert {path.name for path in Path(run.place).iterdir()} <= {"run.json", ".lock", ".workers.lock"}


def test_a_run_resumes_after_its_driver_was_killed(run, orders, on_cluster, undisturbed, moment):
    with orders.give("tts", "hold", TEXTS[LATE]):
        command = on_cluster()
        moment.await_commits(command, run, LATE // AT_ONCE)
        os.kill(command.pid, signal.SIGKILL)
        assert wait_for_end(command).returncode == -signal.SIGKILL
    assert run.n_commits() <= LATE // AT_ONCE + 1
    done = wait_for_end(on_cluster())
    assert done.returncode == 0, done.stderr
    assert run.read_checked() == undisturbed


@pytest.mark.skipif(not LONG, reason="the short form kills the driver of a cluster; COPILOT_LONG=1")
@pytest.mark.parametrize("whom", ["driver", "all"])
def test_rays_own_processes_end_with_the_driver_or_with_a_batch_system(run, orders, undisturbed, whom):
    with orders.give("tts", "hold", TEXTS[LATE]):
        command = run.start(*run.ray_options({"cpus": 1, **small_pools()}))
        wait_until(command, run.n_commits)
        theirs = [
            child for child in psutil.Process(command.pid).children(recursive=True) if _is_no_agent(child)
        ]
        if whom == "driver":
            os.kill(command.pid, signal.SIGKILL)
        else:
            for process in (psutil.Process(command.pid), *theirs):
                with suppress(psutil.NoSuchProcess):
                    process.terminate()
        assert wait_for_end(command).returncode != 0
    assert theirs
    assert psutil.wait_procs(theirs, timeout=60)[1] == []
    assert run.finish_locally() == undisturbed


def _is_no_agent(process: psutil.Process) -> bool:
    """Return whether it is not an agent of Ray: those look for their head for a minute before they end."""
    with suppress(psutil.NoSuchProcess):
        return not process.name().endswith("Agent")
    return False


def test_workers_that_are_killed_are_replaced(run, orders, on_cluster, undisturbed, moment):
    with orders.give("sfx", "hold", SOUNDS[LATE]):
        with orders.give("tts", "hold", TEXTS[LATE]):
            command = on_cluster()
            moment.await_commits(command, run, LATE // AT_ONCE)
            os.kill(await_renderer(orders, command, "tts"), signal.SIGKILL)
        moment.linger(command)
        os.kill(await_renderer(orders, command, "sfx"), signal.SIGKILL)
        moment.linger(command)
        wait_until(command, lambda: find_mixer(run))
        os.kill(find_mixer(run), signal.SIGKILL)
    done = wait_for_end(command)
    assert done.returncode == 0, done.stderr
    assert run.read_checked() == undisturbed


def await_renderer(orders, command, tool: str) -> int:
    """Wait for a process that renders: one that is held, or, in long runs, any."""
    if LONG:
        wait_until(command, lambda: orders.list_renderers(tool))
        return orders.list_renderers(tool)[-1]
    wait_until(command, lambda: orders.find_victim(tool, "hold"))
    return orders.find_victim(tool, "hold")


def find_mixer(run) -> int | None:
    """Return the process that commits: it alone has this file open."""
    lock = str((Path(run.place) / ".workers.lock").absolute())
    return next((process.pid for process in psutil.process_iter() if lock in list_open_files(process)), None)


def test_a_run_survives_the_death_of_a_node(run, nodes, orders, on_cluster, undisturbed, moment):
    with orders.give("sfx", "hold", SOUNDS[LATE]):
        command = on_cluster()
        moment.await_commits(command, run, LATE // AT_ONCE)
        nodes.kill_node_of(await_renderer(orders, command, "sfx"))
    done = wait_for_end(command)
    assert done.returncode == 0, done.stderr
    assert run.read_checked() == undisturbed


@pytest.mark.parametrize("_", range(N_ROUNDS))
def test_only_seeds_that_kill_or_block_their_workers_are_rejected(run, orders, on_cluster, undisturbed, _):
    deadly, endless = draw_seeds(N_SEEDS)[AT_ONCE + 1], draw_seeds(N_SEEDS)[1]
    with orders.give("tts", "kill", write_line(deadly)), orders.give("sfx", "hang", write_caption(endless)):
        done = wait_for_end(on_cluster(sounds={"deadline_s": 3.0}))
    assert done.returncode == 0, done.stderr
    left = {seed_id: row for seed_id, row in undisturbed.items() if seed_id not in {deadly.id, endless.id}}
    assert run.read_checked() == left
    assert run.rejects() == {deadly.id: ("speech", "worker-died"), endless.id: ("sounds", "worker-timeout")}


def test_a_run_ends_when_a_batch_system_asks_for_it(run, orders, on_cluster, undisturbed, moment):
    with orders.give("tts", "hold", TEXTS[LATE]):
        command = on_cluster()
        moment.await_commits(command, run, LATE // AT_ONCE, least=1)
        os.kill(command.pid, signal.SIGTERM)
        stopped = wait_for_end(command)
    assert stopped.returncode == 130, stopped.stderr
    n_left = N_SEEDS - len(Run(run.place).ledger.seed_ids())
    assert f"{n_left} seeds are left" in stopped.stderr
    assert not list(Path(run.place).glob("shards/.tmp-*"))
    assert run.finish_locally() == undisturbed


@needs_pidfd
def test_work_that_hangs_past_every_deadline_ends_the_run_and_is_named(run, orders, on_cluster, undisturbed):
    with orders.give("tts", "freeze", TEXTS[LATE]):
        stalled = wait_for_end(on_cluster("--stall-timeout", "20"))
        assert stalled.returncode == 1, stalled.stderr
        assert "20 s (--stall-timeout): pool speech, worker speech-" in stalled.stderr
        batch = ", ".join(seed.id for seed in draw_seeds(N_SEEDS)[LATE - 1 : LATE + 1])
        assert f"has been at {batch} for" in stalled.stderr
        assert "run the same command again to resume" in stalled.stderr
        assert "Traceback" not in stalled.stderr
        assert wait_for_exit(orders.find_victim("tts", "freeze"))
    assert run.finish_locally() == undisturbed


def test_too_many_rejects_end_the_run(run, orders, on_cluster, undisturbed):
    refused = {seed.id: seed for seed in draw_seeds(N_SEEDS)[1:4]}
    with orders.refuse([seed.text for seed in refused.values()]):
        stopped = wait_for_end(on_cluster("--max-reject-share", "0.25", "--max-reject-after", "4"))
        assert stopped.returncode == 1, stopped.stderr
        assert "seeds were rejected (3 design/refused)" in stopped.stderr
        assert "--max-reject-share" in stopped.stderr
        rest = run.finish_locally()
    assert rest == {seed_id: row for seed_id, row in undisturbed.items() if seed_id not in refused}
    assert run.rejects() == dict.fromkeys(refused, ("design", "refused"))
