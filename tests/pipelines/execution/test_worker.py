"""A worker: records go through its stages and are committed, and what is not committed is dropped."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.made_runs import RUN_SEED

from copilot.seed import Seed
from pipelines.accounting.progress import Progress
from pipelines.backends import compute_fingerprint
from pipelines.config import RunConfig
from pipelines.execution.worker import Worker
from pipelines.run.run import Run
from pipelines.run.shards import ShardWriter
from pipelines.stages.record import Record, new_record
from pipelines.stages.worker_spec import ExecutionSettings, WorkerSpec

CONFIG = RunConfig(seeds="text:x", designer="stand-in", sfx="noise", tts="murmur", run_seed=RUN_SEED)


@pytest.fixture
def worker(tmp_path: Path):
    worker = Worker(WorkerSpec(str(tmp_path), compute_fingerprint(CONFIG), ExecutionSettings(at_once=2)))
    yield worker
    worker.close()


def records(n: int) -> list[Record]:
    return [new_record(Seed(f"t/{k}", f"line {k}"), RUN_SEED) for k in range(n)]


def committed(folder: Path) -> list[str]:
    return sorted(Run(folder).ledger.seed_ids())


def test_a_batch_is_one_entry_of_the_ledger(tmp_path, worker):
    reports: list[Progress] = []
    worker.process_and_commit(records(5), reports.append, lambda: False)
    assert [report.accepted for report in reports] == [2, 2, 1, 0]
    assert len(list(Run(tmp_path).ledger.entries())) == 1
    assert committed(tmp_path) == [f"t/{k}" for k in range(5)]


def test_a_stop_commits_the_chunks_that_are_done(tmp_path, worker):
    reports: list[Progress] = []
    worker.process_and_commit(records(5), reports.append, lambda: len(reports) == 2)
    assert committed(tmp_path) == ["t/0", "t/1", "t/2", "t/3"]


def test_what_is_not_committed_is_dropped(tmp_path, worker):
    with worker.open_writer() as writer:
        worker.process_and_write(records(2), writer)
    assert committed(tmp_path) == []
    assert list((tmp_path / "shards").iterdir()) == []


def test_times_of_every_stage_are_counted(worker):
    (record,) = records(1)
    worker.run_stages([record])
    assert list(record.times.stage_s) == [
        *("design", "validate", "cast", "render-speech", "fit-speech", "render-sounds"),
        *("mix", "check", "finish"),
    ]
    assert record.times.renders.keys() == {"noise", "murmur"}


def test_what_cannot_be_a_row_is_a_reject(worker, monkeypatch):
    def broken(self, sample):
        if sample.seed.id.endswith("/1"):
            raise OverflowError("too large for a column")
        real(self, sample)

    real = ShardWriter.add_sample
    monkeypatch.setattr(ShardWriter, "add_sample", broken)
    reports: list[Progress] = []
    worker.process_and_commit(records(3), reports.append, lambda: False)
    assert sum(report.accepted for report in reports) == 2
    assert [dict(report.reasons) for report in reports if report.rejected] == [{"write/unexpected-error": 1}]
