"""Whole runs with tiny random models: samples that verify, and rejects that say what went wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile as sf
from helpers.tiny_diffusion import save_tiny_stable_audio, save_tiny_stable_audio_3
from helpers.tiny_vibevoice import save_tiny_vibevoice


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """Tiny models, and a bank of two voices."""
    folder = tmp_path_factory.mktemp("models")
    save_tiny_stable_audio(folder / "stable-audio", windows=8)
    save_tiny_stable_audio_3(folder / "stable-audio-3")
    save_tiny_vibevoice(folder / "vibevoice", ends_after=12)
    rng = np.random.default_rng(0)
    (folder / "voices").mkdir()
    rows = ["file,speaker,gender,emotion,transcript,licence"]
    for speaker, gender in (("anna", "female"), ("ben", "male")):
        sf.write(folder / "voices" / f"{speaker}.wav", rng.standard_normal(72_000) * 0.05, 24_000)
        rows.append(f"{speaker}.wav,{speaker},{gender},neutral,who is it that knocks so late,CC0")
    (folder / "voices" / "index.csv").write_text("\n".join(rows) + "\n")
    return folder


def copilot(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", *arguments]
    quiet = {**os.environ, "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, env=quiet)


def generate(models: Path, out: Path, *options: str, num: int = 6) -> dict:
    speech = ("--tts", f"vibevoice:{models}/vibevoice", "--tts-set", "diffusion_steps=2")
    made = copilot(
        *("generate", "--seeds", "starter", "--num", str(num), "--out", str(out), "--json"),
        *("--workers", "1", "--at-once", "12", "--voices", str(models / "voices")),
        *(*speech, *options),
    )
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def test_a_run_with_models_verifies_and_its_stems_say_whose_voice_it_is(models, tmp_path):
    run = tmp_path / "run"
    sounds = ("--sfx", f"stable-audio:{models}/stable-audio", "--sfx-set", "steps=2", "--speech-share", "1")
    told = generate(models, run, *sounds)
    assert (told["totals"]["accepted"], told["totals"]["rejected"]) == (6, 0)
    assert told["totals"]["renders"]["stable-audio"]["stems"] > 30
    verified = copilot("verify", str(run))
    assert verified.returncode == 0, verified.stdout
    (shard,) = (run / "shards").glob("*.parquet")
    rows = pq.read_table(shard, columns=["stems", "provenance"]).to_pylist()
    spoken = [stem for row in rows for stem in row["stems"] if stem["tool"] == "tts"]
    assert spoken
    for stem in spoken:
        assert (stem["backend"], stem["voice"] in {"anna", "ben"}) == ("vibevoice", True)
        assert stem["speech_end_s"] > stem["speech_start_s"]
    cast = [voice for row in rows for voice in row["provenance"]["voices"]]
    assert {voice["voice"] for voice in cast} == {"anna", "ben"}
    for voice in cast:
        assert voice["recordings"] == [{"file": f"{voice['voice']}.wav", "licence": "CC0"}]
    again = generate(models, run, *sounds)
    assert again["totals"] == told["totals"]


def test_what_a_model_cannot_do_rejects_with_its_reason(models, tmp_path):
    run = tmp_path / "run"
    # It makes up to 6 s; a leading ambience lasts 8.
    told = generate(models, run, "--sfx", f"stable-audio-3:{models}/stable-audio-3", num=1)
    assert told["totals"]["reasons"] == {"render-sounds/too-long": 1}
    assert told["totals"]["renders"]["stable-audio-3"]["failures"]["too-long"] >= 1
    (rejects,) = (run / "rejects").glob("*.parquet")
    details = pq.read_table(rejects, columns=["detail"])["detail"].to_pylist()
    assert all("element" in detail and "8" in detail for detail in details)
    assert copilot("verify", str(run)).returncode == 0


def test_a_model_that_does_not_exist_ends_the_run_with_one_message(models, tmp_path):
    made = copilot(
        *("generate", "--seeds", "starter", "--num", "1", "--out", str(tmp_path / "run")),
        *("--sfx", f"stable-audio:{tmp_path}/nothing", "--tts", "espeak"),
    )
    assert made.returncode == 2
    assert "Traceback" not in made.stderr
    assert "nothing" in made.stderr


def test_a_backend_that_clones_wants_a_voice_bank(models, tmp_path):
    made = copilot(
        *("generate", "--seeds", "starter", "--num", "1", "--out", str(tmp_path / "run")),
        *("--tts", f"vibevoice:{models}/vibevoice"),
    )
    assert (made.returncode, made.stderr.count("\n")) == (2, 1)
    assert "vibevoice" in made.stderr
    assert "--voices" in made.stderr
