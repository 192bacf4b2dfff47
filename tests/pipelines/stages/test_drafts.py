"""Drafts: dialogues that a run leaves for its next start."""

from __future__ import annotations

import pytest
from helpers.made_runs import a_dialogue

from copilot.designers.account import Account, Usage
from copilot.errors import CorruptDataError
from copilot.seed import Seed
from copilot.vocabulary import Check
from pipelines.stages.drafts import Drafts
from pipelines.stages.record import Record, new_record

WRITTEN, REFUSED = Seed("t/1", "a line"), Seed("t/2", "another line")
SEEDS = (WRITTEN, REFUSED, Seed("t/3", "a third line"))


def records() -> dict[str, Record]:
    written, refused = new_record(WRITTEN, 7), new_record(REFUSED, 7)
    written.dialogue = written.designed = a_dialogue(WRITTEN)
    written.design_checks = (Check("judge/a", 1.0, 0.0),)
    written.account = refused.account = Account("m", "story", "5" * 16, Usage(3, seconds=0.25), ("{", "}"))
    refused.refuse("design", "not-json", "turn 0: no")
    return {record.seed.id: record for record in (written, refused)}


def test_a_record_is_read_as_it_was_written(tmp_path):
    drafts = Drafts(str(tmp_path), "a")
    drafts.add(records().values())
    assert drafts.read(SEEDS, 7) == records()
    assert drafts.read(SEEDS[1:], 7).keys() == {"t/2"}


def test_a_record_is_kept_as_the_model_wrote_it_whatever_came_after(tmp_path):
    record = records()["t/1"]
    record.dialogue = a_dialogue(WRITTEN).model_copy(update={"turns": a_dialogue(WRITTEN).turns[:1]})
    record.refuse("validate", "a-rule", "turn 1: no")
    drafts = Drafts(str(tmp_path), "a")
    drafts.add([record])
    assert drafts.read(SEEDS, 7) == {"t/1": records()["t/1"]}


def test_nothing_is_written_without_records(tmp_path):
    drafts = Drafts(str(tmp_path), "a")
    drafts.add([new_record(WRITTEN, 7)])
    assert (list(tmp_path.iterdir()), drafts.read(SEEDS, 7), drafts.tidy(set)) == ([], {}, 0)


def test_drafts_of_another_fingerprint_are_not_used(tmp_path):
    Drafts(str(tmp_path), "a").add(records().values())
    other = Drafts(str(tmp_path), "b")
    assert other.read(SEEDS, 7) == {}
    assert other.tidy(set) == 0
    assert list((tmp_path / "drafts").iterdir()) == []


def test_what_is_done_is_dropped_and_the_rest_is_one_file(tmp_path):
    drafts = Drafts(str(tmp_path), "a")
    for record in records().values():
        drafts.add([record])
    assert drafts.tidy(lambda: {"t/2"}) == 1
    assert len(list((tmp_path / "drafts").iterdir())) == 1
    assert drafts.read(SEEDS, 7).keys() == {"t/1"}


def test_a_damaged_file_is_named(tmp_path):
    drafts = Drafts(str(tmp_path), "a")
    drafts.add(records().values())
    (file,) = (tmp_path / "drafts").iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(CorruptDataError, match=file.name):
        drafts.read(SEEDS, 7)
