"""The watch, and batches that are tried a bounded number of times."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from copilot.errors import BackendBrokenError, CopilotError, StorageFullError, UserError
from copilot.seed import Seed
from pipelines.accounting.progress import Progress
from pipelines.execution.ray.monitor import RunMonitor, Work
from pipelines.execution.ray.retries import (
    COMMITS,
    LOSSES,
    READIES,
    TRIES,
    TRIES_TOGETHER,
    Attempt,
    RetryGuard,
)
from pipelines.planning.layout import Needs, lay_out
from pipelines.planning.ray_settings import RaySettings
from pipelines.planning.resources import Resources
from pipelines.stages.record import Record

POOL = lay_out(Needs(), RaySettings(), [Resources(4)], None).pool("sounds")


def records(n: int = 3) -> list[Record]:
    return [Record(Seed(f"seed/{k}", "a dog barks"), f"id-{k}") for k in range(n)]


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def work(key: str = "k", pool: str = "mix", worker: str = "mix-1", *seed_ids: str) -> Work:
    return Work(key, pool, seed_ids or ("a", "b"), worker)


def test_the_watch_knows_what_is_under_way_and_forgets_what_is_done():
    clock = Clock()
    watch = RunMonitor(clock)
    assert watch.begin(work()).n_deaths == 0
    clock.now_s += 7
    assert [(doing.work, doing.since_s) for doing in watch.state().doing] == [(work(), 7.0)]
    assert watch.state().quiet_s == 7.0
    watch.forget(["k"], [Progress(accepted=2)])
    state = watch.state()
    assert (state.doing, state.quiet_s, state.last) == ((), 0.0, {"mix": "b"})
    assert [progress.accepted for progress in state.progress] == [2]
    assert watch.state().progress == ()
    assert vars(watch)["_n_deaths"] == {}
    assert watch.begin(work()).n_deaths == 0


def test_work_that_was_not_done_counts_until_it_is_forgotten():
    watch = RunMonitor()
    for n_deaths in range(3):
        assert watch.begin(work(worker=f"mix-{n_deaths}")).n_deaths == n_deaths
    watch.done("k")
    assert watch.begin(work(worker="mix-3")).n_deaths == 2
    watch.forget(["k"])
    assert watch.begin(work(worker="mix-4")).n_deaths == 0


def test_what_was_done_is_remembered_for_a_while(monkeypatch):
    monkeypatch.setattr("pipelines.execution.ray.monitor._MOST_REMEMBERED", 2)
    watch = RunMonitor()
    for key, n_made in (("k", 0), ("l", 0), ("k", 1), ("m", 0), ("k", 2), ("l", 0)):
        assert watch.begin(work(key)).n_made == n_made
        watch.forget([key])
    assert vars(watch)["_n_made"] == {"k": 3, "l": 1}


def test_what_is_told_twice_counts_once():
    watch = RunMonitor()
    assert [watch.begin(work()).n_deaths for _ in range(2)] == [0, 0]
    for _ in range(2):
        watch.done("k")
        watch.forget(["k"], [Progress(accepted=2)])
    assert [progress.accepted for progress in watch.state().progress] == [2]


def test_a_worker_that_ends_itself_says_of_what_and_its_other_work_is_not_to_blame():
    watch = RunMonitor()
    watch.begin(work("k"))
    watch.begin(work("l"))
    watch.begin(work("m", "mix", "mix-2"))
    watch.last_words("k", "no memory")
    assert [doing.work.key for doing in watch.state().doing] == ["m"]
    begun = watch.begin(work("k", "mix", "mix-3"))
    assert (begun.n_deaths, begun.last_words, begun.stop) == (1, "no memory", "go")
    assert [watch.begin(work("l", "mix", f"mix-{k}")).n_deaths for k in (3, 4)] == [0, 1]


def test_the_first_failure_counts_and_a_stop_stays():
    watch = RunMonitor()
    watch.fail(CopilotError("the server has gone"), "drain")
    assert watch.begin(work("k", "speech")).stop == "drain"
    watch.fail(StorageFullError("the disk is full"), "stop")
    watch.stop("drain")
    state = watch.state()
    assert (str(state.failure), state.stop) == ("the server has gone", "stop")
    assert watch.begin(work("l", "speech")).stop == "stop"
    assert [doing.work.key for doing in watch.state().doing] == ["k"]
    watch.begin(replace(work("m"), phase="commit"))
    assert [doing.work.key for doing in watch.state().doing] == ["k", "m"]


class DeadError(Exception):
    """Stands for the end of a process."""


def die() -> None:
    raise DeadError


def attempt_of(batch: list[Record]) -> Attempt:
    return Attempt([record.id for record in batch], [record.seed.id for record in batch])


class Cluster:
    """Gives a batch to one worker after the other, as Ray does; counts those that died."""

    def __init__(self, watch: RunMonitor | None = None, *, alone: bool = True, **pool: float) -> None:
        self.watch = watch or RunMonitor()
        self.alone = alone
        self.pool = replace(POOL, **pool)
        self.n_dead = 0

    def lead(self, batch: list[Record], stages, *, ready=lambda: None, commit=lambda: None) -> bool:
        for _ in range(200):
            worker = RetryGuard(self.watch, self.pool, f"sounds-{self.n_dead}", alone=self.alone, die=die)
            attempt = attempt_of(batch)
            try:
                assert worker.get_ready(attempt, ready)
                done = worker.lead(attempt, batch, stages)
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
    assert cluster.lead(batch, stages)
    assert reasons(batch) == {"seed/1": "sounds/worker-died"}
    assert batch[1].reject.detail == "2 workers ended with it alone: without a word"
    assert cluster.n_dead == 2 * TRIES
    assert stages.seen.count("seed/2") == 1
    assert cluster.watch.state().doing == ()
    assert vars(cluster.watch)["_n_deaths"] == {}


def test_with_batches_beside_it_a_seed_that_kills_its_worker_is_found_a_little_later():
    cluster, batch = Cluster(alone=False), records(3)
    assert cluster.lead(batch, Stages("seed/1"))
    assert reasons(batch) == {"seed/1": "sounds/worker-died"}
    assert cluster.n_dead == TRIES_TOGETHER + TRIES


def test_seeds_that_are_tried_one_by_one_have_nothing_beside_them():
    watch, batches, at_work = RunMonitor(), [records(2), records(4)[2:]], [0]
    suspect = attempt_of(batches[0])
    for k in range(TRIES_TOGETHER + 1):
        with pytest.raises(DeadError):
            RetryGuard(watch, POOL, f"w-{k}", alone=False, die=die).lead(suspect, batches[0], lambda _: die())
    together, begun, most = RetryGuard(watch, POOL, "w", alone=False, die=die), threading.Event(), []

    def stages(some: list[Record]) -> None:
        at_work[0] += len(some)
        most.append(at_work[0])
        begun.set()
        threading.Event().wait(0.05)
        at_work[0] -= len(some)

    def beside() -> None:
        for _ in range(4):
            together.lead(attempt_of(batches[1]), batches[1], stages)

    thread = threading.Thread(target=beside)
    thread.start()
    assert begun.wait(10)
    assert together.lead(suspect, batches[0], stages)
    thread.join()
    assert sorted(most) == [1, 1, 2, 2, 2, 2]


@pytest.mark.parametrize("n_poisonous", [1, 2, 5, 16])
def test_each_poisonous_seed_of_a_batch_costs_two_workers(n_poisonous):
    cluster, batch = Cluster(), records(16)
    poisonous = [f"seed/{k}" for k in range(n_poisonous)]
    assert cluster.lead(batch, Stages(*poisonous))
    assert list(reasons(batch)) == poisonous
    assert cluster.n_dead == TRIES + TRIES * n_poisonous


def test_memory_that_runs_out_is_a_death_with_a_word():
    cluster, batch = Cluster(), records(3)
    assert cluster.lead(batch, Stages("seed/0", "seed/2", error=MemoryError))
    assert reasons(batch) == dict.fromkeys(["seed/0", "seed/2"], "sounds/worker-died")
    assert batch[2].reject.detail == "2 workers ended with it alone: out of memory: boom"


def test_a_backend_that_is_broken_is_tried_elsewhere_and_then_ends_the_run():
    cluster = Cluster()
    with pytest.raises(BackendBrokenError, match="boom"):
        cluster.lead(records(2), Stages("seed/0", error=BackendBrokenError))
    assert cluster.n_dead == TRIES - 1


def test_what_is_made_and_always_lost_ends_the_run():
    cluster, batch = Cluster(), records(3)
    for _ in range(LOSSES):
        assert cluster.lead(batch, Stages())
    with pytest.raises(
        CopilotError,
        match=rf"pool sounds: seed/0, seed/1, seed/2 made {LOSSES} times, and lost before the next pool",
    ):
        cluster.lead(batch, Stages())


def test_a_batch_that_outlives_a_death_beside_it_loses_nothing():
    watch, batch = RunMonitor(), records(3)
    watch.begin(work("its node goes away"))
    seen: list[int] = []
    assert Cluster(watch).lead(batch, lambda some: seen.append(len(some)))
    assert seen == [3]


@pytest.mark.parametrize(
    ("when", "n_most", "told"),
    [("ready", READIES, "while they got ready"), ("commit", COMMITS, "while they committed")],
)
def test_workers_that_die_of_no_seed_end_the_run(when, n_most, told):
    cluster, batch = Cluster(), records(3)
    with pytest.raises(
        CopilotError, match=rf"pool sounds: {n_most} workers ended {told} \(without a word: killed, or out of"
    ):
        cluster.lead(batch, Stages(), **{when: die})
    assert cluster.n_dead == n_most
    assert reasons(batch) == {}


def test_a_seed_that_kills_workers_even_as_a_reject_ends_the_run():
    with pytest.raises(CopilotError, match=r"seed/0: workers die even with its reject"):
        Cluster().lead(records(1), lambda _: die())


def test_where_the_run_ends_no_batch_is_led_but_what_was_made_is_committed():
    watch, batch, stages = RunMonitor(), records(2), Stages()
    worker = RetryGuard(watch, POOL, "sounds-1", die=die)
    attempt = attempt_of(batch)
    watch.stop("stop")
    assert not worker.get_ready(attempt, die)
    assert not worker.lead(attempt, batch, stages)
    committed: list[bool] = []
    worker.commit(attempt, lambda: committed.append(True))
    assert (stages.seen, committed) == ([], [True])


def test_where_the_run_drains_only_the_first_pool_takes_nothing():
    watch, batch = RunMonitor(), records(2)
    watch.stop("drain")
    led = {
        begins: RetryGuard(watch, POOL, "w", begins=begins, die=die).lead(attempt_of(batch), batch, Stages())
        for begins in (True, False)
    }
    assert led == {True: False, False: True}


def test_a_batch_past_its_deadline_ends_the_process_with_a_word():
    watch, batch = RunMonitor(), records(2)
    ended = threading.Event()
    late = RetryGuard(watch, replace(POOL, deadline_s=0.01), "sounds-1", die=ended.set)
    attempt = attempt_of(batch)
    late.lead(attempt, batch, lambda some: None if ended.wait(10) else pytest.fail("no deadline"))
    begun = watch.begin(work(attempt.keys[0], "sounds"))
    assert begun.last_words == "not done within the deadline of 0.01 s with 2 dialogues"
    assert begun.n_deaths == 1


def test_a_seed_that_hangs_alone_is_rejected_for_its_time():
    batch, ended = records(1), threading.Event()

    def hang(some: list[Record]) -> None:
        if some[0].reject is None:
            assert ended.wait(10)
            ended.clear()
            raise DeadError

    cluster = Cluster(deadline_s=0.01)
    for _ in range(2 * TRIES):
        worker = RetryGuard(cluster.watch, cluster.pool, "sounds-1", die=ended.set)
        with pytest.raises(DeadError):
            worker.lead(attempt_of(batch), batch, hang)
    worker = RetryGuard(cluster.watch, cluster.pool, "sounds-1", die=ended.set)
    assert worker.lead(attempt_of(batch), batch, hang)
    assert reasons(batch) == {"seed/0": "sounds/worker-timeout"}
    assert batch[0].reject.detail.endswith("not done within the deadline of 0.01 s with 1 dialogues")


def test_errors_travel_whole():
    watch = RunMonitor()
    watch.fail(UserError("--sfx: none"), "stop")
    assert isinstance(watch.state().failure, UserError)
