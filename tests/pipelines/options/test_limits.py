"""Limits of scenes: by name, from a file, from YAML; what is wrong with them; the page that lists them."""

from __future__ import annotations

import re

import pytest
from helpers.paths import ROOT

from copilot.errors import UserError
from copilot.frozen_model import Range
from copilot.scene import SceneLimits
from pipelines.config_file import load_config
from pipelines.dialogue_preview import preview
from pipelines.options.limits import read_limits
from pipelines.options.run import RunOptions


def test_without_any_they_are_the_published():
    assert read_limits(None, ()) == SceneLimits()


def test_limits_by_name():
    found = read_limits(None, ["loudness_lufs=-40..-10", "n_elements=12", "panning_step=0.05"])
    expected = SceneLimits(
        loudness_lufs=Range(low=-40, high=-10), n_elements=12, panning_step=0.05, description_chars=1440
    )
    assert found == expected


def test_sounds_follow_the_duration_of_the_scene():
    found = read_limits(None, ["duration_s=30"])
    assert (found.start_time_s, found.element_duration_s) == (Range(low=0, high=26), Range(low=0.2, high=30))
    assert read_limits(None, ["duration_s=5"]).start_time_s.high == 2.5
    assert read_limits(None, ["duration_s=8"]) == SceneLimits()
    found = read_limits(None, ["duration_s=30", "start_time_s=1..2"])
    assert (found.start_time_s, found.element_duration_s) == (Range(low=1, high=2), Range(low=0.2, high=30))


def test_descriptions_follow_the_number_of_sounds():
    assert read_limits(None, ["n_elements=20"]).description_chars == 2400
    assert read_limits(None, ["n_elements=5"]).description_chars == 1200
    assert read_limits(None, ["n_elements=20", "description_chars=900"]).description_chars == 900


def test_names_go_before_the_file(tmp_path):
    (tmp_path / "limits.json").write_text('{"n_elements": 7, "start_time_s": {"low": 0, "high": 5}}')
    found = read_limits(tmp_path / "limits.json", ["duration_s=20"])
    assert (found.n_elements, found.duration_s) == (7, 20)
    assert (found.start_time_s.high, found.element_duration_s.high) == (5, 20)


def test_limits_in_yaml(tmp_path):
    (tmp_path / "run.yaml").write_text(
        "seeds: starter\nlimit: {duration_s: 30, loudness_lufs: -40..-10, panning: {low: -0.5, high: 0.5}}\n"
    )
    found = load_config(tmp_path / "run.yaml").create_run_config().limits
    assert (found.duration_s, found.loudness_lufs) == (30, Range(low=-40, high=-10))
    assert found.panning == Range(low=-0.5, high=0.5)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["duration=3"], "duration_s"),
        (["zzz=1"], "time_step_s"),
        (["duration_s"], "duration_s"),
        (["duration_s=1", "duration_s=2"], "duration_s"),
        (["n_elements=x"], "n_elements"),
        (["n_elements=2.5"], "n_elements"),
        (["duration_s=nan"], "duration_s"),
        (["duration_s=1..2"], "duration_s"),
        (["duration_s.low=1"], "duration_s"),
        (["loudness_lufs=-40"], "loudness_lufs=-30..-10"),
        (["loudness_lufs=a..b"], "loudness_lufs.low"),
        (["loudness_lufs=-10..-40"], "loudness_lufs"),
        (["loudness_lufs=-80..-10"], "loudness_lufs"),
        (["panning=0.5..1"], "ambience_panning"),
        (["start_time_s=9..10"], "start_time_s"),
        (["start_time_s=7..9", "element_duration_s=3..8"], "start_time_s"),
        (["duration_s=0.1"], "element_duration_s"),
    ],
)
def test_a_wrong_limit_is_named(given, named):
    with pytest.raises(UserError) as caught:
        RunOptions(seeds="starter", limit=given).create_run_config()
    assert caught.value.field == "limit"
    assert named in str(caught.value)


def test_dialogues_keep_limits_that_are_given_by_name():
    options = RunOptions(seeds="starter", limit=["duration_s=30", "n_elements=12"])
    (record,) = preview(options.create_run_config(), 1)
    assert record.dialogue is not None
    assert max(turn.scene.duration_s for turn in record.dialogue.turns) == 30


def test_the_page_lists_every_limit_with_its_default():
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|", page.partition("### Limits")[2], re.MULTILINE)
    defaults = SceneLimits()
    expected = {}
    for name in SceneLimits.model_fields:
        value = getattr(defaults, name)
        is_range = isinstance(value, Range)
        expected[name] = f"{value.low:g}..{value.high:g}" if is_range else f"{value:g}"
    assert dict(rows) == expected
