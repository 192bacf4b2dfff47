"""`copilot voices`: what it prints of a bank, and what it finds wrong with a recording."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from helpers.paths import corpus

from copilot.audio.noise_floor import noise_floor_dbfs
from copilot.errors import UserError
from pipelines.cli.commands.voices import run_voices
from pipelines.config import RunConfig
from pipelines.main_job import GenerateRequest, RunStart, generate
from renderers.espeak.renderer import EspeakRenderer
from renderers.voice_quality import check_bank

TEN_WORDS = "One two three four five six seven eight nine ten"
WOMAN = "woman.wav,anna,female,neutral,"


def noise(duration_s: float, rate_hz: int = 16_000, level: float = 0.1) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(round(duration_s * rate_hz)) * level


@pytest.fixture
def bank(tmp_path):
    """A folder with one good voice of each gender; tests replace the woman's."""
    rows = ["file,speaker,gender,emotion,transcript,licence"]
    for name, gender in (("woman", "female"), ("man", "male")):
        sf.write(tmp_path / f"{name}.wav", noise(4.0, level=0.1 if name == "man" else 0.11), 16_000)
        rows.append(f"{name}.wav,{name},{gender},neutral,{TEN_WORDS},CC0")
    (tmp_path / "index.csv").write_text("\n".join(rows))
    return tmp_path


def report(capsys, path: Path | str) -> tuple[int, dict]:
    code = run_voices(str(path), as_json=True)
    return code, json.loads(capsys.readouterr().out)


def test_a_bank_without_fault(bank, capsys):
    sf.write(bank / "woman.wav", np.stack([noise(4.0, 44_100), np.zeros(176_400)]).T, 44_100)
    code, found = report(capsys, bank)
    assert (code, found["problems"]) == (0, [])
    assert [(voice["name"], voice["gender"]) for voice in found["voices"]] == [
        ("man", "male"),
        ("woman", "female"),
    ]
    (recording,) = found["voices"][1]["recordings"]
    levels = recording["levels"]
    known = {name: recording[name] for name in ("file", "rate_hz", "n_channels", "duration_s", "n_words")}
    assert known == {
        "file": "woman.wav",
        "rate_hz": 44_100,
        "n_channels": 2,
        "duration_s": 4.0,
        "n_words": 10,
    }
    assert levels["words_per_s"] == pytest.approx(2.5)
    assert levels["clipped_share"] == 0


@pytest.mark.parametrize(
    ("sound", "rate_hz", "problem"),
    [
        (noise(2.9), 16_000, "2.90 s; a reference has 3 to 30 s"),
        (noise(4.0, 8_000), 8_000, "8000 Hz; a reference has at least 16000 Hz"),
        (noise(4.0, level=1e-3), 16_000, "-5[0-9].. LUFS; a reference has at least -45 LUFS"),
        (np.clip(noise(4.0, level=2.0), -0.99, 0.99), 16_000, "clipped in 100.0% of its time; at most 1%"),
        (noise(12.0).reshape(-1, 3), 16_000, "3 channels; expected 1 (mono) or 2 (stereo)"),
        (
            noise(11.0),
            16_000,
            "0.91 words per second; speech has 1 to 5; check that the transcript is that of the recording",
        ),
        (noise(31.0), 16_000, "31.00 s; a reference has 3 to 30 s"),
    ],
)
def test_a_bad_recording_is_reported(bank, capsys, sound, rate_hz, problem):
    sf.write(bank / "woman.wav", sound, rate_hz)
    code, found = report(capsys, bank)
    (said,) = found["problems"]
    assert code == 1
    if "LUFS" in problem:
        level, rest = said.removeprefix("woman.wav: ").split(" ", 1)
        assert (-60 < float(level) < -50, rest) == (True, problem.split(" ", 1)[1])
    else:
        assert said == f"woman.wav: {problem}"


def test_a_recording_that_is_cut_off(bank, capsys):
    sf.write(bank / "woman.flac", noise(8.0), 16_000)
    whole = (bank / "woman.flac").read_bytes()
    (bank / "woman.wav").write_bytes(whole[: len(whole) // 2])
    code, found = report(capsys, bank)
    assert code == 1
    assert found["problems"][0].startswith("index.csv:2: woman.wav is cut off")
    assert [voice["name"] for voice in found["voices"]] == ["man"]


def test_a_header_that_tells_a_wrong_length_is_reported(bank, capsys):
    sf.write(bank / "woman.wav", noise(4.0), 16_000)
    whole = (bank / "woman.wav").read_bytes()
    (bank / "woman.wav").write_bytes(whole[:40] + b"\xff" * 4 + whole[44:])
    code, found = report(capsys, bank)
    assert (code, len(found["problems"])) == (1, 1)
    assert found["problems"][0].startswith("woman.wav: its header tells a wrong length")
    assert found["voices"][1]["recordings"][0]["duration_s"] == 4.0


def test_silence_around_the_words_slows_no_rate(bank, capsys):
    sf.write(bank / "woman.wav", np.pad(noise(3.0), (16_000, 32_000)), 16_000)
    _, found = report(capsys, bank)
    levels = found["voices"][1]["recordings"][0]["levels"]
    assert levels["words_per_s"] == pytest.approx(10 / 3, rel=0.02)
    assert levels["noise_floor_dbfs"] == -200


def test_a_bad_row_and_a_gender_without_voice(bank, capsys):
    rows = (bank / "index.csv").read_text().replace("woman.wav", "gone.wav")
    (bank / "index.csv").write_text(rows)
    assert report(capsys, bank)[1]["problems"] == [
        "index.csv:2: file gone.wav not found",
        "female speakers: no voice; dialogues with one will be rejected",
    ]


def test_a_bank_without_a_voice_reports_every_problem(bank, capsys):
    rows = (bank / "index.csv").read_text().splitlines()
    rows += [rows[1], rows[1].replace(",female,", ",male,").replace("woman.wav", "again.wav")]
    sf.write(bank / "again.wav", noise(5.0), 16_000)
    (bank / "index.csv").write_text("\n".join([rows[0], rows[1], *rows[3:]]))
    none = "none of the speaker's recordings is used"
    problems = [
        "index.csv:3: woman.wav repeats the recording of line 2",
        f"index.csv:4: speaker 'woman' is male here and female on line 2; {none}",
        "female speakers: no voice; dialogues with one will be rejected",
        "male speakers: no voice; dialogues with one will be rejected",
    ]
    code, found = report(capsys, bank)
    assert (code, found["voices"], found["problems"]) == (1, [], problems)
    assert run_voices(str(bank), as_json=False) == 1
    assert capsys.readouterr().out.splitlines() == [str(bank), "", "problems", *problems]


class _StartedError(Exception):
    pass


def test_generate_says_at_its_start_which_gender_has_no_voice(bank, tmp_path_factory):
    rows = (bank / "index.csv").read_text().splitlines()
    (bank / "index.csv").write_text("\n".join([*rows[:2], "gone.wav,eve,female,,Hello.,"]))
    starts: list[RunStart] = []

    def begin(start: RunStart) -> None:
        starts.append(start)
        raise _StartedError

    with pytest.raises(_StartedError):
        generate(
            GenerateRequest(
                config=RunConfig(seeds="starter", voices=str(bank)),
                out=tmp_path_factory.mktemp("out") / "run",
                num=1,
                on_start=begin,
            )
        )
    assert starts[0].problems == (
        "male speakers: no voice; dialogues with one will be rejected",
        "index.csv:3: file gone.wav not found",
    )


def test_the_noise_floor_is_the_level_of_the_pauses():
    tone = np.tile(np.array([0.5, -0.5], np.float32), 24_000)[None]
    tone[:, : tone.shape[1] // 5] *= 0.01
    assert noise_floor_dbfs(tone) == pytest.approx(-46.02, abs=0.01)
    assert noise_floor_dbfs(np.full((2, 100), 0.1, np.float32)) == pytest.approx(-20)


def test_a_renderer_with_voices_is_a_bank(capsys):
    code, found = report(capsys, "espeak")
    assert (code, found["problems"], len(found["voices"])) == (0, [], 24)
    assert run_voices("espeak", as_json=False) == 0
    printed = capsys.readouterr().out
    assert [line.split() for line in printed.splitlines() if line.startswith("en-us+f2")] == [
        ["en-us+f2", "female", "every"]
    ]
    assert ["all", "12", "12"] in [line.split() for line in printed.splitlines()]


def test_voices_of_a_language(capsys):
    assert run_voices("espeak", "de", as_json=True) == 0
    found = json.loads(capsys.readouterr().out)["voices"]
    assert {voice["name"].partition("+")[0] for voice in found} == {"de"}
    assert {tuple(voice["languages"]) for voice in found} == {("de",)}
    for language in ("ja", "german"):
        with pytest.raises(UserError) as caught:
            run_voices("espeak", language, as_json=True)
        assert caught.value.field == "language"


def test_neither_folder_nor_voices(tmp_path, monkeypatch):
    with pytest.raises(UserError, match=r"^[^`]*: no such folder") as caught:
        run_voices(str(tmp_path / "x"), as_json=False)
    assert caught.value.field is None
    for name, words in {
        "procedural": "procedural makes no speech",
        "library:x": "library makes no speech",
        "vibevoice": "vibevoice has no voices of its own",
        "worker": "give worker:COMMAND",
        "espeak:x": "espeak has no target",
    }.items():
        with pytest.raises(UserError, match=words):
            run_voices(name, as_json=False)
    monkeypatch.setattr(EspeakRenderer, "voices", lambda self: [])
    with pytest.raises(UserError, match="espeak has no voices of its own"):
        run_voices("espeak", as_json=False)


def test_a_bank_as_it_is_printed(bank, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    sf.write(bank / "woman.wav", noise(2.9), 16_000)
    assert run_voices(str(bank), as_json=False) == 1
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[2][:9] == ["voice", "gender", "emotion", "s", "Hz", "ch", "LUFS", "peak", "noise"]
    assert lines[2][9:] == ["words", "words/s", "licence", "file"]
    assert lines[3][:6] == ["man", "male", "neutral", "4.00", "16000", "1"]
    assert lines[3][9:] == ["10", "2.50", "CC0", "man.wav"]
    assert lines[6:10] == [["voices", "female", "male"], ["all", "1", "1"], ["neutral", "1", "1"], []]
    assert lines[10] == ["problems"]
    assert [line[0] for line in lines[11:]] == ["woman.wav:"]


def test_the_voices_of_the_full_corpus(capsys):
    found = report(capsys, corpus("voices"))[1]
    aew = next(voice for voice in found["voices"] if voice["name"] == "arctic-aew")
    recording = aew["recordings"][0]
    assert (recording["rate_hz"], recording["n_words"]) == (16_000, 8)
    assert round(recording["levels"]["loudness_lufs"], 1) == -21.4
    assert len(found["problems"]) == 1


def test_a_bank_is_checked_by_the_text_of_its_path_and_shown_in_a_line(bank):
    checked = check_bank(str(bank))
    assert checked == check_bank(bank)
    assert repr(checked) == "VoiceReport(2 voices, 2 recordings, 0 problems)"
