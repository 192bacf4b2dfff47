"""Renderers by name: what is wrong with one of anybody's is said in one message that names it."""

from __future__ import annotations

import importlib
import re
import sys

import pytest
from pydantic import Field

from copilot import plugins
from copilot.errors import CopilotError, UserError
from copilot.frozen_model import FrozenModel
from pipelines.backends import compute_fingerprint
from pipelines.config import RunConfig
from pipelines.stages.render import RenderStage
from pipelines.stem_store import StemStore
from renderers import registry

PACKAGE = """
from pydantic import Field, field_validator, model_validator

from copilot.errors import CopilotError
from copilot.frozen_model import FrozenModel
from renderers.contract import RendererInfo


class Whole:
    name = "whole"
    tool = "sfx"

    def fingerprint(self):
        return {"backend": "whole"}

    def prepare(self):
        pass

    def voices(self):
        return []

    def render(self, requests):
        return []

    def close(self):
        pass


class Toolless(Whole):
    @property
    def tool(self):
        raise AttributeError("tool")

    name = property(tool.fget)


class Odd(Whole):
    @property
    def tool(self):
        return "asr"


class Unmade(Whole):
    def __init__(self):
        raise RuntimeError("the licence has run out")


class Refusing(Whole):
    def __init__(self):
        raise CopilotError("whole: the server is away")


class Numbers(Whole):
    def fingerprint(self):
        return {"backend": "whole", "a": 1}


class Listed(Whole):
    def fingerprint(self):
        return ["whole"]


class Unready(Whole):
    def prepare(self):
        raise RuntimeError("no room on the card")


class Settings(FrozenModel):
    place: str
    depth: int = Field(3, ge=1)
    weights: dict[str, float] = {}

    @field_validator("place")
    @classmethod
    def _known(cls, given):
        if given == "nowhere":
            raise ValueError("is on no map; give a place")
        return given

    @model_validator(mode="after")
    def _together(self):
        if self.depth > 10 and self.weights:
            raise ValueError("deep places have no weights")
        return self


class Placed(Whole):
    info = RendererInfo(settings=Settings, target="place")

    def __init__(self, settings):
        self.settings = settings


class Spoken(Whole):
    info = RendererInfo(extra="spoken", modules=("no_such_module",))
    tool = "tts"
"""


@pytest.fixture(autouse=True)
def _installed(tmp_path, monkeypatch):
    (tmp_path / "odd_sounds.py").write_text(PACKAGE)
    (tmp_path / "lacking_sounds.py").write_text("import nosuchlib")
    classes = re.findall(r"^class (\w+)\(?W?", PACKAGE, re.MULTILINE)
    entries = [f"{name.lower()} = odd_sounds:{name}" for name in classes]
    known = tmp_path / "odd_sounds-2.dist-info"
    known.mkdir()
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-sounds\nVersion: 2\n")
    (known / "entry_points.txt").write_text(
        "\n".join(["[copilot.renderers]", *entries, "lacking = lacking_sounds:Lacking"])
        + "\n[copilot.designers]\nlacking = lacking_sounds:Lacking\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("odd_sounds", None)


@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        ("nobody", "sfx", ["unknown renderer 'nobody'", "procedural"]),
        (
            "lacking",
            "sfx",
            ["renderer 'lacking' (odd-sounds)", "'nosuchlib' (lacking_sounds.py, line 1)"],
        ),
        ("toolless", "sfx", ["renderer 'toolless' (odd-sounds)", "it has no name, tool", "docs/backends.md"]),
        ("odd", "sfx", ["'asr'", "sfx or tts"]),
        (
            "unmade",
            "sfx",
            ["renderer 'unmade' (odd-sounds)", "the licence has run out (odd_sounds.py, line "],
        ),
        ("settings", "sfx", ["renderer 'settings' (odd-sounds)", "ValidationError: "]),
        ("spoken", "sfx", ["speech", "`tts`", "`sfx`"]),
        ("worker:f5-tts", "sfx", ["speech", "`tts`", "`sfx`"]),
        ("placed", "sfx", ["place is missing", "give placed:PLACE"]),
        ("whole:x", "sfx", ["has no target", "leave out :x"]),
        ("placed:nowhere", "sfx", ["place='nowhere': is on no map; give a place"]),
        ("worker:nosuchprogram", None, ["program nosuchprogram not found"]),
    ],
)
def test_one_that_cannot_be_made_is_the_users_mistake(spec, field, words):
    with pytest.raises(UserError) as caught:
        registry.create(spec, "sfx", {"depth": "4"} if spec == "placed" else {})
    assert caught.value.field == field
    assert [word for word in words if word not in str(caught.value)] == []
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "field", "words"),
    [
        ({"place": "there"}, "sfx", ["place is set twice", "`sfx_settings`"]),
        ({"weights": "2"}, "sfx_settings", ["weights='2'", "weights.NAME=VALUE"]),
        ({"deep": "2"}, "sfx_settings", ["unknown setting 'deep'", "available: place, depth, weights"]),
        ({"depth": "0"}, "sfx_settings", ["depth='0': Input should be greater than or equal to 1"]),
        ({"depth": "11", "weights": {"a": "1"}}, "sfx_settings", ["deep places have no weights"]),
    ],
)
def test_settings_that_are_wrong_are_named(settings, field, words):
    with pytest.raises(UserError) as caught:
        registry.create("placed:here", "sfx", settings)
    assert caught.value.field == field
    assert [word for word in words if word not in str(caught.value)] == []


def test_a_wrong_target_among_the_settings_is_named_as_a_setting():
    with pytest.raises(UserError, match="is on no map") as caught:
        registry.create("placed", "sfx", {"place": "nowhere"})
    assert caught.value.field == "sfx_settings"


def test_a_renderer_without_settings_takes_none():
    with pytest.raises(UserError, match="whole has no settings; leave out depth") as caught:
        registry.create("whole", "sfx", {"depth": "1"})
    assert caught.value.field == "sfx_settings"


def test_a_required_setting_that_is_not_the_target_is_requested_as_a_setting(monkeypatch):
    class Required(FrozenModel):
        place: str = "here"
        colour: str = Field()

    make = registry.find_class("placed", "sfx")
    monkeypatch.setattr(importlib.import_module("odd_sounds"), "Settings", Required)
    monkeypatch.setattr(make, "info", type(make.info)(settings=Required, target="place"))
    with pytest.raises(UserError, match="colour is missing; give colour=VALUE") as caught:
        registry.create("placed", "sfx")
    assert caught.value.field == "sfx_settings"


def test_a_target_that_is_not_a_setting_is_refused(monkeypatch):
    make = registry.find_class("placed", "sfx")
    undeclared = type(make.info)(settings=make.info.settings, target="elsewhere")
    monkeypatch.setattr(make, "info", undeclared)
    assert not plugins.requires_target(undeclared)
    for spec in ("placed", "placed:here"):
        with pytest.raises(UserError, match="'elsewhere'") as caught:
            registry.create(spec, "sfx")
        assert caught.value.field == "sfx"


def test_an_unknown_tool_is_refused():
    with pytest.raises(UserError, match="'nope'") as caught:
        registry.create("procedural", "nope")
    assert caught.value.field == "tool"


def test_a_designer_that_cannot_be_imported_is_named():
    with pytest.raises(UserError, match=r"'lacking' \(odd-sounds\) .*ModuleNotFoundError") as caught:
        compute_fingerprint(RunConfig(seeds="starter", designer="lacking"))
    assert caught.value.field == "designer"


def test_an_error_of_the_project_while_it_is_made_stays_what_it_is():
    with pytest.raises(CopilotError, match=r"^whole: the server is away$") as caught:
        registry.create("refusing", "sfx")
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    ("name", "found"),
    [("numbers", "'a': 1"), ("listed", "['whole']")],
)
def test_a_fingerprint_that_is_not_made_of_texts_is_refused(name, found):
    with pytest.raises(UserError, match=re.escape(found)) as caught:
        compute_fingerprint(RunConfig(seeds="starter", sfx=name))
    assert caught.value.field == "sfx"


def test_one_that_cannot_be_prepared_ends_the_run_in_one_message(tmp_path):
    renderer = registry.create("unready", "sfx")
    with pytest.raises(UserError, match=r"no room on the card \(odd_sounds.py, line \d+\)$") as caught:
        RenderStage(renderer, StemStore(str(tmp_path / "stems")), 1)
    assert caught.value.field == "sfx"


def test_isolated_renderers_use_a_device():
    assert registry.uses_device("vibevoice", "tts")
    assert registry.uses_device("worker:python3 tones.py", "sfx")
    assert not registry.uses_device("procedural", "sfx")
    assert not registry.uses_device("whole", "sfx")
