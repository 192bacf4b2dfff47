"""The one way in which recordings are opened: to their true end, or with a reason why that cannot be.

Neither a length that a header tells nor one that a decoder estimates is believed. A recording with fewer
samples than told is cut off, and refused: what is missing is not known. If there are more, all of them count.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile as sf

from copilot.audio.conform import HIGHEST_RATE_HZ, LOWEST_RATE_HZ
from copilot.units import Audio
from renderers.recordings.chunks import correct_lengths
from renderers.recordings.flac import count_samples
from renderers.recordings.mpeg import count_frames
from renderers.recordings.ogg import check_pages
from renderers.recordings.spliced import Part, Span, SplicedFile, UnreadableError

__all__ = ["UnreadableError", "find_parts", "open_recording", "read_recording", "require_whole"]

MOST_CHANNELS = 64
"""The channels of ambisonics of the seventh order."""

_FAULTS = (sf.SoundFileError, OSError, RuntimeError, MemoryError)
"""Errors of opening and reading: MemoryError for a header with absurd figures."""

_MP3_LEEWAY = 2 * 1152
"""Samples that a decoder of MP3 may drop at the ends."""


def find_parts(path: Path) -> list[Part] | None:
    """Return the parts of a file whose header told a wrong length; None if its header is right.

    Raises UnreadableError.
    """
    try:
        with path.open("rb") as file:
            return _find_parts(file)
    except OSError as error:
        raise UnreadableError(f"cannot be read ({error.strerror})") from error


@contextmanager
def open_recording(path: Path, parts: Sequence[Part] | None) -> Iterator[sf.SoundFile]:
    """Open a recording whose parts `find_parts` found. Raises UnreadableError, also for errors of reading."""
    try:
        if parts is None:
            with _open(path) as sound:
                yield sound
        else:
            with path.open("rb") as file, _open(SplicedFile(file, parts)) as sound:
                yield sound
    except _FAULTS as error:
        raise _unreadable(error) from error


def read_recording(source: Path | bytes) -> tuple[Audio, int]:
    """Return all samples of a file or of its content, and their rate. Raises UnreadableError."""
    if isinstance(source, Path):
        with open_recording(source, find_parts(source)) as sound:
            return _read_whole(sound), int(sound.samplerate)
    try:
        file = io.BytesIO(source)
        parts = _find_parts(file) or [Span(0, len(source))]
        with _open(SplicedFile(file, parts)) as sound:
            return _read_whole(sound), int(sound.samplerate)
    except _FAULTS as error:
        raise _unreadable(error) from error


def require_whole(sound: sf.SoundFile, n_samples: int) -> None:
    """Raise UnreadableError if fewer samples were decoded, from the start to the end, than there are."""
    missing = sound.frames - n_samples
    if missing > (_MP3_LEEWAY if sound.format == "MP3" else 0):
        raise UnreadableError(f"is cut off: {n_samples} of {sound.frames} samples")


def _find_parts(file: BinaryIO) -> list[Part] | None:
    head = file.read(4)
    if head == b"OggS":
        check_pages(file)
        return None
    if head == b"fLaC":
        return count_samples(file)
    is_mp3 = head.startswith((b"ID3", b"\xff"))
    return count_frames(file) if is_mp3 else correct_lengths(file)


def _unreadable(error: Exception) -> UnreadableError:
    # libsndfile's own words, without the path.
    what = error.error_string if isinstance(error, sf.LibsndfileError) else str(error)
    return UnreadableError(f"cannot be decoded ({what.rstrip('.')})")


def _open(source: Path | SplicedFile) -> sf.SoundFile:
    """Open a file. Raises UnreadableError for one that is not a sound, or with absurd figures."""
    try:
        sound = sf.SoundFile(source)
    except TypeError as error:  # neither header nor name tell the format
        raise UnreadableError("is not a sound file") from error
    if not LOWEST_RATE_HZ <= sound.samplerate <= HIGHEST_RATE_HZ:
        fault = f"has a sample rate of {sound.samplerate} Hz, not {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}"
    elif sound.channels > MOST_CHANNELS:
        fault = f"has {sound.channels} channels, more than {MOST_CHANNELS}"
    elif sound.frames == 0:
        fault = "is empty"
    else:
        return sound
    sound.close()
    raise UnreadableError(fault)


def _read_whole(sound: sf.SoundFile) -> Audio:
    sound.seek(0)  # decoders of MP3 round differently without it
    frames = sound.read(dtype="float32", always_2d=True)
    require_whole(sound, len(frames))
    return np.ascontiguousarray(frames.T)
