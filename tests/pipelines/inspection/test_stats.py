"""Statistics: every figure of runs that are known by heart, and nothing read of the audio."""

from __future__ import annotations

import io
import json
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers.made_runs import a_reject, a_run, a_sample
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from copilot.arrow import AUDIO_COLUMNS
from copilot.edit import Change, Remove
from copilot.errors import UserError
from copilot.sample import Sample
from copilot.vocabulary import Check
from pipelines.cli.commands.stats import print_stats, run_stats_command
from pipelines.inspection.stats import CheckStats, ElementStats, TaskStats, compute_stats
from pipelines.inspection.streaming_stats import Distinct, DistinctCounter, Spread, SpreadCounter, TopCounter
from pipelines.run.shards import ShardWriter


def with_checks(sample: Sample, *checks: Check) -> Sample:
    return replace(sample, checks=checks)


def louder_rain(sample: Sample, loudness: float) -> Sample:
    """The sample with another loudness of the rain in all turns, and a fourth turn without the door."""
    story, *edits = sample.dialogue.turns
    turns = []
    for turn in (story, *edits):
        elements = (
            e.model_copy(update={"loudness": loudness}) if e.id == 1 else e for e in turn.scene.elements
        )
        scene = turn.scene.model_copy(update={"elements": tuple(elements)})
        turns.append(turn.model_copy(update={"scene": scene}))
    last = turns[-1]
    shorter = last.scene.model_copy(
        update={
            "elements": tuple(
                e.model_copy(update={"duration": 1.5, "start_time": 0.0})
                for e in last.scene.elements
                if e.id == 1
            )
        }
    )
    operations = (Remove(id=2), Remove(id=4), Change(id=1, duration=1.5))
    turns.append(last.model_copy(update={"task": "open", "scene": shorter, "operations": operations}))
    return replace(sample, dialogue=sample.dialogue.model_copy(update={"turns": tuple(turns)}))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two plain samples (hq), one (valid) with other scenes and figures; three rejects."""
    folder = tmp_path_factory.mktemp("stats") / "run"
    run = a_run(folder, n_samples=0, n_rejects=0)
    run.record_seeds([f"test/{k}" for k in range(9)], {})
    samples = [
        with_checks(a_sample(0, tier="hq"), Check("silence", 0.25, 1.0), Check("true_peak", -3.0, -1.0)),
        with_checks(a_sample(1, tier="hq"), Check("silence", 0.5, 1.0), Check("true_peak", -1.0, -1.0)),
        with_checks(
            louder_rain(a_sample(2, tier="valid"), -25.0),
            Check("silence", 1.5, 1.0),
            Check("true_peak", -2.0, -1.0),
            Check("rule/words", 2.0, 0.0),
        ),
    ]
    samples[2] = replace(
        samples[2],
        headroom_db=-2.5,
        provenance=replace(samples[2].provenance, normalised=("a", "b", "c")),
    )
    told = "Traceback:\n  line 3\nValueError: " + "no " * 40 + "\n"
    unanswered = replace(a_reject(2), stage="design", reason="no-reply", detail=told)
    rejects = [a_reject(0), replace(a_reject(1), detail="turn 1: another"), unanswered]
    for part, refused in ((samples[:2], rejects), (samples[2:], [])):
        writer = ShardWriter(run)
        for sample in part:
            writer.add_sample(sample)
        for reject in refused:
            writer.add_reject(reject)
        writer.commit()
    return folder


def test_every_figure(made: Path):
    stats = compute_stats(made)
    stems = [stem.info.loudness_lufs for k in range(3) for stem in a_sample(k).stems]
    ordered = sorted(round(loudness, 3) for loudness in stems)
    asked = [-28, -18, -15, -28, -12, -15, -28, -12, -20] * 2
    asked += [-25, -18, -15, -25, -12, -15, -25, -12, -20, -25]

    assert (stats.n_seeds, stats.n_samples, stats.n_rejects) == (9, 3, 3)
    assert stats.tiers == {"hq": 2, "valid": 1}
    assert stats.reasons == {"validate/one-ambience": 2, "design/no-reply": 1}
    assert stats.examples == {
        "validate/one-ambience": "turn 0: there is no ambience",
        "design/no-reply": "ValueError: " + "no " * 35 + "no…",
    }
    assert list(stats.tasks) == ["story", "volume", "replace", "open"]
    assert stats.tasks["story"] == TaskStats(3, 3 / 10, 2 / 3)
    assert stats.tasks["open"] == TaskStats(1, 1 / 10, 0.0)
    assert stats.elements == (
        ElementStats("ambience", "sfx", n_sounds=3, n_in_scenes=10),
        ElementStats("effect", "sfx", n_sounds=6, n_in_scenes=12),
        ElementStats("speech", "tts", n_sounds=3, n_in_scenes=6),
    )
    assert stats.turn_duration_s == Spread(10, 1.5, 2.0, 19.5 / 10, 2.0)
    assert stats.story_hours == 6 / 3600
    assert stats.edit_hours == 13.5 / 3600
    assert stats.asked_loudness_lufs == Spread(28, -28, statistics.median(asked), sum(asked) / 28, -12)
    measured = stats.stem_loudness_lufs
    assert (measured.n, measured.low, measured.high) == (12, min(stems), max(stems))
    assert measured.median == pytest.approx((ordered[5] + ordered[6]) / 2, abs=1e-9)
    assert measured.mean == pytest.approx(statistics.fmean(stems), abs=1e-12)
    assert stats.headroom_db == Spread(3, -2.5, 0.0, -2.5 / 3, 0.0)
    assert stats.checks == {
        "silence": CheckStats(3, 0.5, 1.5, 2 / 3),
        "true_peak": CheckStats(3, -2.0, -1.0, 1.0),
        "rule/words": CheckStats(1, 2.0, 2.0, 0.0),
    }
    assert (stats.n_normalisations, stats.n_normalised_samples) == (3, 1)
    assert stats.stories == Distinct(3, 2)
    assert stats.scenes == Distinct(10, 7)
    assert stats.captions == Distinct(9, 3)
    assert stats.top_captions == (("a door slams", 3), ("a small bell", 3), ("steady rain", 3))
    assert stats.sample_bytes == sum(path.stat().st_size for path in (made / "shards").iterdir())
    assert stats.reject_bytes == sum(path.stat().st_size for path in (made / "rejects").iterdir())


def test_no_audio_is_read(made: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    iterate = pq.ParquetFile.iter_batches

    def noted(self: pq.ParquetFile, *args: object, columns: Sequence[str], **options: object):
        asked.extend(columns)
        return iterate(self, *args, columns=columns, **options)

    def refused(*args: object, **options: object) -> None:
        raise AssertionError("reads whole row groups")

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", noted)
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", refused)
    compute_stats(made)
    assert asked
    assert not [c for c in asked for audio in AUDIO_COLUMNS if audio == c or audio.startswith(f"{c}.")]


def test_run_without_samples(tmp_path: Path):
    stats = compute_stats(Path(a_run(tmp_path / "run", n_samples=0, n_rejects=0).place))
    assert stats.turn_duration_s == Spread(0)
    assert (stats.tasks, stats.elements, stats.checks) == ({}, (), {})
    assert stats.captions == Distinct(0, 0)


def test_a_folder_without_a_run_is_a_user_error(tmp_path: Path):
    with pytest.raises(UserError, match=r"no run\.json") as caught:
        compute_stats(tmp_path)
    assert caught.value.field == "place"


def test_json_holds_every_figure(made: Path, capsys: pytest.CaptureFixture[str]):
    run_stats_command(str(made), as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert said["run"] == str(made)
    assert said["n_samples"] == 3
    assert said["tasks"]["story"] == {"n": 3, "share": 0.3, "hq_share": 2 / 3}
    assert said["headroom_db"] == {"n": 3, "low": -2.5, "median": 0.0, "mean": -2.5 / 3, "high": 0.0}
    assert said["reasons"] == {"validate/one-ambience": 2, "design/no-reply": 1}


def lines_of(stats_of: Path) -> list[list[str]]:
    """What is printed, each line as its words."""
    console = Console(width=100, file=io.StringIO())
    print_stats(compute_stats(stats_of), "runs/x", console)
    assert isinstance(console.file, io.StringIO)
    return [line.split() for line in console.file.getvalue().splitlines()]


def test_tables(made: Path):
    lines = lines_of(made)
    for expected in (
        "runs/x",
        "samples 3",
        "hq 2 (66.7 %)",
        "valid 1 (33.3 %)",
        "rejected 3",
        "seeds left 3",
        "distinct stories 2 of 3",
        "normalisations 3 in 1 samples",
        "story 3 30.0 % 66.7 %",
        "open 1 10.0 % 0.0 %",
        "validate one-ambience 2 66.7 % turn 0: there is no ambience",
        "ambience sfx 3 10",
        "headroom, dB 3 -2.50 0.00 -0.83 0.00",
        "silence 0.5 1.5 66.7 %",
        "steady rain 3",
    ):
        assert expected.split() in lines


def test_tables_without_rows_are_left_out(tmp_path: Path):
    lines = lines_of(Path(a_run(tmp_path / "run", n_samples=0, n_rejects=0).place))
    assert ["samples", "0"] in lines
    assert not [line for line in lines if line[:1] in (["turns"], ["checks"], ["sounds"], ["spread"])]


@given(st.lists(st.lists(st.integers(-5000, 5000), max_size=8), min_size=1, max_size=6))
def test_tally_is_what_statistics_say(parts: list[list[int]]):
    tally = SpreadCounter()
    for part in parts:
        tally.add(np.array(part, dtype=np.float64) / 1000)
    values = [value / 1000 for part in parts for value in part]
    spread = tally.spread()
    if not values:
        assert spread == Spread(0)
        return
    assert (spread.n, spread.low, spread.high) == (len(values), min(values), max(values))
    assert spread.median == pytest.approx(statistics.median(values), abs=1e-9)
    assert spread.mean == pytest.approx(statistics.fmean(values), abs=1e-9)


@given(st.lists(st.text(max_size=3)))
def test_distinct_tally(texts: list[str]):
    tally = DistinctCounter()
    for text in texts:
        tally.add({text: 1})
    assert tally.result() == Distinct(len(texts), len(set(texts)))


def test_distinct_tally_of_more_than_it_holds_at_once():
    tally = DistinctCounter()
    for _ in range(2):
        for start in range(0, 150_000, 50_000):
            tally.add({str(number): 2 for number in range(start, start + 50_000)})
    assert tally.result() == Distinct(600_000, 150_000)


def test_top_tally_keeps_the_frequent():
    tally = TopCounter(n_kept=2)
    tally.add({"rain": 5, "bell": 3, "door": 1})
    assert tally.top(3) == (("rain", 5), ("bell", 3), ("door", 1))
    tally.add({"dog": 1, "cat": 1, "bell": 2})
    assert tally.top(9) == (("bell", 5), ("rain", 5))
