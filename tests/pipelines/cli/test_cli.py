"""The command line: what it says to a mistake, and with which code it ends."""

from __future__ import annotations

import json
import sys

import pytest
from helpers.paths import ROOT
from helpers.stand_ins import BACKENDS

from copilot import schemas
from copilot.errors import CopilotError
from pipelines import cli

SEEDS = ("--seeds", "starter", "--num", "2")


def copilot(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["copilot", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    return ended.value.code or 0, said.out, said.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--designer", "shakespeare"), "--designer: unknown designer 'shakespeare'; available: "),
        (("--sfx", "foley"), "--sfx: unknown renderer 'foley'; available: "),
        (("--sfx", "espeak"), "--sfx espeak: this renderer is for tts; use --tts espeak"),
        (("--turns", "6"), "--turns: 6, but --limits allow 5"),
        (("--limits", "nowhere.json"), "--limits nowhere.json: No such file or directory"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(monkeypatch, capsys, tmp_path, options, message):
    code, _, said = copilot(monkeypatch, capsys, "generate", *SEEDS, "--out", str(tmp_path / "run"), *options)
    assert (code, said.startswith(f"copilot: {message}")) == (2, True), said
    assert "Traceback" not in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "Invalid JSON"), ('{"duration": 30}', "duration"), ('{"n_elements": 0}', "n_elements")],
)
def test_wrong_limits_are_named(monkeypatch, capsys, tmp_path, content, message):
    (tmp_path / "limits.json").write_text(content)
    call = ("generate", *SEEDS, "--out", str(tmp_path / "run"), "--limits", str(tmp_path / "limits.json"))
    code, _, said = copilot(monkeypatch, capsys, *call)
    assert code == 2
    assert message in said
    assert "see: copilot schema scene-limits" in said


def test_a_missing_extra_says_how_to_install_it(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    code, _, said = copilot(monkeypatch, capsys, "generate", *SEEDS, "--out", str(tmp_path / "run"))
    assert code == 2
    assert "needs the extra 'espeak'; install it with: pip install 'audiocopilot[espeak]'" in said


@pytest.mark.parametrize("command", ["show", "stats", "verify"])
def test_no_run_there(monkeypatch, capsys, tmp_path, command):
    code, _, said = copilot(monkeypatch, capsys, command, str(tmp_path))
    assert code == 2
    assert "no run.json" in said


def test_out_is_a_file(monkeypatch, capsys, tmp_path):
    (tmp_path / "run").write_text("")
    code, _, said = copilot(
        monkeypatch, capsys, "generate", *SEEDS, *BACKENDS, "--out", str(tmp_path / "run")
    )
    assert code == 2
    assert f"--out: {tmp_path / 'run'}" in said


def test_schemas_are_printed_written_and_checked(monkeypatch, capsys, tmp_path):
    assert copilot(monkeypatch, capsys, "schema")[1].split() == list(schemas.NAMES)
    assert json.loads(copilot(monkeypatch, capsys, "schema", "scene")[1])["title"] == "Scene"
    assert copilot(monkeypatch, capsys, "schema", "--out", str(tmp_path))[0] == 0
    assert copilot(monkeypatch, capsys, "schema", "--check", str(tmp_path))[0] == 0
    (tmp_path / "scene.schema.json").write_text("{}")
    code, _, said = copilot(monkeypatch, capsys, "schema", "--check", str(tmp_path))
    assert code == 2
    assert "not what the models say: scene.schema.json; run: make format" in said
    assert copilot(monkeypatch, capsys, "schema", "sonnet")[0] == 2


def test_the_published_schemas_are_the_models():
    folder = ROOT / "schemas"
    assert {path.name for path in folder.iterdir()} == {f"{name}.schema.json" for name in schemas.NAMES}


def test_an_error_of_ours_ends_with_its_own_code(monkeypatch, capsys):
    def fail() -> None:
        raise CopilotError("the sky: is falling; run")

    monkeypatch.setattr("pipelines.cli.app.app", fail)
    assert copilot(monkeypatch, capsys)[::2] == (1, "copilot: the sky: is falling; run\n")
