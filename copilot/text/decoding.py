"""Encodings of text files: UTF-8, or UTF-16 and UTF-32 by their byte-order marks or their zero bytes."""

from __future__ import annotations

import codecs

HEAD_BYTES = 1024
"""The number of bytes from a file's start that tell its encoding."""

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MOST = 0.7
"""Share of the characters that have a zero byte in UTF-16 if the text has a header or markup in ASCII."""


def detect_encoding(head: bytes) -> str:
    """Return the Python codec of a text, given its first bytes; `utf-8` if nothing tells another.

    The codec removes a byte-order mark. UTF-16 without one has a zero in most of its even or of its odd
    bytes, and none in the others, at least in Western text.
    """
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return codec
    pairs = len(head[:HEAD_BYTES]) // 2
    first, second = (head[at : 2 * pairs : 2].count(0) for at in (0, 1))
    if pairs and not first and second > _MOST * pairs:
        return "utf-16-le"
    if pairs and not second and first > _MOST * pairs:
        return "utf-16-be"
    return "utf-8"


def to_utf8(data: bytes) -> bytes:
    """Return a text as UTF-8 without a byte-order mark; bytes that are not UTF-16 or UTF-32 stay as they are.

    Raises UnicodeDecodeError for UTF-16 and UTF-32 that is damaged.
    """
    codec = detect_encoding(data[:HEAD_BYTES])
    if codec in {"utf-8", "utf-8-sig"}:
        return data.removeprefix(codecs.BOM_UTF8)
    return data.decode(codec).encode()
