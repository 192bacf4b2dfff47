"""Encodings of text files: UTF-8, or UTF-16 and UTF-32 by their byte-order marks or their zero bytes."""

from __future__ import annotations

import codecs

HEAD_BYTES = 4096
"""The number of bytes from a file's start that tell its encoding."""

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes({*range(0x20)} - {*b"\t\n\v\f\r\x1b"})
_CONTROL_SHARE = 0.4
"""The least share of control bytes for bytes that are valid UTF-8 to be UTF-16, where Latin has half."""

_ASCII_SHARE = 0.01
"""The least share of ASCII, such as ends of lines, for zero bytes to be those of UTF-16."""


def detect_encoding(head: bytes) -> str:
    """Return the Python codec of a text, given its first bytes; `utf-8` if nothing tells another.

    The codec removes a byte-order mark. Without one, UTF-32 and UTF-16 are known by their zero bytes.
    """
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return codec
    if b"\0" not in head:
        return "utf-8"
    for codec in ("utf-32-le", "utf-32-be"):  # hardly any other bytes are valid UTF-32
        if _decode_start(head, codec):
            return codec
    n_controls = len(head) - len(head.translate(None, _CONTROLS))
    if n_controls >= _CONTROL_SHARE * len(head) or not _decode_start(head.replace(b"\0", b" "), "utf-8"):
        texts = {codec: _decode_start(head, codec) for codec in ("utf-16-le", "utf-16-be")}
        n_ascii = {codec: sum(map(str.isascii, text)) for codec, text in texts.items()}
        codec = max(texts, key=lambda name: n_ascii[name])
        if n_ascii[codec] > _ASCII_SHARE * len(texts[codec]):
            return codec
    return "utf-8"


def _decode_start(head: bytes, codec: str) -> str:
    """Return the start of a text; empty if the bytes are no such text."""
    # Half a character of UTF-16 is a fault of its place, not another encoding.
    errors = "surrogatepass" if codec.startswith("utf-16") else "strict"
    try:
        text = codecs.getincrementaldecoder(codec)(errors).decode(head)
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in text else text


def to_utf8(data: bytes) -> bytes:
    """Return a text as UTF-8 without a byte-order mark; bytes that are not UTF-16 or UTF-32 stay as they are.

    Raises UnicodeDecodeError for UTF-16 and UTF-32 that is damaged.
    """
    codec = detect_encoding(data[:HEAD_BYTES])
    if codec in {"utf-8", "utf-8-sig"}:
        return data.removeprefix(codecs.BOM_UTF8)
    return data.decode(codec).encode()
