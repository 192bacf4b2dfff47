"""Encodings of text files."""

from __future__ import annotations

import pytest

from copilot.text.decoding import HEAD_BYTES, detect_encoding, to_utf8

TEXT = "file,caption\n1.wav,D\u00e4mmerung \u2014 didn\u2019t\n"


@pytest.mark.parametrize(
    ("codec", "mark"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("utf-16-le", ""),
        ("utf-16-be", ""),
        ("utf-16-le", "\ufeff"),
        ("utf-16-be", "\ufeff"),
        ("utf-32", ""),
        ("utf-32-be", "\ufeff"),
    ],
)
def test_the_encoding_of_an_editor_is_found(codec, mark):
    data = (mark + TEXT).encode(codec)
    assert data.decode(detect_encoding(data[:HEAD_BYTES])) == TEXT
    assert to_utf8(data) == TEXT.encode()


@pytest.mark.parametrize("data", [b"", b"a", b"\xe9t\xe9", b"a\x00b\n", "\u96e8".encode()])
def test_other_bytes_stay_as_they_are(data):
    assert detect_encoding(data) == "utf-8"
    assert to_utf8(data) == data


def test_damaged_utf_16_is_an_error():
    with pytest.raises(UnicodeDecodeError):
        to_utf8(TEXT.encode("utf-16") + b"\x00")
