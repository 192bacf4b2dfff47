"""FLAC files: the number of samples decoded, since the one told may be missing or wrong."""

from __future__ import annotations

import os
from typing import BinaryIO

import soundfile as sf

from renderers.recordings.spliced import Part, Span, SplicedFile, UnreadableError

_TOLD_AT = 18
"""Eight bytes: rate, channels and bits, then 36 bits that tell the number of samples."""

_TOLD_BITS = 36
_BLOCK = 65_536


class _ForwardFile(sf.SoundFile):  # type: ignore[misc]
    """Reads forward only: to seek in a file of unknown length is an error."""

    def seekable(self) -> bool:
        """Return False."""
        return False


def count_samples(file: BinaryIO) -> list[Part] | None:
    """Return the parts of a FLAC with the true number of samples; None if the one told is true.

    Decodes all of it. Raises UnreadableError for one that is cut off.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(_TOLD_AT + 8)
    if len(head) < _TOLD_AT + 8:
        return None
    fields = int.from_bytes(head[_TOLD_AT:], "big")
    told = fields & ((1 << _TOLD_BITS) - 1)

    def tell(n_samples: int) -> list[Part]:
        return [Span(0, _TOLD_AT), (fields - told + n_samples).to_bytes(8, "big"), Span(_TOLD_AT + 8, size)]

    found, is_damaged = _decode(SplicedFile(file, tell(0)))
    if is_damaged:
        # What cannot be decoded behind the samples told is no part of the sound.
        found, is_damaged = _decode(SplicedFile(file, [Span(0, size)]))
    if is_damaged or found < told:
        raise UnreadableError(f"is cut off or damaged before the last of {told or 'its'} samples")
    return None if found == told else tell(found)


def _decode(file: SplicedFile) -> tuple[int, bool]:
    """Return the number of samples decoded, and whether something could not be."""
    n_samples = 0
    try:
        with _ForwardFile(file) as sound:
            # Never a sample more than told: the bytes behind may not be FLAC.
            while n_samples < sound.frames:
                n_wanted = min(_BLOCK, sound.frames - n_samples)
                block = sound.read(n_wanted, dtype="float32", always_2d=True)
                if not len(block):
                    break
                n_samples += len(block)
    except sf.SoundFileError:
        return n_samples, True
    return n_samples, False
