"""`copilot hear`, and what the other commands say of what was heard."""

from __future__ import annotations

import json

import pytest
from helpers.made_runs import a_run

LISTENERS = ("--asr", "short-memory", "--detector", "length")


@pytest.fixture
def run(tmp_path):
    a_run(tmp_path / "run", n_samples=2)
    return str(tmp_path / "run")


def test_figures_are_printed_counted_and_shown(copilot, run, tmp_path):
    code, printed, said = copilot("hear", run, *LISTENERS)
    assert code == 0, said
    assert "heard 2 of 2 samples" in printed
    assert "wer_mix" in printed
    assert "presence_min" in copilot("stats", run)[1]
    code, shown, _ = copilot("show", run, "--out", str(tmp_path / "shown"))
    assert code == 0
    assert "heard as “who is there”" in shown


def test_scripts_get_json(copilot, run, tmp_path):
    code, printed, _ = copilot("hear", run, *LISTENERS, "--json")
    answer = json.loads(printed)
    assert (code, answer["n_heard"], answer["figures"]["wer"]) == (0, 2, 0)
    assert "wer_mix" in json.loads(copilot("stats", run, "--json")[1])["heard"]
    shown = json.loads(copilot("show", run, "--out", str(tmp_path / "shown"), "--json")[1])
    assert [line["n_errors"] for line in shown["heard"]["lines"]] == [0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), ["--asr", "--detector"]),
        (("--asr", "nobody"), ["--asr", "nobody", "available:", "short-memory"]),
        (("--asr", "length"), ["--asr", "detector"]),
        (("--asr", "fails-at-mixes", "--asr-set", "volume=3"), ["--asr-set", "volume", "fault"]),
        (("--detector", "length", "--asr-set", "volume=3"), ["--asr-set", "--asr"]),
        (("--asr", "fails-at-mixes", "--worker-gpus", "1"), ["--worker-gpus", "--executor"]),
        (("--asr", "fails-at-mixes", "--workers", "0"), ["--workers"]),
        (("--asr", "fails-at-mixes", "--device", "tpu"), ["--device", "tpu"]),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(copilot, run, options, words):
    code, _, said = copilot("hear", run, *options)
    assert (code, [word for word in words if word not in said]) == (2, []), said
    assert "Traceback" not in said
    assert "`" not in said


def test_a_shard_that_cannot_be_read_makes_the_command_fail(copilot, run, tmp_path):
    (broken,) = (tmp_path / "run" / "shards").iterdir()
    broken.write_bytes(b"PAR1")
    code, printed, _ = copilot("hear", run, *LISTENERS)
    assert code == 1
    assert broken.name in printed
