"""`copilot designers`: what is registered, and how each is given."""

from __future__ import annotations

import json

import pytest

from copilot.errors import UserError
from pipelines.cli.commands.designers import run_designers

PACKAGE = """
from pydantic import Field

from copilot.designers.contract import DesignerInfo
from copilot.frozen_model import FrozenModel


class Settings(FrozenModel):
    mood: str = Field(default="calm", description="Of all stories.")


class Moody:
    info = DesignerInfo(
        summary="Stories of one mood", modules=("no_such_module",), settings=Settings, repeatable=True
    )
"""


@pytest.fixture(autouse=True)
def _installed(tmp_path, monkeypatch):
    (tmp_path / "moody_stories.py").write_text(PACKAGE)
    known = tmp_path / "moody_stories-1.dist-info"
    known.mkdir()
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: moody-stories\nVersion: 1\n")
    (known / "entry_points.txt").write_text(
        "[copilot.designers]\nmoody = moody_stories:Moody\ngone = moody_stories:Gone\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def test_the_built_in_ones_say_what_they_need_and_take(capsys):
    assert run_designers(None, as_json=True) == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    scripted, llm = listed["scripted"], listed["llm"]
    assert (scripted["package"], scripted["installed"], scripted["modules"]) == ("audiocopilot", True, [])
    assert (scripted["draws_tasks"], scripted["asks_model"], scripted["repeatable"]) == (True, False, True)
    assert (llm["draws_tasks"], llm["asks_model"], llm["repeatable"]) == (True, True, False)
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
    assert "mood calm Of all stories." in shown


def test_an_unknown_name_is_refused():
    with pytest.raises(UserError, match=r"^unknown designer 'nobody'; available: .*moody"):
        run_designers("nobody", as_json=False)
