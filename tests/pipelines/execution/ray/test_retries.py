"""Batches that are tried a bounded number of times."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from copilot.errors import BackendBrokenError, CopilotError
from copilot.seed import Seed
from pipelines.execution.ray.monitor import RunMonitor, Work
from pipelines.execution.ray.retries import (
    MAX_COMMIT_DEATHS,
    MAX_DEATHS,
    MAX_DEATHS_CONCURRENT,
    MAX_RECOMPUTES,
    MAX_SETUP_DEATHS,
    Attempt,
    RetryGuard,
)
from pipelines.planning.ray_settings import RaySettings
from pipelines.planning.resources import Resources
from pipelines.planning.sizing import Workload, create_layout
from pipelines.stages.record import Record

POOL = create_layout(Workload(), RaySettings(), [Resources(4)], None).pool("sounds")


def records(n: int = 3) -> list[Record]:
    return [Record(Seed(f"seed/{k}", "a dog barks"), f"id-{k}") for k in range(n)]


class DirectMonitor:
    """Calls a `RunMonitor` of this process."""

    def __init__(self) -> None:
        self.monitor = RunMonitor()

    def call(self, method, /, *args, **kwargs):
        return method(self.monitor, *args, **kwargs)


class DeadError(Exception):
    """Stands for the end of a process."""


def die() -> None:
    raise DeadError


def attempt_of(batch: list[Record]) -> Attempt:
    return Attempt([record.id for record in batch], [record.seed.id for record in batch])


class Cluster:
    """Gives a batch to one worker after the other, as Ray does; counts those that died."""

    def __init__(
        self, monitor: DirectMonitor | None = None, *, concurrent: bool = False, **pool: float
    ) -> None:
        self.monitor = monitor or DirectMonitor()
        self.concurrent = concurrent
        self.pool = replace(POOL, **pool)
        self.n_dead = 0

    def run(self, batch: list[Record], stages, *, setup=lambda: None, commit=lambda: None) -> bool:
        for _ in range(200):
            worker = RetryGuard(
                self.monitor, self.pool, f"sounds-{self.n_dead}", concurrent=self.concurrent, die=die
            )
            attempt = attempt_of(batch)
            try:
                assert worker.set_up(attempt, setup)
                done = worker.run(attempt, batch, stages)
                worker.commit(attempt, commit)
            except DeadError:
                self.n_dead += 1
                continue
            worker.end(attempt)
            return done
        raise AssertionError("tried for ever")


class Stages:
    """Stages that kill their worker at some seeds."""

    def __init__(self, *poisonous: str, error: type[BaseException] = DeadError) -> None:
        self.poisonous = poisonous
        self.error = error
        self.seen: list[str] = []

    def __call__(self, some: list[Record]) -> None:
        for record in some:
            self.seen.append(record.seed.id)
            if record.seed.id in self.poisonous and record.reject is None:
                raise self.error("boom")


def reasons(batch: list[Record]) -> dict[str, str]:
    return {r.seed.id: f"{r.reject.stage}/{r.reject.reason}" for r in batch if r.reject is not None}


def test_a_seed_that_kills_its_worker_is_found_and_the_others_live():
    cluster, batch, stages = Cluster(), records(3), Stages("seed/1")
    assert cluster.run(batch, stages)
    assert reasons(batch) == {"seed/1": "sounds/worker-died"}
    assert batch[1].reject.detail == "2 workers died with it alone: no cause reported"
    assert cluster.n_dead == 2 * MAX_DEATHS
    assert stages.seen.count("seed/2") == 1
    assert cluster.monitor.monitor.pop_state().in_progress == ()


def test_no_deaths_are_kept_of_batches_that_ended(monkeypatch):
    monkeypatch.setattr("pipelines.execution.ray.monitor._MAX_REMEMBERED", 0)
    cluster = Cluster()
    assert cluster.run(records(3), Stages("seed/1"))
    assert (cluster.n_dead, cluster.monitor.monitor.n_remembered) == (2 * MAX_DEATHS, 0)


def test_with_batches_beside_it_a_seed_that_kills_its_worker_is_found_a_little_later():
    cluster, batch = Cluster(concurrent=True), records(3)
    assert cluster.run(batch, Stages("seed/1"))
    assert reasons(batch) == {"seed/1": "sounds/worker-died"}
    assert cluster.n_dead == MAX_DEATHS_CONCURRENT + MAX_DEATHS


def test_seeds_that_are_tried_one_by_one_have_nothing_beside_them():
    monitor, batches, at_work = DirectMonitor(), [records(2), records(4)[2:]], [0]
    suspect = attempt_of(batches[0])
    for k in range(MAX_DEATHS_CONCURRENT + 1):
        with pytest.raises(DeadError):
            RetryGuard(monitor, POOL, f"w-{k}", concurrent=True, die=die).run(
                suspect, batches[0], lambda _: die()
            )
    guard, started, most = RetryGuard(monitor, POOL, "w", concurrent=True, die=die), threading.Event(), []

    def stages(some: list[Record]) -> None:
        at_work[0] += len(some)
        most.append(at_work[0])
        started.set()
        threading.Event().wait(0.05)
        at_work[0] -= len(some)

    def beside() -> None:
        for _ in range(4):
            guard.run(attempt_of(batches[1]), batches[1], stages)

    thread = threading.Thread(target=beside)
    thread.start()
    assert started.wait(10)
    assert guard.run(suspect, batches[0], stages)
    thread.join()
    assert sorted(most) == [1, 1, 2, 2, 2, 2]


@pytest.mark.parametrize("n_poisonous", [1, 2, 5, 16])
def test_each_poisonous_seed_of_a_batch_costs_two_workers(n_poisonous):
    cluster, batch = Cluster(), records(16)
    poisonous = [f"seed/{k}" for k in range(n_poisonous)]
    assert cluster.run(batch, Stages(*poisonous))
    assert list(reasons(batch)) == poisonous
    assert cluster.n_dead == MAX_DEATHS + MAX_DEATHS * n_poisonous


def test_memory_that_runs_out_is_a_death_with_its_cause():
    cluster, batch = Cluster(), records(3)
    assert cluster.run(batch, Stages("seed/0", "seed/2", error=MemoryError))
    assert reasons(batch) == dict.fromkeys(["seed/0", "seed/2"], "sounds/worker-died")
    assert batch[2].reject.detail == "2 workers died with it alone: out of memory: boom"


def test_a_backend_that_is_broken_is_tried_elsewhere_and_then_ends_the_run():
    cluster = Cluster()
    with pytest.raises(BackendBrokenError, match="boom"):
        cluster.run(records(2), Stages("seed/0", error=BackendBrokenError))
    assert cluster.n_dead == MAX_DEATHS - 1


def test_output_that_keeps_getting_lost_ends_the_run():
    cluster, batch = Cluster(), records(3)
    for _ in range(MAX_RECOMPUTES):
        assert cluster.run(batch, Stages())
    with pytest.raises(
        CopilotError,
        match=rf"pool sounds: .*seed/0, seed/1, seed/2 .*{MAX_RECOMPUTES} times",
    ):
        cluster.run(batch, Stages())


def test_a_batch_that_outlives_a_death_beside_it_loses_nothing():
    monitor, batch = DirectMonitor(), records(3)
    monitor.monitor.start_work(Work("its node goes away", "mix", ("a",), "mix-1"))
    seen: list[int] = []
    assert Cluster(monitor).run(batch, lambda some: seen.append(len(some)))
    assert seen == [3]


@pytest.mark.parametrize(
    ("phase", "n_deaths", "when"),
    [("setup", MAX_SETUP_DEATHS, "set up"), ("commit", MAX_COMMIT_DEATHS, "committed")],
)
def test_workers_that_die_of_no_seed_end_the_run(phase, n_deaths, when):
    cluster, batch = Cluster(), records(3)
    with pytest.raises(
        CopilotError, match=rf"pool sounds: {n_deaths} workers died .*{when}.*killed, or out of memory"
    ):
        cluster.run(batch, Stages(), **{phase: die})
    assert cluster.n_dead == n_deaths
    assert reasons(batch) == {}


def test_a_seed_that_kills_workers_even_as_a_reject_ends_the_run():
    with pytest.raises(CopilotError, match=rf"pool sounds: {MAX_DEATHS} workers .*reject of seed seed/0"):
        Cluster().run(records(1), lambda _: die())


def test_a_run_that_ends_starts_no_batch_but_commits_those_that_are_made():
    monitor, batch, stages = DirectMonitor(), records(2), Stages()
    worker = RetryGuard(monitor, POOL, "sounds-1", die=die)
    attempt = attempt_of(batch)
    monitor.monitor.set_mode("stop")
    assert not worker.set_up(attempt, die)
    assert not worker.run(attempt, batch, stages)
    committed: list[bool] = []
    worker.commit(attempt, lambda: committed.append(True))
    assert (stages.seen, committed) == ([], [True])


def test_a_run_that_drains_starts_no_batch_in_its_first_pool_alone():
    monitor, batch = DirectMonitor(), records(2)
    monitor.monitor.set_mode("drain")
    led = {
        first: RetryGuard(monitor, POOL, "w", first=first, die=die).run(attempt_of(batch), batch, Stages())
        for first in (True, False)
    }
    assert led == {True: False, False: True}


def test_a_batch_past_its_deadline_ends_the_process_and_reports_why():
    monitor, batch = DirectMonitor(), records(2)
    ended = threading.Event()
    late = RetryGuard(monitor, replace(POOL, deadline_s=0.01), "sounds-1", die=ended.set)
    attempt = attempt_of(batch)
    late.run(attempt, batch, lambda some: None if ended.wait(10) else pytest.fail("no deadline"))
    status = monitor.monitor.start_work(Work(attempt.keys[0], "sounds", ("a",), "sounds-2"))
    assert status.death_cause == "not done within the deadline of 0.01 s with 2 dialogues"
    assert status.n_deaths == 1


def test_a_seed_that_hangs_alone_is_rejected_for_its_time():
    batch, ended = records(1), threading.Event()

    def hang(some: list[Record]) -> None:
        if some[0].reject is None:
            assert ended.wait(10)
            ended.clear()
            raise DeadError

    cluster = Cluster(deadline_s=0.01)
    for _ in range(2 * MAX_DEATHS):
        worker = RetryGuard(cluster.monitor, cluster.pool, "sounds-1", die=ended.set)
        with pytest.raises(DeadError):
            worker.run(attempt_of(batch), batch, hang)
    worker = RetryGuard(cluster.monitor, cluster.pool, "sounds-1", die=ended.set)
    assert worker.run(attempt_of(batch), batch, hang)
    assert reasons(batch) == {"seed/0": "sounds/worker-timeout"}
    assert batch[0].reject.detail.endswith("not done within the deadline of 0.01 s with 1 dialogues")
