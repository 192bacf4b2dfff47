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
        ("utf-32-le", ""),
        ("utf-32-be", ""),
        ("utf-32-be", "\ufeff"),
    ],
)
def test_the_encoding_of_an_editor_is_found(codec, mark):
    data = (mark + TEXT).encode(codec)
    assert data.decode(detect_encoding(data[:HEAD_BYTES])) == TEXT
    assert to_utf8(data) == TEXT.encode()


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text",
    [
        "\u96e8\u304c\u6b62\u3093\u3060\u3002\n\u4e00\n",
        "\u0434\u043e\u0436\u0434\u044c \u0438\u0434\u0451\u0442\n",
    ],
)
def test_another_script_is_found_by_its_zero_bytes(codec: str, text: str):
    assert detect_encoding(text.encode(codec)) == codec


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a",
        b"\xe9t\xe9",
        b"a\x00b\n",
        b"bell\0rain\xe9\n" + b"wind\n" * 99,
        b"\0" * 99,
        "\u96e8".encode(),
    ],
)
def test_other_bytes_stay_as_they_are(data):
    assert detect_encoding(data) == "utf-8"
    assert to_utf8(data) == data


def test_damaged_utf_16_is_an_error():
    with pytest.raises(UnicodeDecodeError):
        to_utf8(TEXT.encode("utf-16") + b"\x00")
