"""The programs in `examples/` run as they are, in an empty folder, and do what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from helpers.paths import ROOT

PROGRAMS = sorted((ROOT / "examples").glob("*.py"))


def run_example(name: str, folder: Path, *arguments: str) -> str:
    """Run a program in `folder`; return what it prints."""
    command = [sys.executable, str(ROOT / "examples" / name), *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_sample_by_hand(tmp_path):
    said = run_example("one_sample_by_hand.py", tmp_path)
    assert "tier='hq', turns=story/panning/add, 3 mixes, 3 stems" in said
    assert "the first second of turns 1 and 2 is the same: True" in said
    for turn in range(3):
        info = soundfile.info(tmp_path / "one-sample" / f"turn-{turn}.flac")
        assert (info.frames, info.channels, info.samplerate) == (8 * 48_000, 2, 48_000)


def test_own_backends(tmp_path):
    said = run_example("own_backends.py", tmp_path)
    assert "both keep their contracts" in said
    assert "tier='hq', turns=story/panning/panning, 3 mixes, 2 stems" in said


def test_reading_for_training(tmp_path):
    said = run_example("read_for_training.py", tmp_path)
    assert said.endswith("8 pairs\n")
    assert said.count("(4, 2, ") == 4
    assert run_example("read_for_training.py", tmp_path, "training-run") == said


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_every_example_is_short_and_tested(program):
    assert len(program.read_text().splitlines()) < 85
    assert f'"{program.name}"' in Path(__file__).read_text()
