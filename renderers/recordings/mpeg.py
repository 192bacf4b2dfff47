"""MP3 files: their frames counted, since the count told, or estimated from the first frame, may be wrong."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO

from renderers.recordings.spliced import Part, Span, UnreadableError

_KBITS = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Bit rates of layer III by version: 1, and 2 with 2.5."""

_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Sample rates by the two bits of the version."""

_SEARCHED_BYTES = 65_536
"""Up to so many bytes of something else may stand before the first frame, and between two."""

_WIDE = 9
"""A bit rate whose frames have room for the count."""


@dataclass(frozen=True, slots=True)
class _Frame:
    header: bytes
    n_bytes: int
    side_bytes: int
    """Bytes from the frame's start to where a count of frames may stand."""


@dataclass(frozen=True, slots=True)
class _Table:
    """The place of the number of frames in the first one, that number or 0, and whether decoders read it."""

    count_at: int
    told: int
    is_believed: bool


def count_frames(file: BinaryIO) -> list[Part] | None:
    """Return the parts of an MP3 with the true count of its frames; None if the one told is true.

    None also for a file in which no frame is found. Raises UnreadableError if frames are missing.
    """
    size = file.seek(0, os.SEEK_END)
    first_at = _skip_tag(file)
    if (found := _find_frame(file, first_at, size, None)) is None:
        return None
    at, first = found
    file.seek(at)
    table = _read_table(file.read(first.n_bytes), first)
    sound_at = at + first.n_bytes if table else at
    n_frames, widths = _count(file, sound_at, size, first)
    if table and n_frames + 1 < table.told:
        raise UnreadableError(f"is cut off: {n_frames} of {table.told} frames")
    if table and table.told and table.is_believed:
        if table.told in {n_frames, n_frames + 1}:
            return None
        count_at = at + table.count_at
        return [Span(0, count_at), n_frames.to_bytes(4, "big"), Span(count_at + 4, size)]
    # Without a count the length is estimated from the first frame: rightly if all are as long.
    if not n_frames or max(widths) - min(widths) <= 1:
        return None
    return [_make_count(first, n_frames), Span(sound_at, size)]


def _skip_tag(file: BinaryIO) -> int:
    """Return the place behind the tag at the start, if there is one."""
    file.seek(0)
    head = file.read(10)
    if len(head) < 10 or not head.startswith(b"ID3"):
        return 0
    n_bytes = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
    return 10 + n_bytes + (10 if head[5] & 0x10 else 0)


def _parse_header(header: bytes) -> _Frame | None:
    """Return the frame of a header of layer III; None if it is not one, or its length is not told."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version, kbits, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version not in _RATES_HZ or kbits in {0, 15} or rate == 3:
        return None
    is_first = version == 3
    mono = header[3] >> 6 == 3
    n_kbits = _KBITS[1 if is_first else 2][kbits]
    n_bytes = (144 if is_first else 72) * n_kbits * 1000 // _RATES_HZ[version][rate] + (header[2] >> 1 & 1)
    side = {(True, True): 17, (True, False): 32, (False, True): 9, (False, False): 17}[is_first, mono]
    return _Frame(header, n_bytes, 4 + side)


def _find_frame(file: BinaryIO, at: int, size: int, like: _Frame | None) -> tuple[int, _Frame] | None:
    """Return the next frame, which another follows, or the end; of the version and rate of `like`."""
    file.seek(at)
    block = file.read(_SEARCHED_BYTES)
    place = block.find(b"\xff")
    while place >= 0:
        frame = _parse_header(block[place : place + 4])
        if frame and (like is None or _is_like(frame, like)):
            behind = at + place + frame.n_bytes
            file.seek(behind)
            after = _parse_header(file.read(4))
            if behind == size or (after and _is_like(after, frame)):
                return at + place, frame
        place = block.find(b"\xff", place + 1)
    return None


def _is_like(frame: _Frame, other: _Frame) -> bool:
    same_rate = frame.header[2] & 0x0C == other.header[2] & 0x0C
    return frame.header[1] & 0xFE == other.header[1] & 0xFE and same_rate


def _read_table(content: bytes, frame: _Frame) -> _Table | None:
    """Return the table that an encoder of variable bit rates writes in place of the first frame's sound."""
    at = frame.side_bytes
    if content[36:40] == b"VBRI":
        return _Table(50, int.from_bytes(content[50:54], "big"), is_believed=False)
    if content[at : at + 4] not in {b"Xing", b"Info"}:
        return None
    has_count = int.from_bytes(content[at + 4 : at + 8], "big") & 1
    told = int.from_bytes(content[at + 8 : at + 12], "big") if has_count else 0
    return _Table(at + 8, told, is_believed=True)


def _count(file: BinaryIO, at: int, size: int, first: _Frame) -> tuple[int, set[int]]:
    """Return the number of whole frames, and their lengths in bytes."""
    n_frames, widths = 0, set[int]()
    while at < size:
        file.seek(at)
        frame = _parse_header(file.read(4))
        if frame is None or not _is_like(frame, first):
            if (found := _find_frame(file, at, size, first)) is None:
                break
            at, frame = found
        at += frame.n_bytes
        if at <= size:
            n_frames += 1
            widths.add(frame.n_bytes)
    return n_frames, widths


def _make_count(like: _Frame, n_frames: int) -> bytes:
    """Return a frame without sound that tells the number of frames."""
    head = bytes((0xFF, like.header[1] | 1, _WIDE << 4 | like.header[2] & 0x0C, like.header[3]))
    frame = _parse_header(head) or like
    return (head + bytes(frame.side_bytes - 4) + b"Xing\0\0\0\x01" + n_frames.to_bytes(4, "big")).ljust(
        frame.n_bytes, b"\0"
    )
