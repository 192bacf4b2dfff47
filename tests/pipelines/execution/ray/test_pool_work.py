"""The work of the pools on records."""

from __future__ import annotations

import asyncio

import pytest
from helpers.stand_ins import StandInAhead

from copilot.designers.contract import DesignerContext
from copilot.errors import BackendBrokenError, CopilotError
from copilot.seed import Seed
from pipelines.backends import compute_fingerprint
from pipelines.config import RunConfig
from pipelines.execution.ray import pool_work
from pipelines.stages.drafts import Drafts
from pipelines.stages.record import Record
from pipelines.stages.worker_spec import ExecutionSettings, WorkerSpec


def records(*names: str) -> list[Record]:
    return [Record(Seed(name, "a dog barks"), f"id-{name}") for name in names]


@pytest.fixture
def stops_after() -> list[Record]:
    """The records after which the run is told to stop; none: it is not."""
    return []


@pytest.fixture
def design(tmp_path, monkeypatch, stops_after):
    """The work of the pool that designs, and the failures that it reports."""

    class Away(StandInAhead):
        async def design_async(self, seed, run_seed):
            if seed.id == "endless":
                await asyncio.Event().wait()
            if seed.id == "late":
                raise BackendBrokenError("no server answers")
            return await super().design_async(seed, run_seed)

    monkeypatch.setattr(pool_work, "create_working_designer", lambda *_: Away(DesignerContext(n_turns=1)))

    def is_stopping() -> bool:
        return bool(stops_after) and all(record.designed for record in stops_after)

    failures: list[CopilotError] = []
    spec = WorkerSpec(str(tmp_path), compute_fingerprint(RunConfig(seeds="starter")), ExecutionSettings())
    monkeypatch.setattr(pool_work, "_POLL_EVERY_S", 0.01)
    return pool_work.create_pool_work("design", spec, None, failures.append, is_stopping), failures


def test_written_dialogues_go_on_when_no_more_can_be_written(design):
    work, failures = design
    passed_on = work.process(records("first", "late", "last"))
    assert [record.seed.id for record in passed_on] == ["first", "last"]
    assert all(record.dialogue for record in passed_on)
    assert [str(error) for error in failures] == ["no server answers"]


def test_no_dialogue_is_written_for_what_is_rejected(design):
    work, failures = design
    batch = records("late")
    batch[0].refuse("design", "worker-died", "with it alone")
    assert work.process(batch) == batch
    assert (batch[0].dialogue, failures) == (None, [])


def test_what_is_written_when_the_run_stops_becomes_drafts(design, tmp_path, stops_after):
    work, failures = design
    batch = records("first", "endless", "last")
    stops_after += [batch[0], batch[2]]
    assert work.process(batch) == ()
    digest = compute_fingerprint(RunConfig(seeds="starter")).digest
    kept = Drafts(str(tmp_path), digest).read([record.seed for record in batch], 0)
    assert kept.keys() == {"first", "last"}
    assert failures == []
