"""What the pools do with records."""

from __future__ import annotations

import pytest
from helpers.stand_ins import StandInAhead

from copilot.designers.contract import DesignerContext
from copilot.errors import BackendBrokenError, CopilotError
from copilot.seed import Seed
from pipelines.backends import compute_fingerprint
from pipelines.config import RunConfig
from pipelines.execution.ray import parts
from pipelines.stages.record import Record
from pipelines.stages.worker_spec import ExecutionSettings, WorkerSpec


def records(*names: str) -> list[Record]:
    return [Record(Seed(name, "a dog barks"), f"id-{name}") for name in names]


@pytest.fixture
def design(tmp_path, monkeypatch):
    """A part that designs, and what it has told of."""

    class Away(StandInAhead):
        async def design_async(self, seed, run_seed):
            if seed.id == "late":
                raise BackendBrokenError("no server answers")
            return await super().design_async(seed, run_seed)

    monkeypatch.setattr(parts, "create_working_designer", lambda *_: Away(DesignerContext(n_turns=1)))
    told: list[CopilotError] = []
    order = WorkerSpec(str(tmp_path), compute_fingerprint(RunConfig(seeds="starter")), ExecutionSettings())
    return parts.part_of("design", order, None, told.append), told


def test_dialogues_that_were_written_go_on_where_no_more_can_be(design):
    part, told = design
    gone_on = part.take(records("first", "late", "last"))
    assert [record.seed.id for record in gone_on] == ["first", "last"]
    assert all(record.dialogue for record in gone_on)
    assert [str(error) for error in told] == ["no server answers"]


def test_no_dialogue_is_written_for_what_is_rejected(design):
    part, told = design
    batch = records("late")
    batch[0].refuse("design", "worker-died", "with it alone")
    assert part.take(batch) == batch
    assert (batch[0].dialogue, told) == (None, [])
