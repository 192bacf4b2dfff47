"""Whole runs with recordings, voice banks and workers, as a user starts them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from helpers.recordings import write_sounds, write_voices
from helpers.stand_ins import Command, Ended

from pipelines.run.ledger import Ledger
from renderers.voice_bank import read_bank


def copilot(folder: Path, *arguments: str) -> Ended:
    return Command(folder, *arguments).wait()


def generate(folder: Path, *options: str, num: int = 6, out: str = "run") -> dict:
    seeds = ("--seeds", "starter", "--num", str(num), "--random-seed", "3", "--workers", "1")
    done = copilot(folder, "generate", *seeds, "--out", str(folder / out), "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def rows(run: Path, *columns: str) -> list[dict]:
    return [
        row for file in run.glob("shards/*") for row in pq.read_table(file, columns=list(columns)).to_pylist()
    ]


def detail(stem: dict) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in stem["detail"]}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    sounds, voices = write_sounds(folder / "sounds"), write_voices(folder / "voices")
    generate(folder, "--sfx", f"library:{sounds}", "--licences", "CC0", "--voices", str(voices), num=12)
    return folder


def test_recordings_and_speech_make_a_data_set_that_verifies(recorded):
    verified = copilot(recorded, "verify", str(recorded / "run"), "--workers", "1")
    assert verified.returncode == 0, verified.stdout
    stems = [stem for row in rows(recorded / "run", "stems") for stem in row["stems"]]
    found = [stem for stem in stems if stem["backend"] == "library" and stem["matched"]]
    assert found
    assert {detail(stem)["licence"] for stem in found} == {"CC0"}
    assert all((recorded / "sounds" / detail(stem)["file"]).is_file() for stem in found)


def test_speakers_are_cast_from_the_bank_and_spoken_by_one_voice_each(recorded):
    cast = [v for row in rows(recorded / "run", "provenance") for v in row["provenance"]["voices"]]
    assert cast
    spoken_by: dict[str, set[str]] = {}
    for voice in cast:
        spoken_by.setdefault(voice["stands_for"], set()).add(voice["voice"])
    assert spoken_by.keys() <= {voice.name for voice in read_bank(recorded / "voices").voices}
    assert all(len(voices) == 1 for voices in spoken_by.values())


def test_the_summary_and_the_ledger_tell_what_was_rendered(recorded):
    totals = generate(
        recorded,
        *("--sfx", f"library:{recorded / 'sounds'}", "--licences", "CC0"),
        *("--voices", str(recorded / "voices")),
        num=12,
    )["totals"]
    n_stems = sum(len(row["stems"]) for row in rows(recorded / "run", "stems"))
    renders = totals["renders"]
    assert renders.keys() == {"library", "hibari"}
    assert sum(tally["stems"] for tally in renders.values()) == n_stems
    entries = list(Ledger(recorded / "run" / "ledger").entries())
    assert sum(entry.renders["library"].stems for entry in entries) == renders["library"]["stems"]


def test_a_second_run_takes_its_stems_from_the_store(tmp_path):
    store = ("--stems", str(tmp_path / "store"))
    first = generate(tmp_path, *store, out="first")["totals"]["renders"]
    again = generate(tmp_path, *store, out="again")["totals"]["renders"]
    assert {name: tally["stems"] for name, tally in again.items()} == dict.fromkeys(first, 0)
    assert {name: tally["hits"] for name, tally in again.items()} == {
        name: tally["stems"] for name, tally in first.items()
    }
    told = json.loads(copilot(tmp_path, "stems", str(tmp_path / "store"), "--json").stdout)
    assert sum(tally["stems"] for tally in first.values()) == told["stems"]


def samples(run: Path) -> dict[str, dict]:
    columns = ("id", "turns", "stems", "mixes", "checks", "headroom_db")
    return {row["id"]: row for row in rows(run, *columns)}


# Two rounds of four as it is by itself, in one batch of a backend each: every cut below differs from that.
N_CUT = 8


@pytest.fixture(scope="module")
def usual(tmp_path_factory) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("usual")
    generate(folder, num=N_CUT)
    return samples(folder / "run")


@pytest.mark.parametrize("more", [("--at-once", "12"), ("--batch-s", "9"), ("--workers", "2")])
def test_how_the_work_is_cut_changes_no_sample(tmp_path, usual, more):
    generate(tmp_path, *more, num=N_CUT)
    assert len(usual) == N_CUT
    assert samples(tmp_path / "run") == usual


WORKER = """
import json, os, sys, numpy, soundfile
said = os.fdopen(os.dup(1), "w"); os.dup2(2, 1)
def say(answer): print(json.dumps(answer), file=said, flush=True)
say({"protocol": 1, "name": "tones", "tool": "sfx", "fingerprint": {"version": "1"}})
once = sys.argv[1]
for line in sys.stdin:
    asked = json.loads(line)
    if asked["op"] == "prepare":
        say({})
        continue
    answers = []
    for number, one in enumerate(asked["requests"]):
        if number == 3 and not os.path.exists(once) and once != "never":
            open(once, "w").close()
            os.kill(os.getpid(), 9)
        if "poison" in sys.argv[2:] and "rain" in one["text"]:
            print("rain is poison", file=sys.stderr, flush=True)
            os._exit(3)
        rng = numpy.random.default_rng(one["seed"])
        sound = rng.standard_normal(round(one["duration_s"] * 48000)) * 0.1
        soundfile.write(os.path.join(asked["folder"], f"{number}.wav"), sound, 48000, "FLOAT")
        answers.append({"file": f"{number}.wav"})
    say({"answers": answers})
"""


class TestWorker:
    @pytest.fixture
    def script(self, tmp_path) -> Path:
        (tmp_path / "tones.py").write_text(WORKER)
        return tmp_path / "tones.py"

    def test_one_that_is_killed_in_the_middle_of_a_batch_loses_nothing(self, tmp_path, script):
        def command(once: str) -> tuple[str, str]:
            return ("--sfx", f"worker:{sys.executable} {script} {once}")

        killed = generate(tmp_path, *command(str(tmp_path / "killed")), out="killed")
        assert (tmp_path / "killed").exists()
        whole = generate(tmp_path, *command("never"), out="whole")
        assert killed["totals"]["accepted"] == whole["totals"]["accepted"] == 6
        columns = ("id", "mixes", "stems")
        samples = [
            {row["id"]: [mix["bytes"] for mix in row["mixes"]] for row in rows(tmp_path / run, *columns)}
            for run in ("killed", "whole")
        ]
        assert samples[0] == samples[1]

    def test_a_text_that_kills_it_rejects_its_dialogue_with_the_last_words(self, tmp_path, script):
        told = generate(tmp_path, "--sfx", f"worker:{sys.executable} {script} never poison", num=12)["totals"]
        assert told["reasons"].keys() == {"render-sounds/worker-died"}
        assert 0 < told["rejected"] < 12
        assert told["accepted"] + told["rejected"] == 12
        (reject, *_) = pq.read_table(next((tmp_path / "run/rejects").iterdir())).to_pylist()
        assert "rain is poison" in reject["detail"]


@pytest.mark.parametrize(
    ("options", "option", "word"),
    [
        (("--sfx", "procedural:x"), "--sfx", "target"),
        (("--sfx-set", "steps"), "--sfx-set", "NAME=VALUE"),
        (("--sfx-set", "steps=5"), "--sfx-set", "no settings"),
        (("--tts-set", "a=1", "--tts-set", "a=2"), "--tts-set", "set twice"),
        (("--licences", "CC0"), "--licences", "procedural"),
        (("--sfx", "library"), "--sfx", "library:FOLDER"),
        (("--sfx", "library:/none", "--sfx-set", "x=1"), "--sfx-set", "'x'"),
        (("--sfx", "procedural,library"), "--sfx", "library:FOLDER"),
        (("--sfx", "procedural,", "--sfx-set", "x=1"), "--sfx", "between commas"),
        (("--sfx", "procedural,procedural", "--sfx-set", "x=1"), "--sfx-set", "procedural.NAME"),
        (("--sfx", "library:/none"), "", "/none"),
        (("--voices", "/none"), "", "/none"),
        (("--device", "foo"), "--device", "foo"),
        (("--device", "cpu"), "--device", "no renderer"),
        (("--stems", "nosuch://place"), "", "nosuch"),
    ],
)
def test_a_wrong_option_is_named_in_one_message(tmp_path, options, option, word):
    call = ("generate", "--seeds", "starter", "--num", "1", "--out", str(tmp_path / "run"))
    done = copilot(tmp_path, *call, *options)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith(f"copilot: {option}")
    assert word in done.stderr
