"""`copilot designers`: what is registered, and how each is given."""

from __future__ import annotations

import json
import sys

import pytest

from copilot.errors import UserError
from pipelines.cli.commands.designers import run_designers

PACKAGE = """
from pydantic import Field

from copilot.designers.contract import Design, DesignerInfo
from copilot.dialogue import Dialogue
from copilot.frozen_model import FrozenModel
from helpers.made_runs import a_dialogue


class Settings(FrozenModel):
    mood: str = Field(default="calm", description="Of all stories.")


class Moody:
    info = DesignerInfo(
        summary="Stories of one mood", modules=("no_such_module",), settings=Settings, repeatable=True
    )


class Telling:
    info = DesignerInfo(settings=Settings)
    name = "telling"

    def __init__(self, context, settings):
        self.mood = settings.mood

    def fingerprint(self):
        return {"designer": self.name}

    def design(self, seed, run_seed):
        text = f"A {self.mood} story of rain."
        turns = [turn.model_copy(update={"description": text}) for turn in a_dialogue(seed).turns]
        return Design(Dialogue(seed_id=seed.id, seed_text=seed.text, turns=turns))
"""


@pytest.fixture(autouse=True)
def _installed(tmp_path, monkeypatch):
    (tmp_path / "moody_stories.py").write_text(PACKAGE)
    known = tmp_path / "moody_stories-1.dist-info"
    known.mkdir()
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: moody-stories\nVersion: 1\n")
    names = {"moody": "Moody", "telling": "Telling", "gone": "Gone"}
    entries = [f"{name} = moody_stories:{attribute}" for name, attribute in names.items()]
    (known / "entry_points.txt").write_text("\n".join(["[copilot.designers]", *entries, ""]))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    yield
    sys.modules.pop("moody_stories", None)


def test_the_built_in_ones_say_what_they_need_and_take(capsys):
    assert run_designers(None, as_json=True) == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    scripted, llm = listed["scripted"], listed["llm"]
    assert (scripted["package"], scripted["installed"], scripted["modules"]) == ("audiocopilot", True, [])
    assert (scripted["draws_tasks"], scripted["asks_model"], scripted["repeatable"]) == (True, False, True)
    assert (llm["draws_tasks"], llm["asks_model"], llm["repeatable"]) == (True, True, False)
    assert (scripted["draws_speech"], llm["draws_speech"]) == (True, True)
    assert (llm["extra"], llm["modules"]) == ("llm", ["openai", "httpx2"])


def test_the_table_has_them_all(capsys):
    run_designers(None, as_json=False)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    names = [line.split()[0] for line in lines if line[0] != " "]
    assert names[0] == "designer"
    assert {"scripted", "llm", "moody", "gone"} <= {*names}
    assert any(line.split()[:2] == ["moody", "no"] for line in lines)


def test_one_is_shown_with_its_settings(capsys):
    assert run_designers("moody", as_json=False) == 0
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert shown[:3] == ["moody: Stories of one mood", "package moody-stories", "given as --designer moody"]
    assert "settings, given as --designer-set NAME=VALUE" in shown
    assert "mood calm Of all stories." in shown


def test_an_unknown_name_is_refused():
    with pytest.raises(UserError, match=r"^unknown designer 'nobody'; available: .*moody"):
        run_designers("nobody", as_json=False)


TELLING = ("preview", "--seeds", "starter", "--num", "1", "--json", "--designer", "telling")


def test_settings_are_given_by_name(copilot):
    def described(*arguments: str) -> set[str]:
        turns = json.loads(copilot(*TELLING, *arguments)[1])["dialogue"]["turns"]
        return {turn["description"] for turn in turns}

    assert described() == {"A calm story of rain."}
    assert described("--designer-set", "mood=grim") == {"A grim story of rain."}


def test_a_wrong_setting_is_named_by_its_option(copilot):
    code, _, error = copilot(*TELLING, "--designer-set", "moods=grim")
    assert code == 2
    assert error.startswith("copilot: --designer-set: unknown setting 'moods'; available: mood")
