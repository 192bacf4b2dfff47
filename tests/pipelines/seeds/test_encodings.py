"""Seeds from files as editors and tools of any system write them, or a fault that names the damage."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from copilot.errors import UserError
from pipelines.seeds import SeedProblem, read_seeds

SENTENCES = (
    "The caf\u00e9 door didn\u2019t creak.",
    "\u96e8\u304c\u6b62\u3093\u3060\u3002",
    "Rain falls on tin",
)
SPECS: dict[str, tuple[str, Callable[[int, str], str]]] = {
    "text:{}": ("", lambda _, text: text),
    "jsonl:{}#t": ("", lambda _, text: f'{{"t": "{text}"}}'),
    "common-voice:{}": ("path\tsentence\n", lambda n, text: f"{n}.mp3\t{text}"),
    "librispeech:{}": ("", lambda n, text: f"1-2-{n:04} {text}"),
}
ENCODINGS = {
    "utf-8": ("utf-8", b""),
    "utf-8 with a mark": ("utf-8", codecs.BOM_UTF8),
    "utf-16 LE": ("utf-16-le", codecs.BOM_UTF16_LE),
    "utf-16 BE": ("utf-16-be", codecs.BOM_UTF16_BE),
    "utf-16 LE without a mark": ("utf-16-le", b""),
    "utf-16 BE without a mark": ("utf-16-be", b""),
    "utf-32 LE": ("utf-32-le", codecs.BOM_UTF32_LE),
    "utf-32 BE": ("utf-32-be", codecs.BOM_UTF32_BE),
    "utf-32 LE without a mark": ("utf-32-le", b""),
    "utf-32 BE without a mark": ("utf-32-be", b""),
}


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def content(spec: str, end: str = "\n") -> str:
    header, make_line = SPECS[spec]
    rows = header.splitlines() + [make_line(n, text) for n, text in enumerate(SENTENCES)]
    return end.join(rows) + end


def read(spec: str, path: Path) -> tuple[set[str], int]:
    draw = read_seeds(spec.format(path), None, 7)
    return {seed.text for seed in draw.seeds}, draw.n_problems


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("name", ENCODINGS)
def test_every_encoding_and_end_of_line_gives_the_same_seeds(tmp_path: Path, spec: str, name: str):
    encoding, mark = ENCODINGS[name]
    ids = set()
    for end in ("\n", "\r\n", "\r"):
        path = write(tmp_path / "x.trans.txt", mark + content(spec, end).encode(encoding))
        assert read(spec, path) == (set(SENTENCES), 0)
        ids.add(tuple(seed.id for seed in read_seeds(spec.format(path), None, 7).seeds))
    assert len(ids) == 1


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_file_gives_the_seeds_of_the_plain_one(
    tmp_path: Path, compress: Callable[[bytes], bytes]
):
    suffix = {gzip.compress: ".gz", bz2.compress: ".bz2", lzma.compress: ".xz"}[compress]
    for spec in ("text:{}", "jsonl:{}#t"):
        plain = write(tmp_path / "x.txt", content(spec).encode())
        packed = write(tmp_path / f"x.txt{suffix}", compress(content(spec).encode("utf-16")))
        assert read_seeds(spec.format(packed), None, 7).seeds == read_seeds(spec.format(plain), None, 7).seeds


def test_a_compressed_transcript_is_found(tmp_path: Path):
    write(tmp_path / "1-2.trans.txt.gz", gzip.compress(b"1-2-0000 A BELL"))
    assert read("librispeech:{}", tmp_path) == ({"A BELL"}, 0)


def test_a_damaged_compressed_file_is_refused(tmp_path: Path):
    path = write(tmp_path / "x.txt.gz", gzip.compress(b"bell\n" * 9999)[:40])
    with pytest.raises(UserError) as caught:
        read_seeds(f"text:{path}", None, 7)
    assert caught.value.field == "seeds"


def make_tar() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x.txt"))
    return data.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04bell\n",
        b"{\\rtf1 bell\n}",
        b"%PDF-1.7\nbell\n",
        b"PAR1bell\n",
        make_tar(),
        gzip.compress(make_tar(), mtime=0),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, data: bytes):
    path = write(tmp_path / "x.txt", data)
    with pytest.raises(UserError) as caught:
        read_seeds(f"text:{path}", None, 7)
    assert caught.value.field == "seeds"


@pytest.mark.parametrize(("encoding", "byte"), [("latin-1", 0xE9), ("cp1252", 0xE9), ("shift-jis", 0x89)])
def test_another_encoding_costs_its_lines_and_names_the_byte(tmp_path: Path, encoding: str, byte: int):
    text = "\u96e8" if encoding == "shift-jis" else "\u00e9"
    path = write(tmp_path / "x.txt", f"A bell\nIt is {text}\n".encode(encoding))
    draw = read_seeds(f"text:{path}", None, 7)
    assert [seed.text for seed in draw.seeds] == ["A bell"]
    what = f"not UTF-8 (byte 0x{byte:02x} at position 7); save the file as UTF-8"
    assert draw.problems == (SeedProblem(str(path), 2, what),)


@pytest.mark.parametrize(
    ("damaged", "code"),
    [
        ("didn\0t", "U+0000 at character 5"),
        ("didn\x92t", "U+0092 at character 5"),
        ("\x1b$B1+\x1b(B", "U+001B at character 1"),
        ("caf\ufffd", "U+FFFD at character 4"),
    ],
)
def test_characters_of_a_wrong_conversion_are_no_seed(tmp_path: Path, damaged: str, code: str):
    path = write(tmp_path / "x.txt", f"A bell\n{damaged}\n".encode())
    draw = read_seeds(f"text:{path}", None, 7)
    assert [seed.text for seed in draw.seeds] == ["A bell"]
    assert [(problem.line, problem.what.split(",")[0]) for problem in draw.problems] == [(2, f"has {code}")]


def test_half_a_character_of_utf_16_and_a_cut_file(tmp_path: Path):
    path = write(tmp_path / "x.txt", "bell\nr\ud83din\nwind".encode("utf-16-le", "surrogatepass")[:-1])
    draw = read_seeds(f"text:{path}", None, 7)
    assert [seed.text for seed in draw.seeds] == ["bell"]
    assert [problem.line for problem in draw.problems] == [2, 3]


def test_files_joined_with_their_byte_order_marks(tmp_path: Path):
    joined = "\ufeffbell\n".encode() + "\ufeffrain".encode() + "\ufeffwind".encode()
    assert read("text:{}", write(tmp_path / "x.txt", joined)) == ({"bell", "rain wind"}, 0)
    joined = '\ufeff{"t": "bell"}\n\ufeff{"t": "rain"}\n'.encode()
    assert read("jsonl:{}#t", write(tmp_path / "x.jsonl", joined)) == ({"bell", "rain"}, 0)


@pytest.mark.parametrize("mark", ["\f", "\v", "\x85", "\u2028", "\u2029"])
def test_other_ends_of_lines_part_sentences_but_not_rows(tmp_path: Path, mark: str):
    path = write(tmp_path / "x.txt", f"bell{mark}rain".encode())
    assert read("text:{}", path) == ({"bell", "rain"}, 0)
    path = write(tmp_path / "x.tsv", f"path\tsentence\n1.mp3\tbell{mark}rain\n".encode())
    assert read("common-voice:{}", path) == ({"bell rain"}, 0)


def test_a_table_of_requests_is_read_like_any_text(tmp_path: Path):
    rows = 'id,ask\n1,"A caf\u00e9 at night"\n2,"[""Rain on tin"", ""louder""]"\n'
    for codec in ("utf-8", "utf-8-sig", "utf-16"):
        path = write(tmp_path / "x.csv", rows.encode(codec))
        assert read("requests:{}#ask", path) == ({"A caf\u00e9 at night", "Rain on tin"}, 0)
    path = write(tmp_path / "x.csv", rows.encode("latin-1"))
    assert read("requests:{}#ask", path) == ({"Rain on tin"}, 1)
    path = write(tmp_path / "x.csv", rows.replace("louder", "didn\x92t").encode())
    assert read("requests:{}#ask", path) == ({"A caf\u00e9 at night"}, 1)
    path = write(tmp_path / "x.csv", rows.encode("utf-16")[:-1])
    with pytest.raises(UserError) as caught:
        read_seeds(f"requests:{path}#ask", None, 7)
    assert caught.value.field == "seeds"
