"""The command line: what it says to a mistake, and with which code it ends."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from helpers.paths import ROOT
from helpers.stand_ins import BACKENDS

from copilot import schemas
from copilot.errors import CopilotError, describe_install

SEEDS = ("--seeds", "starter", "--num", "2")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--designer", "shakespeare"), ["--designer", "shakespeare", "available:", "scripted"]),
        (("--sfx", "foley"), ["--sfx", "foley", "available:", "procedural"]),
        (("--sfx", "espeak"), ["--sfx", "espeak", "--tts"]),
        (("--turns", "6"), ["--turns", "6", "--limits", "5"]),
        (("--limits", "nowhere.json"), ["--limits", "nowhere.json", "No such file or directory"]),
        (("--random-seed", str(2**63)), ["--random-seed"]),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(copilot, tmp_path, options, words):
    code, _, said = copilot("generate", *SEEDS, "--out", str(tmp_path / "run"), *options)
    assert (code, [word for word in words if word not in said]) == (2, []), said
    assert said.startswith(f"copilot: {words[0]}")
    assert "Traceback" not in said
    assert "`" not in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "Invalid JSON"), ('{"duration": 30}', "duration"), ('{"n_elements": 0}', "n_elements")],
)
def test_wrong_limits_are_named(copilot, tmp_path, content, message):
    (tmp_path / "limits.json").write_text(content)
    call = ("generate", *SEEDS, "--out", str(tmp_path / "run"), "--limits", str(tmp_path / "limits.json"))
    code, _, said = copilot(*call)
    assert code == 2
    assert message in said
    assert "see: copilot schema scene-limits" in said


def test_a_missing_extra_says_how_to_install_it(copilot, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "hibari", None)
    code, _, said = copilot("generate", *SEEDS, "--out", str(tmp_path / "run"))
    assert code == 2
    assert describe_install("hibari") in said


@pytest.mark.parametrize("command", ["show", "stats", "verify"])
def test_a_folder_without_a_run(copilot, tmp_path, command):
    code, _, said = copilot(command, str(tmp_path))
    assert code == 2
    assert "no run.json" in said


def test_out_is_a_file(copilot, tmp_path):
    (tmp_path / "run").write_text("")
    code, _, said = copilot("generate", *SEEDS, *BACKENDS, "--out", str(tmp_path / "run"))
    assert code == 2
    assert f"--out: {tmp_path / 'run'}" in said


def test_paths_of_every_command_begin_at_home(copilot, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert copilot("schema", "--out=~/schemas")[0] == 0
    assert len(list((tmp_path / "schemas").iterdir())) == len(schemas.NAMES)
    assert copilot("schema", "--check=~/schemas")[0] == 0
    code, _, said = copilot("stats", "~/run")
    assert (code, f"{tmp_path}/run: no run found" in said) == (2, True)


def test_a_subset_in_memory_is_refused(copilot, tmp_path):
    code, _, said = copilot("filter", str(tmp_path), "--tier", "hq", "--out", "memory://x")
    assert (code, said.startswith("copilot: --out: ")) == (2, True)


def test_a_preview_takes_the_options_of_dialogues_from_a_file(copilot, tmp_path):
    (tmp_path / "run.yaml").write_text("seeds: starter\nturns: 2\nnum: 6000000\nout: x\nsfx: stable-audio\n")
    code, said, _ = copilot("preview", "--config", str(tmp_path / "run.yaml"), "--num", "1", "--json")
    assert code == 0
    assert len(json.loads(said)["dialogue"]["turns"]) == 2


def test_without_docstrings_there_is_no_fingerprint(tmp_path):
    call = (
        sys.executable,
        "-OO",
        "-c",
        "from pipelines.cli import main; main()",
        "generate",
        *SEEDS,
        "--out",
    )
    done = subprocess.run(
        (*call, str(tmp_path / "run")), capture_output=True, check=False, env={"PYTHONPATH": str(ROOT)}
    )
    assert (done.returncode, b"-OO" in done.stderr, b"Traceback" in done.stderr) == (2, True, False)
    assert not (tmp_path / "run").exists()


def test_schemas_are_printed_written_and_checked(copilot, tmp_path):
    assert copilot("schema")[1].split() == list(schemas.NAMES)
    assert json.loads(copilot("schema", "scene")[1])["title"] == "Scene"
    assert copilot("schema", "--out", str(tmp_path))[0] == 0
    assert copilot("schema", "--check", str(tmp_path))[0] == 0
    (tmp_path / "scene.schema.json").write_text("{}")
    code, _, said = copilot("schema", "--check", str(tmp_path))
    assert code == 2
    assert "scene.schema.json" in said
    assert copilot("schema", "sonnet")[0] == 2


def test_the_published_schemas_are_the_models():
    folder = ROOT / "schemas"
    assert {path.name for path in folder.iterdir()} == {f"{name}.schema.json" for name in schemas.NAMES}


def test_an_error_of_ours_ends_with_its_own_code(copilot, monkeypatch):
    def fail() -> None:
        raise CopilotError("the sky: is falling; run")

    monkeypatch.setattr("pipelines.cli.app.app", fail)
    assert copilot()[::2] == (1, "copilot: the sky: is falling; run\n")
