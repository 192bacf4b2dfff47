"""The watch, and batches that are tried a bounded number of times."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from copilot.errors import CopilotError, StorageFullError, UserError
from copilot.seed import Seed
from pipelines.cluster.plan import Needs, RaySettings, lay_out
from pipelines.cluster.resources import Resources
from pipelines.cluster.tries import TRIES, Tries
from pipelines.cluster.watch import Watch
from pipelines.record import Record
from pipelines.work import Progress

POOL = lay_out(Needs(), RaySettings(), [Resources(4)], None).pool("sounds")


def records(n: int = 3) -> list[Record]:
    return [Record(Seed(f"seed/{k}", "a dog barks"), f"id-{k}") for k in range(n)]


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_the_watch_knows_what_is_under_way_and_forgets_what_is_done():
    clock = Clock()
    watch = Watch(clock)
    assert watch.begin("k", "mix", ["a", "b"], "mix-1").n_before == 0
    clock.now_s += 7
    doing = watch.state().doing
    assert [(d.pool, d.seed_ids, d.worker, d.since_s) for d in doing] == [("mix", ("a", "b"), "mix-1", 7.0)]
    assert watch.state().quiet_s == 7.0
    watch.end("k", [Progress(accepted=2)])
    state = watch.state()
    assert (state.doing, state.quiet_s, state.last) == ((), 0.0, {"mix": "b"})
    assert [progress.accepted for progress in state.progress] == [2]
    assert watch.state().progress == ()
    assert watch.begin("k", "mix", ["a", "b"], "mix-1").n_before == 0


def test_a_batch_that_was_not_done_counts_and_its_last_words_are_told():
    watch = Watch()
    watch.begin("k", "mix", ["a"], "mix-1")
    watch.last_words(["k"], "no memory")
    begun = watch.begin("k", "mix", ["a"], "mix-2")
    assert (begun.n_before, begun.last_words, begun.stop) == (1, "no memory", "go")


def test_the_first_failure_counts_and_a_stop_stays():
    watch = Watch()
    watch.fail(CopilotError("the server has gone"), "drain")
    assert watch.begin("k", "speech", ["a"], "w").stop == "drain"
    watch.fail(StorageFullError("the disk is full"), "stop")
    watch.stop("drain")
    state = watch.state()
    assert (str(state.failure), state.stop) == ("the server has gone", "stop")
    assert watch.begin("l", "speech", ["b"], "w").stop == "stop"
    assert [doing.seed_ids for doing in watch.state().doing] == [("a",)]


class DeadError(Exception):
    """Stands for the end of a process."""


def die() -> None:
    raise DeadError


def led(watch: Watch, poisonous: set[str], batch: list[Record]) -> list[str]:
    """What a worker does with a batch, in a new process after each death; the seeds it worked on."""
    seen: list[str] = []

    def work(some: list[Record]) -> None:
        for record in some:
            seen.append(record.seed.id)
            if record.seed.id in poisonous and record.reject is None:
                raise DeadError

    for _ in range(20):
        worker = Tries(watch, POOL, "sounds-1", die)
        attempt = worker.begin(batch)
        try:
            worker.lead(attempt, batch, work)
        except DeadError:
            continue
        worker.end(attempt)
        return seen
    raise AssertionError("tried for ever")


def test_a_seed_that_kills_its_worker_is_found_and_the_others_live():
    watch, batch = Watch(), records(3)
    seen = led(watch, {"seed/1"}, batch)
    rejects = [record.reject for record in batch]
    assert rejects[0] is None
    assert rejects[2] is None
    assert rejects[1] is not None
    assert (rejects[1].stage, rejects[1].reason) == ("sounds", "worker-died")
    assert rejects[1].detail == "a worker ended with it alone 2 times: without a word"
    # Whole twice, alone twice, and once more as a reject; the seed before it each time.
    assert seen.count("seed/1") == 2 * TRIES + 1
    assert seen.count("seed/2") == 1
    assert watch.state().doing == ()


def test_all_seeds_of_a_batch_may_be_poisonous():
    batch = records(2)
    led(Watch(), {"seed/0", "seed/1"}, batch)
    assert all(record.reject is not None for record in batch)


def test_a_batch_that_outlives_a_death_beside_it_loses_nothing():
    watch, batch = Watch(), records(3)
    first = Tries(watch, POOL, "sounds-1", die)
    first.begin(batch)  # its node goes away
    again = Tries(watch, POOL, "sounds-2", die)
    seen: list[int] = []
    again.lead(again.begin(batch), batch, lambda some: seen.append(len(some)))
    assert seen == [3]


def test_a_seed_that_kills_workers_even_as_a_reject_ends_the_run():
    watch, batch = Watch(), records(1)

    def work(some: list[Record]) -> None:
        raise DeadError

    for _ in range(3 * TRIES):
        worker = Tries(watch, POOL, "sounds-1", die)
        with pytest.raises(DeadError):
            worker.lead(worker.begin(batch), batch, work)
    with pytest.raises(CopilotError, match=r"seed/0: workers die even with its reject"):
        worker.lead(worker.begin(batch), batch, work)


def test_a_batch_past_its_deadline_ends_the_process_with_a_word():
    watch, batch = Watch(), records(2)
    ended = threading.Event()
    late = Tries(watch, replace(POOL, deadline_s=0.01), "sounds-1", ended.set)
    attempt = late.begin(batch)
    late.lead(attempt, batch, lambda some: None if ended.wait(10) else pytest.fail("no deadline"))
    begun = watch.begin(attempt.key, "sounds", ["seed/0", "seed/1"], "sounds-2")
    assert begun.last_words == "not done within the deadline of 0.01 s with 2 dialogues"


def test_a_seed_that_hangs_alone_is_rejected_for_its_time():
    watch, batch = Watch(), records(1)
    ended = threading.Event()
    hasty = replace(POOL, deadline_s=0.01)

    def work(some: list[Record]) -> None:
        if some[0].reject is None:
            assert ended.wait(10)
            ended.clear()
            raise DeadError

    for _ in range(2 * TRIES):
        worker = Tries(watch, hasty, "sounds-1", ended.set)
        with pytest.raises(DeadError):
            worker.lead(worker.begin(batch), batch, work)
    worker = Tries(watch, hasty, "sounds-1", ended.set)
    worker.lead(worker.begin(batch), batch, work)
    assert batch[0].reject is not None
    assert batch[0].reject.reason == "worker-timeout"
    assert batch[0].reject.detail.endswith("not done within the deadline of 0.01 s with 1 dialogues")


def test_giving_up_says_why_and_ends_the_process():
    watch, batch = Watch(), records(1)
    worker = Tries(watch, POOL, "sounds-1", die)
    attempt = worker.begin(batch)
    with pytest.raises(DeadError):
        worker.give_up(attempt, "BackendBrokenError: no sound")
    assert worker.begin(batch).begun.last_words == "BackendBrokenError: no sound"


def test_errors_travel_whole():
    watch = Watch()
    watch.fail(UserError("--sfx: none"), "stop")
    assert isinstance(watch.state().failure, UserError)
