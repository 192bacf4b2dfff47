"""Voice banks: what a folder gives, and what is said of rows that give nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import soundfile as sf
from helpers.paths import corpus

from copilot.emotions import Emotion
from copilot.errors import UserError
from renderers.contract import Reference, Voice
from renderers.voice_bank import VoiceBank, find_missing_genders, read_bank, survey_bank

HEADER = "file,speaker,gender,emotion,transcript,licence"
GOOD = "a.wav,anna,female,sad,It is late.,CC0"


def sound(path: Path, level: float = 0.1) -> str:
    sf.write(path, np.resize([level, -level], 800), 16_000)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate("abc", start=1):
        sound(tmp_path / f"{name}.wav", number / 10)
    return tmp_path


def write(folder: Path, *rows: str, header: str = HEADER) -> Path:
    (folder / "index.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


def test_a_voice_is_a_speaker_with_its_recordings(folder):
    rows = (
        "b.wav,ben,male,,Who is there?,CC BY",
        'a.wav,anna,Female,Cheerful,"No, I am not.",',
        "c.wav,anna,female,neutral,It is late.,CC0",
    )
    bank = read_bank(write(folder, *rows))
    hashes = {name: sound(folder / f"{name}.wav", k / 10) for k, name in enumerate("abc", start=1)}
    assert bank.problems == ()
    assert bank.voices == (
        Voice(
            "anna",
            "female",
            ("happy", "neutral"),
            (
                Reference(folder / "a.wav", "No, I am not.", hashes["a"], "happy"),
                Reference(folder / "c.wav", "It is late.", hashes["c"], "neutral", "CC0"),
            ),
        ),
        Voice(
            "ben",
            "male",
            ("neutral",),
            (Reference(folder / "b.wav", "Who is there?", hashes["b"], "neutral", "CC BY"),),
        ),
    )


def test_rows_of_json_give_the_same_bank(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    shutil.copytree(folder, other, dirs_exist_ok=True)
    rows = [
        {"file": "a.wav", "speaker": 7, "gender": "female", "transcript": "One.", "license": "CC0"},
        {"file": "b.wav", "speaker": "8", "gender": "male", "emotion": None, "transcript": "Two.", "x": [1]},
    ]
    (other / "index.jsonl").write_text("\n\n".join(map(json.dumps, rows)))
    bank = read_bank(other)
    write(
        folder,
        "CC0,One.,female,7,a.wav",
        ",Two.,male,8,b.wav",
        header="License,transcript,gender,speaker,file",
    )
    assert bank.problems == read_bank(folder).problems == ()
    assert bank.fingerprint() == read_bank(folder).fingerprint()
    assert [voice.references[0].licence for voice in bank.voices] == ["CC0", ""]


def test_what_a_spreadsheet_saves_is_read(folder):
    (folder / "index.csv").write_bytes(b"\xef\xbb\xbf" + f"{HEADER}\r\n\r\n{GOOD}\r\n".encode())
    assert [voice.name for voice in read_bank(folder).voices] == ["anna"]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("x.wav,ben,male,sad,Hello.,CC0", "file x.wav not found"),
        (".,ben,male,sad,Hello.,CC0", "file . not found"),
        ("more/x.wav,ben,male,sad,Hello.,CC0", "file more/x.wav not found"),
        ("../b.wav,ben,male,sad,Hello.,CC0", "../b.wav lies outside the folder"),
        ("/b.wav,ben,male,sad,Hello.,CC0", "/b.wav lies outside the folder"),
        ("b.wav,ben,other,sad,Hello.,CC0", "gender 'other'; expected female or male"),
        (
            "b.wav,ben,male,bumpy,Hello.,CC0",
            f"unknown emotion 'bumpy'; available: {', '.join(get_args(Emotion))}",
        ),
        ("b.wav,ben,male,sad, ,CC0", "no transcript"),
        ("b.wav,,male,sad,Hello.,CC0", "no speaker"),
        ("b.wav,ben", "no gender"),
        (
            "b.wav,ben,male,sad,Well, hello.,CC0",
            "7 columns, but the first line has 6; quote a text that holds a comma",
        ),
        ('b.wav,ben,male,sad,"Hello.,CC0', "not CSV (unexpected end of data)"),
        ("empty.wav,ben,male,sad,Hello.,CC0", "empty.wav is empty"),
        ("a.wav,ben,male,sad,Hello.,CC0", "a.wav repeats the recording of line 2"),
        ("copy.wav,ben,male,sad,Hello.,CC0", "copy.wav repeats the recording of line 2"),
    ],
)
def test_a_bad_row_is_named_and_stops_no_other(folder, row, problem):
    sf.write(folder / "empty.wav", np.zeros(0), 16_000)
    shutil.copy(folder / "a.wav", folder / "copy.wav")
    bank = read_bank(write(folder, GOOD, row, "c.wav,carl,male,sad,Hello.,CC0"))
    assert bank.problems == (f"index.csv:3: {problem}",)
    assert [voice.name for voice in bank.voices] == ["anna", "carl"]


@pytest.mark.parametrize("name", ["d.wav", "d.raw", "d"])
def test_a_file_that_is_not_a_sound_is_named(folder, name):
    (folder / name).write_bytes(b"not a sound")
    bank = read_bank(write(folder, GOOD, f"{name},ben,male,sad,Hello.,CC0"))
    (problem,) = bank.problems
    assert problem.startswith(f"index.csv:3: {name} ")
    assert [voice.name for voice in bank.voices] == ["anna"]


def test_a_name_that_another_system_spells_differently_is_found(folder):
    (folder / "b.wav").rename(folder / "J\u00f6rg  1.wav")
    bank = read_bank(write(folder, "Jo\u0308rg 1.WAV,ben,male,sad,Hello.,CC0"))
    assert bank.problems == ()
    assert bank.voices[0].references[0].path == folder / "J\u00f6rg  1.wav"


@pytest.mark.parametrize(
    ("samples", "rate_hz", "what"),
    [
        (np.full(800, np.nan), 16_000, "contains NaN or infinity"),
        (np.zeros(800), 16_000, "is silent"),
        (np.full(800, 0.3), 16_000, "is silent"),
        (np.resize([0.1, -0.1], 800), 1, "has a sample rate of 1 Hz, not 1000 to 1000000"),
    ],
)
def test_a_recording_without_a_voice_is_named(folder, samples, rate_hz, what):
    sf.write(folder / "d.wav", samples, rate_hz, subtype="FLOAT")
    bank = read_bank(write(folder, GOOD, "d.wav,ben,male,sad,Hello.,CC0"))
    assert bank.problems == (f"index.csv:3: d.wav {what}",)
    assert [voice.name for voice in bank.voices] == ["anna"]


def test_a_recording_whose_header_tells_no_length_is_a_voice(folder):
    data = (folder / "b.wav").read_bytes()
    (folder / "b.wav").write_bytes(data[:40] + bytes(4) + data[44:])
    assert read_bank(write(folder, "b.wav,ben,male,sad,Hello.,CC0")).problems == ()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"file": ', "not JSON (Expecting value: line 1 column 10 (char 9))"),
        (b"[1]", "not a JSON object"),
        (b'{"file": 1.5}', "file is not a text"),
        (b'{"file": "b.wav", "speaker": true}', "speaker is not a text"),
        (b'{"file": "\\ud800"}', "file holds half a character"),
        (b'{"file": "b.wav"}', "no speaker"),
    ],
)
def test_a_bad_row_of_json_is_named(folder, line, problem):
    good = {"file": "a.wav", "speaker": "anna", "gender": "female", "transcript": "Hello."}
    (folder / "index.jsonl").write_bytes(line + b"\n" + json.dumps(good).encode())
    bank = read_bank(folder)
    assert bank.problems == (f"index.jsonl:1: {problem}",)
    assert [voice.name for voice in bank.voices] == ["anna"]


def test_a_row_that_is_not_utf_8_is_named(folder):
    write(folder, GOOD)
    with (folder / "index.csv").open("ab") as file:
        file.write("b.wav,jörg,male,sad,Hello.,CC0\n".encode("latin-1"))
    assert read_bank(folder).problems == ("index.csv:3: not UTF-8",)


def test_a_speaker_of_two_genders_is_left_out(folder):
    rows = ("a.wav,sam,male,sad,Hello.,", "b.wav,anna,female,sad,Hello.,", "c.wav,sam,female,sad,Hello.,")
    bank = read_bank(write(folder, *rows))
    assert [voice.name for voice in bank.voices] == ["anna"]
    what = "speaker 'sam' is female here and male on line 2; none of the speaker's recordings is used"
    assert bank.problems == (f"index.csv:4: {what}",)


def test_a_link_to_a_recording_is_followed(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (folder / "b.wav").rename(elsewhere / "b.wav")
    (folder / "b.wav").symlink_to(elsewhere / "b.wav")
    assert read_bank(write(folder, "b.wav,ben,male,sad,Hello.,CC0")).problems == ()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("STUFF IT INTO YOU HIS BELLY SAID", "Stuff it into you his belly said"),
        ("THAT I DID NOT SUCCEED", "That I did not succeed"),
        ("SO IT IS. I'M LATE! “AM I?” SAY I", "So it is. I'm late! “Am I?” Say I"),
        ("The BBC said  no.", "The BBC said no."),
        ("你好", "你好"),
    ],
)
def test_a_transcript_all_in_capitals_is_read_as_a_sentence(folder, written, read):
    bank = read_bank(write(folder, f"a.wav,anna,female,sad,{written},"))
    assert bank.voices[0].references[0].transcript == read


class TestFingerprint:
    ROWS = (GOOD, "b.wav,ben,male,sad,Hello.,CC0", "c.wav,anna,female,sad,Hello.,CC0")

    def test_folder_order_and_rows_not_used_change_nothing(self, folder, tmp_path_factory):
        before = read_bank(write(folder, *self.ROWS)).fingerprint()
        moved = tmp_path_factory.mktemp("moved") / "voices"
        shutil.copytree(folder, moved)
        (moved / "more").mkdir()
        (moved / "c.wav").rename(moved / "more" / "c.wav")
        rows = (self.ROWS[2].replace("c.wav", "more/c.wav"), *self.ROWS[1::-1])
        assert read_bank(write(moved, *rows, "x.wav,x,male,,Hello.,")).fingerprint() == before

    @pytest.mark.parametrize(
        "other", ["copy.wav,eve,female,sad,Hi.,", "copy.wav,anna,female,angry,It is late.,"]
    )
    def test_of_rows_with_one_recording_the_order_changes_nothing(self, folder, other):
        shutil.copy(folder / "a.wav", folder / "copy.wav")
        one = read_bank(write(folder, *self.ROWS, other))
        swapped = read_bank(write(folder, other, *self.ROWS))
        assert [voice.name for voice in one.voices] == ["anna", "ben"]
        assert one.fingerprint() == swapped.fingerprint()
        assert swapped.problems == ("index.csv:2: copy.wav repeats the recording of line 3",)

    def test_the_name_of_a_file_changes_it(self, folder):
        before = read_bank(write(folder, *self.ROWS)).fingerprint()
        (folder / "c.wav").rename(folder / "0.wav")
        assert read_bank(write(folder, *self.ROWS[:2], self.ROWS[2].replace("c.wav", "0.wav"))).problems == ()
        assert read_bank(folder).fingerprint() != before

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("ben", "bob"),
            ("male,", "female,"),
            ("sad", "angry"),
            ("Hello.", "Hullo."),
            ("b.wav", "other.wav"),
            ("CC0", "CC BY"),
        ],
    )
    def test_what_a_voice_is_changes_it(self, folder, old, new):
        sound(folder / "other.wav", 0.9)
        before = read_bank(write(folder, *self.ROWS)).fingerprint()
        assert read_bank(write(folder, GOOD, self.ROWS[1].replace(old, new), self.ROWS[2])).problems == ()
        assert read_bank(folder).fingerprint() != before


class TestNoBank:
    def test_no_folder(self, folder):
        with pytest.raises(UserError, match="no such folder") as mistake:
            read_bank(folder / "x")
        assert mistake.value.field == "voices"

    def test_no_index(self, folder):
        with pytest.raises(
            UserError, match=f"no index.csv or index.jsonl; expected .* that begins: {HEADER}"
        ):
            read_bank(folder)

    @pytest.mark.parametrize("content", ["", "file,speaker\n", "file;speaker;gender\n"])
    def test_no_header(self, folder, content):
        (folder / "index.csv").write_text(content)
        with pytest.raises(UserError, match=f"no column .*transcript in the first line; expected {HEADER}"):
            read_bank(folder)

    def test_a_header_that_cannot_be_read(self, folder):
        (folder / "index.csv").write_bytes(b"\xff\n")
        with pytest.raises(UserError, match=f"the first line is not UTF-8; expected {HEADER}"):
            read_bank(folder)

    @pytest.mark.parametrize(
        ("rows", "n_problems", "problems"),
        [
            ((), "1 problem", (f"index.csv:1: no recordings; expected rows of {HEADER}",)),
            (
                ("x.wav,a,male,,One.,", "y.wav,b,male,,Two.,"),
                "2 problems",
                ("index.csv:2: file x.wav not found", "index.csv:3: file y.wav not found"),
            ),
        ],
    )
    def test_no_voice_is_left(self, folder, rows, n_problems, problems):
        with pytest.raises(UserError) as mistake:
            read_bank(write(folder, *rows))
        assert mistake.value.field == "voices"
        assert n_problems in str(mistake.value)
        assert f"copilot voices {folder}" in str(mistake.value)
        assert survey_bank(folder) == VoiceBank((), problems)


def test_a_gender_without_voice_is_named(folder):
    voices = read_bank(write(folder, GOOD)).voices
    assert list(find_missing_genders(voices)) == [
        "male speakers: no voice; dialogues with one will be rejected"
    ]


def test_real_voices():
    bank = read_bank(corpus("voices"))
    assert bank.problems == ()
    assert [(voice.name, voice.gender, voice.emotions, len(voice.references)) for voice in bank.voices] == [
        ("arctic-aew", "male", ("neutral",), 2),
        ("arctic-axb", "female", ("neutral",), 2),
        ("ls-1089", "male", ("neutral",), 2),
        ("ls-2412", "female", ("neutral",), 1),
    ]
    assert {reference.licence for voice in bank.voices for reference in voice.references} == {
        "CC BY 4.0",
        "CMU ARCTIC (free)",
    }


def test_a_bank_is_read_by_the_text_of_its_path_and_shown_in_a_line(folder):
    bank = read_bank(str(write(folder, GOOD, "none.wav,ben,male,sad,Hello.,CC0")))
    assert bank == read_bank(folder)
    assert repr(bank) == "VoiceBank(1 voices, 1 problems)"
