"""`copilot renderers`: what is registered, also where it is not there, or broken."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from helpers.paths import ROOT

from copilot.errors import UserError, describe_install
from pipelines.cli.commands.renderers import run_renderers

PACKAGE = """
from typing import Literal

from pydantic import Field

from copilot.frozen_model import FrozenModel
from renderers.contract import RendererInfo


class Settings(FrozenModel):
    place: str = Field(description="Where it is.")
    depth: int = Field(default=3, ge=1, description="How deep.")
    kind: Literal["wet", "dry"] = "wet"
    weights: dict[str, float] = Field(default_factory=lambda: {"a": 0.5})


class Far:
    info = RendererInfo(
        summary="Sounds of far away",
        extra="far",
        modules=("json", "no_such_module", "no_such_package.module"),
        licence="MIT",
        model="somebody/far",
        model_licence="Far Community Licence",
        settings=Settings,
        target="place",
    )
    name = "far"
    tool = "sfx"


class Either:
    info = RendererInfo(
        summary="Whatever its script makes",
        modules=("no_such_module",),
        model_licence="its own",
        clones=True,
    )
    name = "either"

    @property
    def tool(self):
        raise AssertionError("only an instance knows")


class Undescribed:
    name = "undescribed"
    tool = "tts"
"""

ENTRY_POINTS = """
[copilot.renderers]
far = far_sounds:Far
either = far_sounds:Either
undescribed = far_sounds:Undescribed
gone = far_sounds:Gone
broken = broken_sounds:Broken
"""


@pytest.fixture
def _installed(tmp_path, monkeypatch):
    """A package with renderers of its own, one of which cannot be imported."""
    (tmp_path / "far_sounds.py").write_text(PACKAGE)
    (tmp_path / "broken_sounds.py").write_text("raise RuntimeError('the driver is [too] old')")
    known = tmp_path / "far_sounds-2.dist-info"
    known.mkdir()
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: far-sounds\nVersion: 2\n")
    (known / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    yield
    sys.modules.pop("far_sounds", None)


pytestmark = pytest.mark.usefixtures("_installed")


@pytest.fixture
def listed(capsys):
    assert run_renderers(None, as_json=True) == 0
    return {one["name"]: one for one in json.loads(capsys.readouterr().out)}


def test_the_built_in_ones_are_listed_with_their_info(listed):
    assert {"espeak", "library", "procedural", "speech-api", "vibevoice", "worker"} <= listed.keys()
    assert listed["procedural"] == {
        "name": "procedural",
        "package": "audiocopilot",
        "error": None,
        "tool": "sfx",
        "summary": "Sounds synthesised from their captions by rules, without weights",
        "installed": True,
        "extra": None,
        "modules": [],
        "missing": [],
        "licence": "Apache-2.0",
        "model": None,
        "model_licence": None,
        "target": None,
        "clones": False,
        "settings": [],
    }
    espeak = listed["espeak"]
    assert (espeak["tool"], espeak["extra"], espeak["modules"]) == ("tts", "espeak", ["espeakng_loader"])
    assert espeak["licence"] == "Apache-2.0; espeak-ng: GPL-3.0-or-later"
    speech_api = {setting["name"]: setting for setting in listed["speech-api"]["settings"]}
    assert speech_api["url"]["required"]
    assert speech_api["concurrency"]["default"] == 8


def test_every_setting_of_the_built_in_ones_is_described(listed):
    own = [one for one in listed.values() if one["package"] == "audiocopilot"]
    settings = {f"{one['name']} {s['name']}": s["description"] for one in own for s in one["settings"]}
    assert len(settings) > 20
    assert [name for name, description in settings.items() if not description.endswith(".")] == []


def test_one_that_lacks_modules_tells_which(listed):
    far = listed["far"]
    assert not far["installed"]
    assert far["missing"] == ["no_such_module", "no_such_package.module"]
    assert far["package"] == "far-sounds"
    assert (far["model"], far["model_licence"]) == ("somebody/far", "Far Community Licence")


def test_settings_come_with_defaults_and_schemas(listed):
    assert listed["far"]["target"] == "place"
    assert listed["far"]["settings"] == [
        {
            "name": "place",
            "required": True,
            "default": None,
            "description": "Where it is.",
            "schema": {"description": "Where it is.", "type": "string"},
        },
        {
            "name": "depth",
            "required": False,
            "default": 3,
            "description": "How deep.",
            "schema": {"default": 3, "description": "How deep.", "minimum": 1, "type": "integer"},
        },
        {
            "name": "kind",
            "required": False,
            "default": "wet",
            "description": "",
            "schema": {"default": "wet", "enum": ["wet", "dry"], "type": "string"},
        },
        {
            "name": "weights",
            "required": False,
            "default": {"a": 0.5},
            "description": "",
            "schema": {"additionalProperties": {"type": "number"}, "type": "object"},
        },
    ]


def test_one_for_either_tool_is_listed_as_such(listed):
    assert listed["either"]["tool"] == "sfx or tts"
    assert listed["either"]["clones"]
    assert listed["worker"]["tool"] == "sfx or tts"


def test_one_that_tells_nothing_is_listed_as_far_as_it_is_known(listed):
    undescribed = listed["undescribed"]
    known = (undescribed["tool"], undescribed["installed"], undescribed["licence"])
    assert known == ("tts", True, "not given")


def test_one_that_cannot_be_imported_is_listed_with_the_error(listed):
    assert listed["broken"]["error"] == "RuntimeError: the driver is [too] old"
    assert not listed["broken"]["installed"]
    assert listed["gone"]["error"].startswith("AttributeError: ")


def test_the_table_has_them_all(listed, capsys):
    missing = "no_such_module, no_such_package.module"
    assert run_renderers(None, as_json=False) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert [line.split()[0] for line in lines[1:] if line[0] != " "] == list(listed)
    at = next(number for number, line in enumerate(lines) if line.startswith("far "))
    assert [
        line.split(maxsplit=3)[3] if n == 0 else line.strip() for n, line in enumerate(lines[at : at + 4])
    ] == [
        "Sounds of far away",
        f"needs json, {missing}; missing {missing}: {describe_install('far')}",
        "licence: MIT",
        "model: somebody/far; its licence: Far Community Licence",
    ]
    assert lines[at].split()[:3] == ["far", "sfx", "no"]
    at = next(number for number, line in enumerate(lines) if line.startswith("either "))
    assert lines[at + 3].strip() == "licence of model or data: its own"
    (broken,) = [line for line in lines if line.startswith("broken ")]
    assert broken.endswith("no         cannot be imported: RuntimeError: the driver is [too] old")


def test_one_is_shown_with_its_settings(capsys):
    assert run_renderers("far", as_json=False) == 0
    assert [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()] == [
        "far: Sounds of far away",
        "package far-sounds",
        "given as --sfx far:PLACE",
        "needs json, no_such_module, no_such_package.module",
        f"installed no: missing no_such_module, no_such_package.module: {describe_install('far')}",
        "licence MIT",
        "model somebody/far",
        "its licence Far Community Licence",
        "",
        "settings, given as --sfx-set NAME=VALUE",
        "setting default",
        "place required Where it is.",
        "depth 3 How deep.",
        "kind wet",
        'weights {"a": 0.5}',
    ]


def test_one_for_either_tool_is_given_as_either(capsys):
    run_renderers("either", as_json=False)
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "given as --sfx either or --tts either" in said
    assert "installed no: missing no_such_module: install the package they are in" in said
    assert "voices clones those of a voice bank" in said
    assert "licence of model or data its own" in said


def test_one_that_cannot_be_imported_is_shown_with_the_error(capsys):
    assert run_renderers("broken", as_json=False) == 0
    assert "cannot be imported: RuntimeError: the driver is [too] old" in capsys.readouterr().out


def test_one_as_json_is_its_entry_of_the_list(listed, capsys):
    assert run_renderers("far", as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == listed["far"]


def test_a_name_that_nothing_is_registered_under_is_refused():
    with pytest.raises(UserError, match=r"^unknown renderer 'nobody'; available: .*far"):
        run_renderers("nobody", as_json=False)


def test_nothing_heavy_is_imported():
    heavy = ("torch", "diffusers", "transformers", "openai", "httpx2", "datasets", "espeakng_loader")
    script = (
        "import sys; from pipelines.cli.commands.renderers import run_renderers; "
        "run_renderers(None, as_json=True); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.splitlines()[-1] == "[]"
