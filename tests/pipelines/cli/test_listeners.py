"""`copilot listeners`: what is registered, also where it is not there, or broken."""

from __future__ import annotations

import json

import pytest

from copilot.errors import UserError, describe_install
from pipelines.cli.commands.listeners import run_listeners

BUILT_IN = {"clap", "dnsmos", "faster-whisper", "onnx-asr", "pe-a-frame", "whisper-encoder", "worker"}


@pytest.fixture(autouse=True)
def broken(tmp_path, monkeypatch):
    """A package with a listener that cannot be imported, and one that does not describe itself."""
    (tmp_path / "odd_ears.py").write_text("class Plain:\n    name = 'plain'\n")
    known = tmp_path / "odd_ears-2.dist-info"
    known.mkdir()
    (known / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-ears\nVersion: 2\n")
    (known / "entry_points.txt").write_text(
        "[copilot.listeners]\nplain = odd_ears:Plain\ngone = odd_ears:Gone\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")


@pytest.fixture
def listed(capsys):
    assert run_listeners(None, as_json=True) == 0
    return {one["name"]: one for one in json.loads(capsys.readouterr().out)}


def test_the_built_in_ones_are_listed_with_their_licences(listed):
    assert listed.keys() >= BUILT_IN
    assert {name: listed[name]["kinds"] for name in BUILT_IN} == {
        "clap": ["scorer", "embedder"],
        "dnsmos": ["rater"],
        "faster-whisper": ["recogniser"],
        "onnx-asr": ["recogniser"],
        "pe-a-frame": ["detector"],
        "whisper-encoder": ["embedder"],
        "worker": ["recogniser", "detector", "embedder", "scorer", "rater"],
    }
    parakeet = listed["onnx-asr"]
    assert (parakeet["licence"], parakeet["model_licence"]) == ("MIT", "CC-BY-4.0")
    assert "non-commercial" in listed["worker"]["model_licence"]
    undescribed = [
        f"{name} {setting['name']}"
        for name in BUILT_IN
        for setting in listed[name]["settings"]
        if not setting["description"].endswith(".")
    ]
    assert undescribed == []


def test_what_cannot_be_imported_says_so(listed, capsys):
    assert listed["gone"]["error"].startswith("AttributeError")
    assert (listed["plain"]["package"], listed["plain"]["kinds"]) == ("odd-ears", [])
    assert run_listeners(None, as_json=False) == 0
    assert "cannot be imported: AttributeError" in capsys.readouterr().out


def test_one_is_shown_with_its_options_and_settings(capsys):
    assert run_listeners("clap", as_json=False) == 0
    shown = capsys.readouterr().out
    assert "--scorer clap:MODEL or --embedder clap:MODEL" in shown
    assert "--scorer-set NAME=VALUE or --embedder-set NAME=VALUE" in shown
    run_listeners("faster-whisper", as_json=False)
    assert "--asr faster-whisper:MODEL" in capsys.readouterr().out


def test_what_is_missing_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr("copilot.plugins.find_spec", lambda _: None)
    assert run_listeners("pe-a-frame", as_json=False) == 0
    assert f"missing torch, transformers: {describe_install('pe-a-frame')}" in capsys.readouterr().out


def test_an_unknown_name_is_a_users_mistake():
    with pytest.raises(UserError, match="available: clap, "):
        run_listeners("nobody", as_json=False)
