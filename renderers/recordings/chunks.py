"""Containers that tell the length of their sound ahead of it: WAV, RF64, W64, AIFF, AU and CAF.

A program that does not know the end yet writes 0, a placeholder, or the length of the first piece. The length
that counts is that of the bytes that are there. Fewer than told are a recording that is cut off.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import BinaryIO, Literal

from renderers.recordings.spliced import Part, Span, UnreadableError

_PLACEHOLDER_BYTES = 1_000_000_000
"""From here on a length that is not there is a placeholder: programs write 0xFFFFFFFF, 0x7FFFFFFF or 2e9."""

_PADDING_BYTES = 4096
"""Up to so many bytes behind the sound, a block of a disk, may be anything; more of them are sound."""

_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN")


@dataclass(frozen=True, slots=True)
class _Form:
    """The form of a container's chunks: an id and a length, then a body that is padded."""

    first: int
    sound: bytes
    length_bytes: int
    order: Literal["little", "big"]
    padded_to: int = 1
    counts_itself: bool = False

    @property
    def head(self) -> int:
        """The number of bytes before a chunk's body."""
        return len(self.sound) + self.length_bytes


@dataclass(frozen=True, slots=True)
class _Sound:
    """The place of the sound, the length told, and the place of that length."""

    first: int
    told: int
    length_at: int
    length_bytes: int


_W64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
_FORMS: dict[tuple[bytes, bytes], _Form] = {
    (b"RIFF", b"WAVE"): _Form(12, b"data", 4, "little", 2),
    (b"RIFX", b"WAVE"): _Form(12, b"data", 4, "big", 2),
    (b"RF64", b"WAVE"): _Form(12, b"data", 4, "little", 2),
    (b"FORM", b"AIFF"): _Form(12, b"SSND", 4, "big", 2),
    (b"FORM", b"AIFC"): _Form(12, b"SSND", 4, "big", 2),
}
_CAF = _Form(8, b"data", 8, "big")
_W64 = _Form(40, _W64_DATA, 8, "little", 8, counts_itself=True)


def correct_lengths(file: BinaryIO) -> list[Part] | None:
    """Return the parts of the file with the true length of its sound; None if the length told is true.

    None also for any other container. Raises UnreadableError for a recording that is cut off.
    """
    size = file.seek(0, os.SEEK_END)
    head = _read(file, 0, 24)
    if head.startswith(b".snd"):
        sound = _Sound(int.from_bytes(head[4:8], "big"), int.from_bytes(head[8:12], "big"), 8, 4)
        return _correct(file, size, sound, _Form(size, b"", 4, "big"))
    form = _find_form(head)
    sound_or_none = _find_sound(file, 0, size, form) if form else None
    if form is None or sound_or_none is None:
        return None
    return _correct(file, size, sound_or_none, form)


def _find_form(head: bytes) -> _Form | None:
    if head.startswith(b"caff"):
        return _CAF
    if head.startswith(b"riff") and head[4:16] == bytes.fromhex("2e91cf11a5d628db04c10000"):
        return _W64
    return _FORMS.get((head[:4], head[8:12]))


def _find_sound(file: BinaryIO, start: int, size: int, form: _Form) -> _Sound | None:
    at = start + form.first
    long_told: int | None = None
    while at + form.head <= size:
        name, told = _read_head(file, at, form)
        body = at + form.head
        if name == b"ds64":
            long_told = int.from_bytes(_read(file, body + 8, 8), "little")
        if name == form.sound:
            if long_told is not None and told == 0xFFFFFFFF:
                return _Sound(body, long_told, start + form.first + 16, 8)
            return _Sound(body, told, at + len(form.sound), form.length_bytes)
        if told < 0:
            return None
        at = body + told + -told % form.padded_to
    return None


def _correct(file: BinaryIO, size: int, sound: _Sound, form: _Form) -> list[Part] | None:
    there = size - sound.first
    if there <= 0:
        return None
    spans = _list_spans(file, size, sound, form)
    found = sum(span.end - span.first for span in spans)
    told = sound.told
    # W64: libsndfile reads to the end of the file, as if chunks behind the sound were sound.
    if found == told and not (form is _W64 and there > found):
        return None
    written = min(found + (form.head if form.counts_itself else 0), 2 ** (8 * sound.length_bytes) - 1)
    parts: list[Part] = [
        Span(0, sound.length_at),
        written.to_bytes(sound.length_bytes, form.order),
        Span(sound.length_at + sound.length_bytes, sound.first),
        *spans,
    ]
    return [*parts, b"\0"] if found % form.padded_to else parts


def _list_spans(file: BinaryIO, size: int, sound: _Sound, form: _Form) -> list[Span]:
    """Return where the sound is: in one place, unless a WAV has several pieces, or others follow it.

    Raises UnreadableError for sound that is cut off, and if another file follows that cannot be joined.
    """
    spans: list[Span] = []
    piece: _Sound | None = sound
    while piece is not None:
        span, piece = _find_span(file, size, piece, form)
        spans.append(span)
    return spans


def _find_span(file: BinaryIO, size: int, sound: _Sound, form: _Form) -> tuple[Span, _Sound | None]:
    """Return where one piece of the sound is, and the piece that follows it."""
    end = sound.first + sound.told
    if sound.told < 0 or (end > size and sound.told >= _PLACEHOLDER_BYTES):
        return Span(sound.first, size), None
    if end > size + 1:  # some programs count a byte of padding that they do not write
        raise UnreadableError(f"is cut off: {size - sound.first} of {sound.told} bytes of sound")
    behind = min(end + -sound.told % form.padded_to, size)
    is_wav = form in _FORMS.values() and form.sound == b"data"
    following: _Sound | None = None
    if _starts_file(file, behind):
        following = _find_sound(file, behind, size, form) if is_wav else None
        if following is None or _read_format(file, 0, size) != _read_format(file, behind, size):
            raise UnreadableError(f"is followed by another file, from byte {behind}")
    elif is_wav and _are_chunks(file, behind, size, form):
        following = _find_sound(file, behind - form.first, size, form)  # a second piece in the same file
    if following:
        return Span(sound.first, end), following
    least = _PADDING_BYTES if sound.told else 1
    if size - behind < least or _is_other(file, behind, size, form):
        return Span(sound.first, min(end, size)), None
    return Span(sound.first, size), None


def _starts_file(file: BinaryIO, at: int) -> bool:
    """Return whether a file of the same container starts there."""
    mark, head = _read(file, 0, 12), _read(file, at, 12)
    return mark[:4] == head[:4] and (mark[:1] not in b"RF" or mark[8:] == head[8:])


def _read_format(file: BinaryIO, start: int, size: int) -> bytes:
    """Return the format chunk of a WAV, without which it cannot be read."""
    form = _Form(12, b"fmt ", 4, "little", 2)
    found = _find_sound(file, start, size, form)
    return _read(file, found.first, found.told) if found else b""


def _is_other(file: BinaryIO, at: int, size: int, form: _Form) -> bool:
    """Return whether the bytes behind the sound are chunks, tags or zeros, and no sound."""
    if _read(file, at, 11).startswith(_TAGS):
        return True
    if form.first < size and _are_chunks(file, at, size, form):
        return True
    file.seek(at)
    while block := file.read(1 << 20):
        if block.count(0) < len(block):
            return False
    return True


def _are_chunks(file: BinaryIO, at: int, size: int, form: _Form) -> bool:
    n_chunks = 0
    while at + form.head <= size:
        name, told = _read_head(file, at, form)
        body = at + form.head
        printable = all(0x20 <= letter < 0x7F for letter in name[:4])
        if not printable or not 0 <= told <= size - body:
            break
        n_chunks += 1
        at = body + told + -told % form.padded_to
    return n_chunks > 0 and size - at < _PADDING_BYTES


def _read_head(file: BinaryIO, at: int, form: _Form) -> tuple[bytes, int]:
    """Return a chunk's id and the length of its body."""
    head = _read(file, at, form.head)
    told = int.from_bytes(head[len(form.sound) :], form.order, signed=form.length_bytes == 8)
    return head[: len(form.sound)], told - (form.head if form.counts_itself else 0)


def _read(file: BinaryIO, at: int, n_bytes: int) -> bytes:
    file.seek(at)
    return file.read(n_bytes)
