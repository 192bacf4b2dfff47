"""`copilot continue`."""

from __future__ import annotations

import json

import pytest

from pipelines.config import RunConfig
from pipelines.main_job import GenerateRequest, generate
from pipelines.run.open import open_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("old") / "run"
    config = RunConfig(seeds="starter", designer="stand-in", sfx="noise", tts="murmur")
    generate(GenerateRequest(config=config, out=place, num=1))
    return open_run(place)


def test_operations_of_a_file_make_the_turn(copilot, run, tmp_path):
    file, out = tmp_path / "edit.json", str(tmp_path / "new")
    file.write_text(json.dumps([{"op": "change", "id": 4, "loudness": -14}]))
    arguments = ("--out", out, "--request", "Make the bell louder.", "--operations", str(file))
    code, printed, _ = copilot("continue", run.place, run.ids()[0], *arguments, "--json")
    assert code == 0
    assert json.loads(printed)["totals"]["accepted"] == 1
    (sample,) = open_run(out)
    assert [turn.user for turn in sample.dialogue.turns][3:] == ["Make the bell louder."]


def test_a_reject_shows_its_reason(copilot, run, tmp_path):
    file, out = tmp_path / "edit.json", str(tmp_path / "new")
    file.write_text(json.dumps([[{"op": "remove", "id": 9}]]))
    arguments = ("--out", out, "--request", "No bell.", "--operations", str(file))
    code, printed, _ = copilot("continue", run.place, run.ids()[0], *arguments)
    assert code == 1
    assert "design/operations-make-scene: " in printed


@pytest.mark.parametrize(
    ("given", "option"),
    [
        (["--request", "One.", "--operations", "nowhere.json"], "--operations"),
        (["--request", "One."], "--designer"),
        (["--request", "One.", "--turns", "2", "--designer", "scripted"], "--turns"),
        (["--designer", "llm"], "--llm-url"),
        (["--designer", "llm", "--llm-url", "http://127.0.0.1:9/v1"], "--llm-model"),
        (["--designer", "scripted", "--llm-model", "tiny"], "--llm-model"),
    ],
)
def test_what_cannot_be_names_its_option(copilot, run, tmp_path, given, option):
    code, _, error = copilot("continue", run.place, run.ids()[0], "--out", str(tmp_path / "new"), *given)
    assert code == 2
    assert error.startswith(f"copilot: {option}: ")


def test_operations_need_no_designer_and_are_not_empty(copilot, run, tmp_path):
    file = tmp_path / "edit.json"
    arguments = ("--out", str(tmp_path / "new"), "--request", "One.", "--operations", str(file))
    file.write_text(json.dumps([{"op": "remove", "id": 4}]))
    _, _, error = copilot("continue", run.place, run.ids()[0], *arguments, "--designer", "scripted")
    assert error.startswith("copilot: --designer: ")
    for content in ("[]", '{"op": "remove"}', '[{"op": "remove"}]'):
        file.write_text(content)
        _, _, error = copilot("continue", run.place, run.ids()[0], *arguments)
        assert error.startswith("copilot: --operations: ")
