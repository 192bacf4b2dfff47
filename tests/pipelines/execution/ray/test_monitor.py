"""The monitor of a run, and calls to it."""

from __future__ import annotations

from dataclasses import replace

from copilot.errors import CopilotError, StorageFullError, UserError
from pipelines.accounting.progress import Progress
from pipelines.execution.ray.monitor import RunMonitor, Work


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def work(key: str = "k", pool: str = "mix", worker: str = "mix-1", *seed_ids: str) -> Work:
    return Work(key, pool, seed_ids or ("a", "b"), worker)


def test_work_is_known_while_in_progress_and_forgotten_when_done():
    clock = Clock()
    monitor = RunMonitor(clock)
    assert monitor.start_work(work()).n_deaths == 0
    clock.now_s += 7
    assert [(one.work, one.for_s) for one in monitor.pop_state().in_progress] == [(work(), 7.0)]
    assert monitor.pop_state().idle_s == 7.0
    monitor.end_batch(["k"], [Progress(accepted=2)])
    state = monitor.pop_state()
    assert (state.in_progress, state.idle_s, state.last_done) == ((), 0.0, {"mix": "b"})
    assert [progress.accepted for progress in state.progress] == [2]
    assert monitor.pop_state().progress == ()
    assert monitor.n_remembered == 1
    assert monitor.start_work(work()).n_deaths == 0


def test_deaths_count_until_the_batch_ends():
    monitor = RunMonitor()
    for n_deaths in range(3):
        assert monitor.start_work(work(worker=f"mix-{n_deaths}")).n_deaths == n_deaths
    monitor.end_work("k")
    assert monitor.start_work(work(worker="mix-3")).n_deaths == 2
    monitor.end_batch(["k"])
    assert monitor.start_work(work(worker="mix-4")).n_deaths == 0


def test_batches_that_are_done_are_remembered_for_a_while(monkeypatch):
    monkeypatch.setattr("pipelines.execution.ray.monitor._MAX_REMEMBERED", 2)
    monitor = RunMonitor()
    for key, n_done in (("k", 0), ("l", 0), ("k", 1), ("m", 0), ("k", 2), ("l", 0)):
        assert monitor.start_work(work(key)).n_done == n_done
        monitor.end_batch([key])
    assert monitor.n_remembered == 2


def test_what_is_reported_twice_counts_once():
    monitor = RunMonitor()
    assert [monitor.start_work(work()).n_deaths for _ in range(2)] == [0, 0]
    for _ in range(2):
        monitor.end_work("k")
        monitor.end_batch(["k"], [Progress(accepted=2)])
    assert [progress.accepted for progress in monitor.pop_state().progress] == [2]


def test_a_worker_that_ends_itself_reports_the_cause_and_its_other_work_is_not_to_blame():
    monitor = RunMonitor()
    monitor.start_work(work("k"))
    monitor.start_work(work("l"))
    monitor.start_work(work("m", "mix", "mix-2"))
    monitor.report_death("k", "no memory")
    assert [one.work.key for one in monitor.pop_state().in_progress] == ["m"]
    status = monitor.start_work(work("k", "mix", "mix-3"))
    assert (status.n_deaths, status.death_cause, status.mode) == (1, "no memory", "go")
    assert [monitor.start_work(work("l", "mix", f"mix-{k}")).n_deaths for k in (3, 4)] == [0, 1]


def test_the_first_failure_counts_and_a_stop_stays():
    monitor = RunMonitor()
    monitor.fail(CopilotError("the server has gone"), "drain")
    assert monitor.start_work(work("k", "speech")).mode == "drain"
    monitor.fail(StorageFullError("the disk is full"), "stop")
    monitor.set_mode("drain")
    state = monitor.pop_state()
    assert (str(state.failure), state.mode) == ("the server has gone", "stop")
    assert monitor.start_work(work("l", "speech")).mode == "stop"
    assert [one.work.key for one in monitor.pop_state().in_progress] == ["k"]
    monitor.start_work(replace(work("m"), phase="commit"))
    assert [one.work.key for one in monitor.pop_state().in_progress] == ["k", "m"]


def test_errors_travel_whole():
    monitor = RunMonitor()
    monitor.fail(UserError("unknown renderer", field="sfx"), "stop")
    assert isinstance(monitor.pop_state().failure, UserError)
