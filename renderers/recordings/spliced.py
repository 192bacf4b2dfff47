"""A file made of parts of another one, and of bytes that stand between them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO


class UnreadableError(ValueError):
    """A recording that gives no sound, or not all of it; the message says why, and does not name it."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of the original file, from `first` up to `end`."""

    first: int
    end: int


Part = bytes | Span


class SplicedFile:
    """Reads parts in their order as one file. The original stays open when it is no longer used."""

    def __init__(self, original: BinaryIO, parts: Sequence[Part]) -> None:
        self._original = original
        self._parts: list[tuple[int, Part]] = []
        self._size = self._at = 0
        for part in parts:
            self._parts.append((self._size, part))
            self._size += len(part) if isinstance(part, bytes) else part.end - part.first

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position, and return it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def read(self, n_bytes: int) -> bytes:
        """Return so many bytes from the position; fewer at the end."""
        found: list[bytes] = []
        end = min(self._at + n_bytes, self._size)
        for start, part in self._parts:
            length = len(part) if isinstance(part, bytes) else part.end - part.first
            first, last = max(self._at - start, 0), min(end - start, length)
            if first >= last:
                continue
            if isinstance(part, bytes):
                found.append(part[first:last])
            else:
                self._original.seek(part.first + first)
                found.append(self._original.read(last - first))
        data = b"".join(found)
        self._at += len(data)
        return data
