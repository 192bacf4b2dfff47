"""The main job as a user runs it: scripted designer, procedural sounds, espeak's speech."""

from __future__ import annotations

import io
import json
from pathlib import Path

import datasets
import numpy as np
import pytest
import soundfile
from helpers.stand_ins import Command, Ended

N_SEEDS = 8


def copilot(folder: Path, *arguments: str) -> Ended:
    return Command(folder, *arguments).wait()


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("main-job")
    call = [
        "--seeds",
        "starter",
        "--num",
        str(N_SEEDS),
        "--random-seed",
        "7",
        "--out",
        str(folder / "run"),
        "--workers",
        "2",
    ]
    done = copilot(folder, "generate", *call)
    assert done.returncode == 0, done.stderr
    assert f"{N_SEEDS} samples ({N_SEEDS} hq), 0 rejected" in done.stdout
    return folder


def test_it_verifies(made):
    report = copilot(made, "verify", str(made / "run"), "--json", "--workers", "1")
    assert report.returncode == 0, report.stdout
    assert json.loads(report.stdout)["problems"] == []


def test_datasets_reads_it_and_the_edit_is_the_difference(made):
    files = str(made / "run/shards/*.parquet")
    rows = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(made / "cache"))
    assert len(rows) == N_SEEDS
    assert rows.features["mixes"] == datasets.List(datasets.Audio(sampling_rate=48_000, decode=False))
    for row in rows:
        sounds = [soundfile.read(io.BytesIO(mix["bytes"]), dtype="int16")[0] for mix in row["mixes"]]
        for before, after, turn in zip(sounds, sounds[1:], row["turns"][1:], strict=False):
            touched = {*turn["added"], *turn["changed"], *turn["removed"]}
            n_samples = min(len(before), len(after))
            heard = np.flatnonzero((before[:n_samples] != after[:n_samples]).any(axis=1))
            spans = [
                (element["start_time"], element["start_time"] + element["duration"])
                for scene in (row["turns"][turn["index"] - 1], turn)
                for element in scene["elements"]
                if element["id"] in touched
            ]
            assert min(start for start, _ in spans) * 48_000 - 1 <= heard[0]
            assert heard[-1] <= max(end for _, end in spans) * 48_000 + 1


def test_it_can_be_shown_counted_and_filtered(made):
    shown = copilot(made, "show", str(made / "run"), "--out", str(made / "shown"))
    assert shown.returncode == 0, shown.stderr
    assert {"turn-0.flac", "turn-1.flac", "turn-2.flac", "dialogue.json", "timeline.png"} <= {
        path.name for path in (made / "shown").iterdir()
    }
    counted = json.loads(copilot(made, "stats", str(made / "run"), "--json").stdout)
    assert counted["n_samples"] == N_SEEDS
    where = "checks.null_residual < -120 and n_turns = 3"
    subset = copilot(
        made, "filter", str(made / "run"), "--tier", "hq", "--where", where, "--out", str(made / "hq")
    )
    assert subset.returncode == 0, subset.stderr
    assert copilot(made, "verify", str(made / "hq"), "--workers", "1").returncode == 0


def test_sounds_are_shared_and_the_samples_stay_the_same(made):
    call = ["generate", "--seeds", "starter", "--num", "3", "--random-seed", "7", "--workers", "1"]
    again = copilot(made, *call, "--out", str(made / "again"), "--stems", str(made / "run/stems"), "--json")
    assert again.returncode == 0, again.stderr
    outcome = json.loads(again.stdout)
    assert outcome["totals"]["accepted"] == 3
    assert not (made / "again" / "stems").exists()
