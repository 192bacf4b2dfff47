"""Runs of dialogues that a user gives: the same samples as those of the designer that wrote them."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from copilot.errors import ConfigMismatchError, UserError
from pipelines.backends import compute_fingerprint
from pipelines.config import RunConfig
from pipelines.dialogue_preview import preview
from pipelines.main_job import GenerateRequest, generate
from pipelines.run.open import open_run

SOUNDS = {"sfx": "noise", "tts": "murmur"}
RAIN = {
    "id": 1, "tool": "sfx", "role": "ambience", "text": "steady rain",
    "loudness": -28, "panning": 0, "start_time": 0, "duration": 8,
}  # fmt: skip


def make(config, out):
    generate(GenerateRequest(config=config, out=out))
    return open_run(out)


def test_what_preview_prints_can_be_given_back(tmp_path, copilot):
    code, printed, _ = copilot("preview", "--seeds", "starter", "--num", "3", "--random-seed", "7", "--json")
    assert code == 0
    file = tmp_path / "mine.jsonl"
    file.write_text(printed)
    given = make(RunConfig(designer=f"given:{file}", run_seed=7, **SOUNDS), tmp_path / "given")
    config = RunConfig(seeds="starter", run_seed=7, **SOUNDS)
    generate(GenerateRequest(config=config, out=tmp_path / "designed", num=3))
    designed = open_run(tmp_path / "designed")
    assert sorted(given.ids()) == sorted(designed.ids())
    for sample in designed:
        again = given[sample.id]
        assert (again.dialogue, again.mixes, again.checks) == (sample.dialogue, sample.mixes, sample.checks)
        assert (again.provenance.designer, sample.provenance.designer) == ("given", "scripted")


def test_bad_lines_are_rejects_and_the_others_are_made(tmp_path):
    file = tmp_path / "mine.jsonl"
    loud = {**RAIN, "loudness": -3}
    rows = [{"id": "a", "elements": [RAIN]}, "{oops", {"id": "a", "elements": [RAIN]}, {"elements": [loud]}]
    file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    run = make(RunConfig(designer=f"given:{file}", **SOUNDS), tmp_path / "run")
    assert [run[sample_id].seed.id for sample_id in run.ids()] == ["a"]
    rejects = {reject.seed.id: reject for reject in run.rejects()}
    assert {name: (reject.stage, reject.reason) for name, reject in rejects.items()} == {
        "given/mine.jsonl/2": ("design", "not-json"),
        "given/mine.jsonl/3": ("design", "duplicate-id"),
        "given/mine.jsonl/4": ("validate", "loudness-range"),
    }
    assert rejects["given/mine.jsonl/2"].raw_replies == ("{oops",)


def test_a_scene_without_words_becomes_a_sample(tmp_path):
    file = tmp_path / "mine.json"
    bell = {
        **RAIN,
        "id": 2,
        "role": "effect",
        "text": "a bell",
        "loudness": -20,
        "start_time": 1,
        "duration": 2,
    }
    wind = {**RAIN, "id": 3, "text": "a cold wind"}
    file.write_text(
        json.dumps([{"elements": [RAIN, bell]}, {"elements": [RAIN, wind]}, {"elements": [RAIN]}])
    )
    run = make(RunConfig(designer=f"given:{file}", **SOUNDS), tmp_path / "run")
    assert [reject.detail for reject in run.rejects()] == []
    stories = [sample.dialogue.turns[0] for sample in run]
    assert {(turn.user, turn.description) for turn in stories} == {
        ("steady rain", "Steady rain. A bell."),
        ("steady rain", "Steady rain. A cold wind."),
        ("steady rain", "Steady rain."),
    }


def test_another_content_of_the_file_is_another_run(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"id": "a", "elements": [RAIN]}))
    config = RunConfig(designer=f"given:{file}", **SOUNDS)
    before = compute_fingerprint(config)
    make(config, tmp_path / "run")
    file.write_text(json.dumps({"id": "b", "elements": [RAIN]}))
    assert compute_fingerprint(config).designer["content"] != before.designer["content"]
    with pytest.raises(ConfigMismatchError):
        make(config, tmp_path / "run")


def test_a_file_that_has_moved_is_the_same_run(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"id": "a", "elements": [RAIN]}))
    before = make(RunConfig(designer=f"given:{file}", **SOUNDS), tmp_path / "run")
    moved = file.rename(tmp_path / "moved.json")
    assert make(RunConfig(designer=f"given:{moved}", **SOUNDS), tmp_path / "run").ids() == before.ids()


def test_the_file_is_the_source_of_the_seeds(tmp_path):
    config = RunConfig(designer="given:mine.jsonl")
    assert config.seeds == "given:mine.jsonl"
    assert RunConfig.model_validate(config.model_dump(mode="json")) == config
    assert RunConfig(designer="given", designer_settings={"file": "mine.jsonl"}).seeds == config.seeds
    given_twice = {"designer": "given:mine.jsonl", "seeds": "starter"}
    for wrong in (given_twice, {}, {"designer": "given"}, {"designer": "given", "seeds": "starter"}):
        with pytest.raises(ValidationError):
            RunConfig(**wrong)


@pytest.mark.parametrize(
    "config", [RunConfig(designer="given:nowhere.jsonl"), RunConfig(designer="scripted:x", seeds="starter")]
)
def test_a_wrong_file_is_a_fault_of_the_designer(tmp_path, config):
    for start in (lambda: make(config, tmp_path / "run"), lambda: list(preview(config))):
        with pytest.raises(UserError) as caught:
            start()
        assert caught.value.field == "designer"


def test_the_command_line_needs_no_seeds_and_takes_none(tmp_path, copilot):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"id": "a", "elements": [RAIN]}))
    assert copilot("preview", "--designer", f"given:{file}")[0] == 0
    assert copilot("preview", "--designer", f"given:{file}", "--seeds", "starter")[0] == 2
    assert copilot("preview", "--designer", "given")[0] == 2
