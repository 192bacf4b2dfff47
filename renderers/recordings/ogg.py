"""Ogg files: their pages, since the decoder believes the time of the last one that is whole."""

from __future__ import annotations

import os
from typing import BinaryIO

from renderers.recordings.spliced import UnreadableError

_HEAD_BYTES = 27
_SEARCHED_BYTES = 65_536
_NO_TIME = 0xFFFFFFFFFFFFFFFF
_FIRST_PAGE = 2


def check_pages(file: BinaryIO) -> None:
    """Raise UnreadableError for an Ogg file that is cut off, or holds one stream behind another.

    Times that run backwards are a damage too: the last one is the length.
    """
    size = file.seek(0, os.SEEK_END)
    at = 0
    times: dict[bytes, int] = {}
    has_sound = False
    while at < size:
        file.seek(at)
        head = file.read(_HEAD_BYTES)
        if not head.startswith(b"OggS"):
            if (at := _find_page(file, at)) < 0:
                return
            continue
        lengths = file.read(head[26]) if len(head) == _HEAD_BYTES else b""
        end = at + _HEAD_BYTES + len(lengths) + sum(lengths)
        if len(head) < _HEAD_BYTES or len(lengths) < head[26] or end > size:
            raise UnreadableError("is cut off inside a page")
        serial, time = head[14:18], int.from_bytes(head[6:14], "little")
        if head[5] & _FIRST_PAGE and has_sound:
            raise UnreadableError(f"holds a second stream behind the first, from byte {at}")
        if time not in {0, _NO_TIME}:
            has_sound = True
        if time != _NO_TIME:
            if time < times.get(serial, 0):
                raise UnreadableError(f"is damaged: the times of its pages run backwards at byte {at}")
            times[serial] = time
        at = end


def _find_page(file: BinaryIO, at: int) -> int:
    """Return the place of the next page; -1 if there is none nearby."""
    file.seek(at)
    place = file.read(_SEARCHED_BYTES).find(b"OggS")
    return place if place < 0 else at + place
