"""Registered renderers, as plain objects."""

from __future__ import annotations

import pytest

from copilot.errors import UserError
from renderers.listing import list_renderers


def test_a_renderer_is_described_without_being_constructed():
    [library] = list_renderers("library")
    assert (library.tool, library.package, library.target) == ("sfx", "audiocopilot", "folder")
    assert library.installed
    assert [setting.name for setting in library.settings if setting.required] == ["folder"]


def test_a_renderer_whose_tool_only_an_instance_knows_is_for_either():
    [worker] = list_renderers("worker")
    assert worker.tool == "sfx or tts"


def test_all_are_listed_by_name():
    names = [renderer.name for renderer in list_renderers()]
    assert names == sorted(names)
    assert {"espeak", "library", "procedural", "worker"} <= set(names)


def test_an_unknown_name_is_refused():
    with pytest.raises(UserError, match="unknown renderer 'nope'"):
        list_renderers("nope")
