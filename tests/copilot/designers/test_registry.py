"""Designers by name: what each needs and takes is checked, and a wrong setting is named."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from copilot.designers import registry
from copilot.designers.contract import AsyncDesigner, DesignerContext, DesignerInfo, get_info
from copilot.designers.llm.service import LlmService
from copilot.designers.scripted import ScriptedDesigner
from copilot.errors import CopilotError, MissingExtraError, UserError, describe_install

PACKAGE = """
from pydantic import Field, model_validator

from copilot.designers.contract import DesignerInfo
from copilot.errors import CopilotError
from copilot.frozen_model import FrozenModel


class Settings(FrozenModel):
    mood: str = "calm"
    depth: int = Field(default=3, ge=1)

    @model_validator(mode="after")
    def _together(self):
        if self.mood == "grim" and self.depth > 5:
            raise ValueError("grim stories are not deep")
        return self


class Plain:
    name = "plain"

    def __init__(self, context):
        self.context = context

    def fingerprint(self):
        return {"designer": self.name}

    def design(self, seed, run_seed):
        raise NotImplementedError


class Moody(Plain):
    info = DesignerInfo(settings=Settings)
    name = "moody"

    def __init__(self, context, settings):
        super().__init__(context)
        self.settings = settings


class Extra(Plain):
    info = DesignerInfo(extra="moods", modules=("no_such_module",))


class Lacking(Plain):
    info = DesignerInfo(modules=("json", "no_such_module"))


class Unmade(Plain):
    def __init__(self, context):
        raise RuntimeError("the licence has run out")


class Refusing(Plain):
    def __init__(self, context):
        raise CopilotError("the server is away")


class NotOne:
    name = "notone"

    def __init__(self, context):
        pass


class Waiting:
    name = "waiting"
    concurrency = 2

    def __init__(self, context):
        pass

    def fingerprint(self):
        return {"designer": self.name}

    def prompt_hashes(self):
        return {}

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc_info):
        pass

    async def design_async(self, seed, run_seed):
        raise NotImplementedError


class Half:
    name = "half"

    def __init__(self, context):
        pass

    async def design_async(self, seed, run_seed):
        raise NotImplementedError


class Asking(Plain):
    info = DesignerInfo(extra="moods", modules=("no_such_module",), asks_model=True)


class Numbers(Plain):
    def fingerprint(self):
        return {"version": 1}
"""
NAMES = (
    "Plain",
    "Moody",
    "Extra",
    "Lacking",
    "Unmade",
    "Refusing",
    "NotOne",
    "Waiting",
    "Half",
    "Asking",
    "Numbers",
)


@pytest.fixture(autouse=True)
def _installed(tmp_path, monkeypatch):
    (tmp_path / "odd_stories.py").write_text(PACKAGE)
    known = tmp_path / "odd_stories-1.dist-info"
    known.mkdir()
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-stories\nVersion: 1\n")
    entries = [f"{name.lower()} = odd_stories:{name}" for name in NAMES]
    (known / "entry_points.txt").write_text("\n".join(["[copilot.designers]", *entries, ""]))
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("odd_stories", None)


CONTEXT = DesignerContext(n_turns=2)


def test_one_without_settings_gets_the_context_alone():
    assert registry.create("plain", CONTEXT).context is CONTEXT
    assert get_info(registry.find_class("plain")) == DesignerInfo()


def test_one_with_settings_gets_them_as_what_they_are():
    designer = registry.create("moody", CONTEXT, {"depth": "4"})
    assert designer.context is CONTEXT
    assert (designer.settings.mood, designer.settings.depth) == ("calm", 4)
    assert registry.create("moody", CONTEXT).settings.depth == 3


def test_our_own_are_found_by_name():
    assert registry.find_class("scripted") is ScriptedDesigner
    assert registry.find_info("llm").asks_model


@pytest.mark.parametrize(
    ("name", "settings", "field", "named"),
    [
        ("nobody", {}, "designer", "available: .*plain"),
        ("plain", {"mood": "grim"}, "designer_settings", "mood"),
        ("moody", {"moods": "grim"}, "designer_settings", "available: mood, depth"),
        ("moody", {"depth": "0"}, "designer_settings", "depth='0'"),
        ("moody", {"mood": "grim", "depth": "9"}, "designer_settings", "grim stories are not deep"),
        ("unmade", {}, "designer", r"RuntimeError: the licence has run out \(odd_stories.py"),
        ("notone", {}, "designer", "fingerprint, design"),
        ("half", {}, "designer", "no concurrency, fingerprint, prompt_hashes, __aenter__, __aexit__$"),
        ("lacking", {}, None, "no_such_module"),
    ],
)
def test_what_is_wrong_is_named(name, settings, field, named):
    with pytest.raises(UserError, match=named) as caught:
        registry.create(name, CONTEXT, settings)
    assert caught.value.field == field


def test_a_missing_extra_says_how_to_install_it():
    with pytest.raises(MissingExtraError) as caught:
        registry.create("extra", CONTEXT)
    assert caught.value.extra == "moods"
    assert describe_install("moods") in str(caught.value)


def test_one_that_asks_a_model_needs_its_modules_only_with_a_service():
    assert registry.get_fingerprint(registry.create("asking", CONTEXT)) == {"designer": "plain"}
    context = replace(CONTEXT, service=LlmService(urls=("http://localhost:1/v1",)))
    with pytest.raises(MissingExtraError, match="moods"):
        registry.create("asking", context)


def test_an_async_designer_need_not_report_a_load():
    assert isinstance(registry.create("waiting", CONTEXT), AsyncDesigner)


def test_an_error_of_the_project_stays_what_it_is():
    with pytest.raises(CopilotError, match=r"^the server is away$") as caught:
        registry.create("refusing", CONTEXT)
    assert type(caught.value) is CopilotError


def test_a_fingerprint_is_made_of_texts():
    assert registry.get_fingerprint(registry.create("plain", CONTEXT)) == {"designer": "plain"}
    with pytest.raises(UserError, match="'version': 1"):
        registry.get_fingerprint(registry.create("numbers", CONTEXT))
