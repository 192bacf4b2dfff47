"""Several calls on one run, one after the other or at once, and several workers of one call."""

from __future__ import annotations

import os
import signal
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.made_runs import a_run

from copilot.errors import CopilotError, CorruptDataError
from pipelines.heard.figures import read_figures
from pipelines.heard.store import HeardStore, shard_name
from pipelines.hearing.ear import ListenerSpec
from pipelines.hearing.hear import HearingJob, hear_run
from pipelines.hearing.local import LocalHearing
from pipelines.hearing.on_ray import HearingWorker
from pipelines.hearing.shard import ShardHearing
from pipelines.inspection.subset.filter import filter_run
from pipelines.run.reader import RunReader

RECOGNISER = ListenerSpec("recogniser", "short-memory")
DETECTOR = ListenerSpec("detector", "length")
LOCAL = LocalHearing()


def list_names(place: Path) -> list[set[str]]:
    """Return the names of the figures of each sample."""
    reader = RunReader(place)
    store = HeardStore(reader.run)
    return [
        set(figures)
        for shard in reader.files("samples")
        for figures in read_figures(store.read_figures(shard)).values()
    ]


class Interrupted:
    """An executor that hears one shard, as if the user then pressed Ctrl-C."""

    def execute(self, job, shards, on_heard, is_stopping):
        unreadable = LOCAL.execute(job, shards[:1], on_heard, is_stopping)
        os.kill(os.getpid(), signal.SIGINT)
        return unreadable


class Beside:
    """An executor that lets another call hear the run with a detector, before or after its own shards."""

    def __init__(self, when: str) -> None:
        self._when = when
        self.n_listeners: list[int] = []

    def execute(self, job, shards, on_heard, is_stopping):
        self.n_listeners.append(len(job.listeners))
        if self._when == "before":
            hear_run(job.place, [DETECTOR], executor=LOCAL)
        unreadable = LOCAL.execute(job, shards, on_heard, is_stopping)
        if self._when == "after":
            hear_run(job.place, [DETECTOR], executor=LOCAL)
        return unreadable


def test_an_interrupted_call_is_resumed_though_another_kind_was_heard_meanwhile(tmp_path):
    a_run(tmp_path / "run")
    first = hear_run(tmp_path / "run", [RECOGNISER], executor=Interrupted())
    assert (first.was_stopped, first.n_heard) == (True, 3)
    hear_run(tmp_path / "run", [DETECTOR], executor=LOCAL)
    assert sum("wer" in names for names in list_names(tmp_path / "run")) == 3
    hear_run(tmp_path / "run", [RECOGNISER], executor=LOCAL)
    assert [{"wer", "presence"} <= names for names in list_names(tmp_path / "run")] == [True] * 6


@pytest.mark.parametrize(("condition", "n_copied"), [("heard.wer < 1", 3), ("coalesce(heard.wer, 0) < 1", 6)])
def test_a_figure_that_is_missing_meets_no_comparison(tmp_path, condition, n_copied):
    a_run(tmp_path / "run")
    hear_run(tmp_path / "run", [RECOGNISER], executor=Interrupted())
    assert filter_run(tmp_path / "run", tmp_path / "out", where=condition).n_copied == n_copied


@pytest.mark.parametrize(("when", "n_listeners"), [("before", [1, 0]), ("after", [1])])
def test_calls_at_once_end_with_the_figures_of_both(tmp_path, when, n_listeners):
    a_run(tmp_path / "run")
    executor = Beside(when)
    hear_run(tmp_path / "run", [RECOGNISER], executor=executor)
    assert [{"wer", "presence"} <= names for names in list_names(tmp_path / "run")] == [True] * 6
    # A listener that has answered everything is not loaded again for the figures.
    assert executor.n_listeners == n_listeners


def test_answers_that_come_while_a_shard_is_heard_are_in_its_figures(tmp_path):
    a_run(tmp_path / "run", n_samples=3)
    hear_run(tmp_path / "run", [RECOGNISER], executor=LOCAL)
    reader = RunReader(tmp_path / "run")
    store = HeardStore(reader.run)
    [shard] = reader.files("samples")
    key, record = store.read_chosen()["recogniser"], DETECTOR.describe()
    answers = store.read_answers(key, shard_name(shard))
    (tmp_path / "run" / "heard" / key / f"{shard_name(shard)}.parquet").unlink()
    chosen = {"recogniser": key, "detector": record.key}
    store.choose(chosen)
    ears = HearingJob(reader.place, ((DETECTOR, record),), chosen).open_ears(reader, 0)
    ShardHearing(reader, ears, chosen).hear(shard, lambda _: store.write_answers(key, shard, answers))
    for ear in ears:
        ear.close()
    assert [{"wer", "presence"} <= names for names in list_names(tmp_path / "run")] == [True] * 3


def test_a_worker_that_cannot_open_its_listeners_stops_the_others(tmp_path, monkeypatch):
    a_run(tmp_path / "run", per_shard=3)
    events: list[threading.Event] = []
    new_event, open_ears = threading.Event, HearingJob.open_ears

    def record_event() -> threading.Event:
        events.append(new_event())
        return events[-1]

    def open_or_fail(job: HearingJob, reader: RunReader, worker: int):
        if worker == 1:
            raise CopilotError("no ears")
        assert events[0].wait(5)
        return open_ears(job, reader, worker)

    monkeypatch.setattr(threading, "Event", record_event)
    monkeypatch.setattr(HearingJob, "open_ears", open_or_fail)
    reader = RunReader(tmp_path / "run")
    record = RECOGNISER.describe()
    job = HearingJob(reader.place, ((RECOGNISER, record),), {"recogniser": record.key})
    heard: list[int] = []
    with pytest.raises(CopilotError, match="no ears"):
        LocalHearing(2).execute(job, list(reader.files("samples")), heard.append, lambda: False)
    assert heard == []


def test_storage_that_tells_no_times_has_figures_up_to_date(monkeypatch):
    monkeypatch.setattr("pipelines.storage.remote._TIMES", ())
    place = f"memory://{uuid.uuid4().hex}/run"
    a_run(place)
    rounds: list[int] = []
    for _ in range(2):
        assert hear_run(place, [RECOGNISER], executor=LOCAL, on_start=rounds.append).n_heard == 6
    assert rounds == [6]


def hear_here(job: HearingJob, shards, on_heard: Callable[[int], object], is_stopping) -> list[str]:
    """Hear with the actor of Ray, in this process."""
    worker, unreadable = HearingWorker(job, 0), []
    try:
        for shard in shards:
            error = worker.hear(shard)
            if isinstance(error, CorruptDataError):
                unreadable.append(str(error))
            elif error:
                raise error
    finally:
        worker.close()
    return unreadable


class OnActor:
    """An executor with one worker of Ray, in this process."""

    execute = staticmethod(hear_here)


@pytest.mark.parametrize("executor", [LOCAL, OnActor()])
def test_damaged_answers_end_the_call_as_no_fault_of_a_shard(tmp_path, executor):
    a_run(tmp_path / "run")
    hear_run(tmp_path / "run", [RECOGNISER], executor=LOCAL)
    first, second = sorted((tmp_path / "run" / "heard").glob("recogniser-*/*.parquet"))
    first.write_bytes(b"PAR1")
    second.unlink()
    with pytest.raises(CopilotError, match=first.name):
        hear_run(tmp_path / "run", [RECOGNISER], executor=executor)


def test_a_subset_is_heard_though_a_shard_of_it_cannot_be_read(tmp_path):
    a_run(tmp_path / "run")
    hear_run(tmp_path / "run", [RECOGNISER], executor=LOCAL)
    filter_run(tmp_path / "run", tmp_path / "all")
    next((tmp_path / "all" / "shards").iterdir()).write_bytes(b"PAR1")
    result = hear_run(tmp_path / "all", [RECOGNISER], executor=LOCAL)
    assert len(result.unreadable) == 1
