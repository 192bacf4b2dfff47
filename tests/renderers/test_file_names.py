"""Names of files as another system spells them."""

from __future__ import annotations

import pytest

from renderers.file_names import FileNames
from renderers.index_file import BadRowError


@pytest.mark.parametrize(
    ("written", "there"),
    [
        ("a  b.wav", "a  b.wav"),
        ("a  b.wav", "a b.wav"),
        ("a b.wav", "a  b.wav"),
        (" a.wav ", "a.wav"),
        ("a.wav", " a.wav"),
        ("dogs\\yard.wav", "dogs/yard.wav"),
        ("e\u0301.wav", "\u00e9.wav"),
        ("\u00e9.wav", "e\u0301.wav"),
        ("Dogs/Yard.WAV", "dogs/yard.wav"),
        ("./dogs//yard.wav", "dogs/yard.wav"),
        ("back\\slash.wav", "back\\slash.wav"),
    ],
)
def test_a_file_is_found_under_another_spelling(tmp_path, written, there):
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_bytes(b"x")
    assert FileNames(tmp_path).find(written) == tmp_path / there


def test_a_name_as_it_stands_comes_first(tmp_path):
    for name in ("a.wav", "A.wav"):
        (tmp_path / name).write_bytes(b"x")
    assert FileNames(tmp_path).find("A.wav") == tmp_path / "A.wav"


def test_a_name_that_may_be_one_of_two_is_neither(tmp_path):
    for name in ("a.wav", "A.wav"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(BadRowError, match=r"A\.wav and a\.wav"):
        FileNames(tmp_path).find("A.WAV")


def test_an_absolute_path_below_the_folder_is_one_of_its_files(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"x")
    assert FileNames(tmp_path).find(str(tmp_path / "a.wav")) == tmp_path / "a.wav"


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../a.wav",
        "..\\a.wav",
        "C:\\a.wav",
        "\\\\host\\share\\a.wav",
        "a.wav/../../b",
        "x" * 300,
    ],
)
def test_what_lies_elsewhere_or_cannot_be_is_refused(tmp_path, name):
    (tmp_path / "a.wav").write_bytes(b"x")
    with pytest.raises(BadRowError):
        FileNames(tmp_path).find(name)
