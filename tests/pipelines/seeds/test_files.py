"""Seeds from files: whole corpora, stable ids, and each kind of bad input with its place and fault."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from helpers.paths import LIBRISPEECH as LIBRISPEECH_FOLDER
from helpers.paths import corpus
from hypothesis import given
from hypothesis import strategies as st

from copilot.errors import UserError
from copilot.seed import STARTER_SEEDS, Seed
from pipelines.seeds import SPEC_FORMS, SeedDraw, SeedProblem, parse_spec, read_seeds
from pipelines.seeds.hub import COMMON_VOICE, LIBRISPEECH, HubDataset
from pipelines.seeds.lines import MAX_LINE_CHARS
from pipelines.seeds.read import MAX_PROBLEMS_KEPT
from pipelines.seeds.records import normalise_text

SAVE = "save the file as UTF-8"
CV_OLD = "client_id\tpath\tsentence\tup_votes\tdown_votes\tage\tgender\taccent"
CV_NEW = (
    "client_id\tpath\tsentence_id\tsentence\tsentence_domain\tup_votes\tdown_votes"
    "\tage\tgender\taccents\tvariant\tlocale\tsegment"
)


def texts(draw: SeedDraw) -> dict[str, str]:
    return {seed.id: seed.text for seed in draw.seeds}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refuse(spec: str, *words: object) -> None:
    """Hold that a spec is refused, with these words in the message."""
    with pytest.raises(UserError) as caught:
        read_seeds(spec, None, 7)
    assert caught.value.field == "seeds"
    assert [word for word in words if str(word) not in str(caught.value)] == []


# Corpora


def test_every_utterance_of_a_part_is_read():
    draw = read_seeds(f"librispeech:{LIBRISPEECH_FOLDER}", None, 7)
    assert (draw.n_read, draw.n_duplicates, draw.n_blank, draw.n_problems) == (70, 0, 0, 0)
    assert draw.available == len(draw.seeds) == len({seed.id for seed in draw.seeds}) == 70


def test_librispeech_is_found_at_any_depth():
    transcript = min(LIBRISPEECH_FOLDER.rglob("*.trans.txt"))
    chapter = texts(read_seeds(f"librispeech:{transcript}", None, 7))
    name, text = transcript.read_text().splitlines()[0].split(maxsplit=1)
    assert chapter[f"librispeech/{name}"] == text
    assert texts(read_seeds(f"librispeech:{transcript.parent}", None, 7)) == chapter
    for above in (transcript.parents[1], LIBRISPEECH_FOLDER, LIBRISPEECH_FOLDER.parent):
        assert chapter.items() <= texts(read_seeds(f"librispeech:{above}", None, 7)).items()


@pytest.mark.parametrize(
    ("spec", "n_read", "n_duplicates"),
    [
        ("librispeech:LibriSpeech/test-clean", 2620, 1),
        ("librispeech:LibriSpeech/dev-clean", 2703, 1),
        ("librispeech:LibriSpeech", 5323, 22),
        ("common-voice:CommonVoice/validated.tsv", 1712, 0),
        ("text:CommonVoice/sentences.txt", 4000, 0),
    ],
)
def test_every_line_of_the_full_corpora_is_read(spec: str, n_read: int, n_duplicates: int):
    kind, _, path = spec.partition(":")
    folder, _, rest = path.partition("/")
    draw = read_seeds(f"{kind}:{corpus(folder) / rest}", None, 7)
    assert (draw.n_read, draw.n_duplicates, draw.n_blank, draw.n_problems) == (n_read, n_duplicates, 0, 0)
    assert draw.available == len(draw.seeds) == len({seed.id for seed in draw.seeds}) == n_read - n_duplicates


# The starter


def test_the_starter_has_over_300_sentences_of_6_to_25_words():
    draw = read_seeds("starter", None, 7)
    assert draw.n_read == draw.available == len(STARTER_SEEDS.read_text("utf-8").splitlines()) >= 320
    assert all(6 <= len(seed.text.split()) <= 25 for seed in draw.seeds)
    assert all(seed.id == f"starter/{digest(seed.text)}" for seed in draw.seeds)
    assert len({seed.text.casefold() for seed in draw.seeds}) == draw.available


def test_no_starter_sentence_repeats_another():
    words = [frozenset(seed.text.casefold().split()) for seed in read_seeds("starter", None, 7).seeds]
    closest = max(len(a & b) / len(a | b) for i, a in enumerate(words) for b in words[:i])
    assert closest < 0.4


# Text


def test_crlf_byte_order_mark_blank_lines_and_a_last_line_without_newline(tmp_path: Path):
    path = write(tmp_path / "a b.txt", "\ufeffOne  bell\ttolls\r\n\r\n   \nRain\x07 falls".encode())
    draw = read_seeds(f"text:{path}", None, 7)
    expected = {f"text/a_b.txt/{digest(text)}": text for text in ("One bell tolls", "Rain falls")}
    assert texts(draw) == expected
    assert (draw.n_read, draw.n_blank, draw.n_duplicates, draw.n_problems) == (4, 2, 0, 0)


def test_an_inserted_line_changes_no_other_id(tmp_path: Path):
    old = write(tmp_path / "a" / "x.txt", "one\ntwo\n")
    new = write(tmp_path / "b" / "x.txt", "zero\none\nand\ntwo\n")
    before, after = (read_seeds(f"text:{path}", None, 7) for path in (old, new))
    assert texts(before).items() <= texts(after).items()


def test_a_line_that_is_not_utf8_is_named_and_the_others_are_read(tmp_path: Path):
    path = write(tmp_path / "x.txt", b"one\ncaf\xe9 noise\nthree")
    draw = read_seeds(f"text:{path}", None, 7)
    assert sorted(texts(draw).values()) == ["one", "three"]
    assert draw.problems == (SeedProblem(str(path), 2, f"not UTF-8 (byte 0xe9 at position 4); {SAVE}"),)
    assert str(draw.problems[0]) == f"{path}:2: not UTF-8 (byte 0xe9 at position 4); {SAVE}"
    assert (draw.n_read, draw.n_problems, draw.available) == (3, 1, 2)


def test_a_line_beyond_the_limit_is_named_and_the_next_is_read(tmp_path: Path):
    path = write(
        tmp_path / "x.txt", b"a" * (3 * MAX_LINE_CHARS) + b"\nbell\n" + b"b" * MAX_LINE_CHARS + b"\n"
    )
    draw = read_seeds(f"text:{path}", None, 7)
    assert draw.problems == (SeedProblem(str(path), 1, "longer than 1,048,576 characters"),)
    assert sorted(map(len, texts(draw).values())) == [4, MAX_LINE_CHARS]


def test_only_the_first_problems_are_kept_and_all_are_counted(tmp_path: Path):
    path = write(tmp_path / "x.txt", b"\xff\n" * (MAX_PROBLEMS_KEPT + 50) + b"bell\n")
    draw = read_seeds(f"text:{path}", None, 7)
    assert [problem.line for problem in draw.problems] == list(range(1, MAX_PROBLEMS_KEPT + 1))
    assert draw.n_problems == MAX_PROBLEMS_KEPT + 50


def test_a_text_of_invisible_characters_is_a_problem(tmp_path: Path):
    path = write(tmp_path / "x.txt", "\u200b\x07\nbell")
    assert read_seeds(f"text:{path}", None, 7).problems == (SeedProblem(str(path), 1, "no text"),)


@given(st.text())
def test_normalised_text_is_one_printable_line_and_stays_as_it_is(text: str):
    normal = normalise_text(text)
    assert normalise_text(normal) == normal
    assert normal == " ".join(normal.split())
    normal.encode()


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("cafe\u0301", "caf\u00e9"),
        ("e\u200b\u0301", "\u00e9"),
        (" a\u00a0\u2003b\x85c ", "a b c"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("\u202eturned\u202c", "turned"),
        ("\u2018quoted\u2019 \u2013 dash", "\u2018quoted\u2019 \u2013 dash"),
    ],
)
def test_normalise_text(text: str, normal: str):
    assert normalise_text(text) == normal


# LibriSpeech


def test_a_transcript_with_bad_lines_is_read_without_them(tmp_path: Path):
    path = tmp_path / "1" / "2" / "1-2.trans.txt"
    write(path, b"1-2-0000 A BELL\n1-2-0001\n1-2-0002 \nNO ID HERE\n1-2-0003 \xff\n\n1-2-0004 RAIN")
    write(path.with_name("._1-2.trans.txt"), b"\x00\x05\x16\x07")
    draw = read_seeds(f"librispeech:{tmp_path}", None, 7)
    assert texts(draw) == {"librispeech/1-2-0000": "A BELL", "librispeech/1-2-0004": "RAIN"}
    assert draw.problems == (
        SeedProblem(str(path), 2, "the id 1-2-0001 has no text"),
        SeedProblem(str(path), 3, "the id 1-2-0002 has no text"),
        SeedProblem(str(path), 4, "does not start with an utterance's id such as 1089-134686-0000"),
        SeedProblem(str(path), 5, f"not UTF-8 (byte 0xff at position 10); {SAVE}"),
    )
    assert (draw.n_read, draw.n_blank, draw.n_problems) == (7, 1, 4)


def test_librispeech_paths_that_lead_nowhere(tmp_path: Path):
    layout = "SPEAKER/CHAPTER/*.trans.txt"
    refuse(f"librispeech:{tmp_path}", tmp_path, layout)
    missing = tmp_path / "missing"
    refuse(f"librispeech:{missing}", missing, layout)
    other = write(tmp_path / "x.txt", "1-2-0000 A BELL\n")
    refuse(f"librispeech:{other}", other, layout)
    empty = write(tmp_path / "1" / "1-2.trans.txt", "")
    refuse(f"librispeech:{empty}", empty, "empty", "utterance")


def test_folders_behind_links_are_read_once(tmp_path: Path):
    write(tmp_path / "all" / "1" / "2" / "1-2.trans.txt", "1-2-0000 A BELL")
    write(tmp_path / "all" / "3" / "4" / "3-4.trans.txt", "3-4-0000 RAIN")
    subset = tmp_path / "subset"
    subset.mkdir()
    (subset / "1").symlink_to(tmp_path / "all" / "1")
    (subset / "again").symlink_to(tmp_path / "all" / "1")
    (subset / "round").symlink_to(subset)
    draw = read_seeds(f"librispeech:{subset}", None, 7)
    assert texts(draw) == {"librispeech/1-2-0000": "A BELL"}
    assert (draw.n_read, draw.n_duplicates, draw.n_problems) == (1, 0, 0)


def test_a_walk_tells_what_it_cannot_read(tmp_path: Path):
    write(tmp_path / "1" / "2" / "1-2.trans.txt", "1-2-0000 A BELL")
    (tmp_path / "3").symlink_to(tmp_path / "missing")
    (tmp_path / "1" / "2" / "5-6.trans.txt").symlink_to(tmp_path / "gone.trans.txt")
    write(tmp_path / "7" / "8" / "7-8-0000.flac", b"fLaC")
    draw = read_seeds(f"librispeech:{tmp_path}", None, 7)
    assert texts(draw) == {"librispeech/1-2-0000": "A BELL"}
    assert {problem.file: problem.what for problem in draw.problems} == {
        str(tmp_path / "3"): "a link that leads nowhere",
        str(tmp_path / "1" / "2" / "5-6.trans.txt"): "a link that leads nowhere",
        str(tmp_path / "7" / "8"): "recordings without a *.trans.txt",
    }
    assert (draw.n_read, draw.n_problems) == (4, 3)


# Common Voice


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (CV_OLD, "c1\tclip_1.mp3\t{}\t2\t0\tNA\tNA\tNA"),
        (CV_NEW, "c1\tclip_1.mp3\t0ab\t{}\t\t2\t0\t\t\t\t\ten\t"),
    ],
)
def test_old_and_new_columns_and_literal_quotes(tmp_path: Path, header: str, row: str):
    path = write(tmp_path / "v.tsv", f"{header}\r\n{row.format(chr(34) + 'Stop!' + chr(34) + ' she cried')}")
    draw = read_seeds(f"common-voice:{path}", None, 7)
    assert texts(draw) == {"common-voice/clip_1": '"Stop!" she cried'}
    assert (draw.n_read, draw.n_blank, draw.n_problems) == (1, 0, 0)


def test_bad_rows_of_common_voice_are_named(tmp_path: Path):
    rows = [
        "path\tsentence",
        "clips/a.b.mp3\tA bell",
        "c.mp3\t ",
        "\tNo clip",
        "d.mp3",
        "e.mp3\tone\ttwo",
        "",
        "f\tRain",
    ]
    path = write(tmp_path / "v.tsv", "\n".join(rows))
    draw = read_seeds(f"common-voice:{path}", None, 7)
    assert texts(draw) == {"common-voice/a.b": "A bell", "common-voice/f": "Rain"}
    assert draw.problems == (
        SeedProblem(str(path), 3, "the id c has no text"),
        SeedProblem(str(path), 4, "the column path is empty"),
        SeedProblem(str(path), 5, "number of columns is 1, the header's is 2"),
        SeedProblem(str(path), 6, "number of columns is 3, the header's is 2"),
    )
    assert (draw.n_read, draw.n_blank) == (7, 1)


def test_common_voice_files_without_what_is_needed(tmp_path: Path):
    path = write(tmp_path / "v.tsv", "path\ttext\nc.mp3\tA bell\n")
    refuse(f"common-voice:{path}", f"{path}:1", "no column sentence")
    write(path, "sentence\nA bell\n")
    refuse(f"common-voice:{path}", f"{path}:1", "path or sentence_id")
    write(path, b"p\xffth\tsentence\n")
    refuse(f"common-voice:{path}", f"{path}:1", "not UTF-8 (byte 0xff at position 2)")
    for content in ("", CV_OLD):
        write(path, content)
        refuse(f"common-voice:{path}", path, "empty")


# JSON Lines


def test_rows_of_json_lines_and_their_ids(tmp_path: Path):
    rows = [
        {"id": "row one", "text": "A bell"},
        {"id": 2, "text": "Rain"},
        {"id": None, "text": "Wind"},
        {"id": True, "text": "Surf"},
        {"text": "Fire"},
    ]
    path = write(tmp_path / "x.jsonl", "\n".join(map(json.dumps, rows)))
    assert texts(read_seeds(f"jsonl:{path}#text", None, 7)) == {
        "jsonl/x.jsonl/row_one": "A bell",
        "jsonl/x.jsonl/2": "Rain",
        f"jsonl/x.jsonl/{digest('Wind')}": "Wind",
        f"jsonl/x.jsonl/{digest('Surf')}": "Surf",
        f"jsonl/x.jsonl/{digest('Fire')}": "Fire",
    }


def test_bad_rows_of_json_lines_are_named(tmp_path: Path):
    rows = [
        '{"t": "A bell"}',
        '{"t": ',
        "[1]",
        '{"u": "x"}',
        '{"t": 3}',
        '{"id": "e", "t": " "}',
        "",
        "[" * 9999,
        "\xff",
    ]
    path = write(tmp_path / "x#1.jsonl", "\n".join(rows).encode("latin-1"))
    draw = read_seeds(f"jsonl:{path}#t", None, 7)
    assert list(texts(draw).values()) == ["A bell"]
    assert draw.n_blank == 1
    assert [(problem.line, problem.what.partition(" (")[0]) for problem in draw.problems] == [
        (2, "not JSON"),
        (3, "not a JSON object"),
        (4, "no field 't'"),
        (5, "the field 't' is not a string"),
        (6, "the id e has no text"),
        (8, "not JSON"),
        (9, "not UTF-8"),
    ]
    assert draw.problems[0].what == "not JSON (Expecting value: line 1 column 7 (char 6))"


def test_a_wrong_field_names_the_first_line(tmp_path: Path):
    path = write(tmp_path / "x.jsonl", '\n{"text": "A bell"}\n')
    refuse(f"jsonl:{path}#txt", f"{path}:2: no field 'txt'")


# Files that give nothing, and specs


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "empty"),
        (b"\n \r\n", "blank (2)"),
        (b"\xff\n", "x.txt:1: not UTF-8 (byte 0xff at position 1)"),
    ],
)
def test_a_file_with_no_seed_at_all(tmp_path: Path, content: bytes, found: str):
    path = write(tmp_path / "x.txt", content)
    refuse(f"text:{path}", path, found)


@pytest.mark.parametrize("spec", ["text:{}", "jsonl:{}#text", "common-voice:{}"])
def test_a_missing_file_and_a_folder(tmp_path: Path, spec: str):
    missing = tmp_path / "missing"
    refuse(spec.format(missing), missing)
    refuse(spec.format(tmp_path), f"{tmp_path} is a folder")


def test_a_table_of_sentences_without_clips(tmp_path: Path):
    path = write(
        tmp_path / "validated_sentences.tsv", "sentence_id\tsentence\tsource\nab1\tA bell\tx\n\tRain\tx\n"
    )
    draw = read_seeds(f"common-voice:{path}", None, 7)
    assert texts(draw) == {"common-voice/ab1": "A bell"}
    assert draw.problems == (SeedProblem(str(path), 3, "the column sentence_id is empty"),)


def test_a_file_that_cannot_be_opened(tmp_path: Path):
    path = tmp_path / ("x" * 300)
    refuse(f"text:{path}", path, "File name too long")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_an_unreadable_folder_is_not_skipped(tmp_path: Path):
    write(tmp_path / "1" / "1-2.trans.txt", "1-2-0000 A BELL")
    folder = write(tmp_path / "2" / "2-3.trans.txt", "2-3-0000 RAIN").parent
    folder.chmod(0)
    try:
        refuse(f"librispeech:{tmp_path}", folder, "Permission denied")
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("spec", ["", "stater", "text", "text:", "starter:x", "file.txt", "Librispeech:x"])
def test_a_spec_of_no_known_form(spec: str):
    refuse(spec, repr(spec), *SPEC_FORMS)


@pytest.mark.parametrize("spec", ["jsonl:x.jsonl", "jsonl:x.jsonl#", "jsonl:#text"])
def test_json_lines_without_a_field(spec: str):
    refuse(spec, repr(spec), "jsonl:PATH#FIELD")


@pytest.mark.parametrize("spec", ["hub:a/b", "hub:a/b#", "hub:#text", "hub:a@#text", "hub:a:#text"])
def test_a_hub_spec_without_a_part(spec: str):
    refuse(spec, repr(spec), "hub:DATASET[@CONFIG][:SPLIT]#COLUMN")


def test_hub_specs():
    assert parse_spec("hub:a/b#text") == HubDataset("a/b", "text")
    assert parse_spec("hub:a/b@clean:test.clean#my text") == HubDataset(
        "a/b", "my text", "clean", "test.clean"
    )
    assert parse_spec("librispeech") is LIBRISPEECH
    assert parse_spec("common-voice") is COMMON_VOICE


def test_a_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "x.txt", "A bell")
    assert read_seeds("text:~/x.txt", None, 7).seeds == (Seed(f"text/x.txt/{digest('A bell')}", "A bell"),)
