"""Reading of recordings: a digest of a file's content, and the part that a sound is made of."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from copilot.audio.conform import is_silent
from copilot.errors import UserError
from copilot.hashing import draw
from copilot.units import Audio, Seconds, seconds_to_samples
from renderers.recordings.reading import UnreadableError, find_parts, open_recording, require_whole
from renderers.recordings.spliced import Part

_BLOCK_BYTES = 65_536
_N_BLOCKS = 16

_PROBED = 4_096
"""Samples of the start and of the end of a recording that are decoded to find its faults."""

_MOST_READ_S: Seconds = 120.0
_AS_LOUD = 10.0 ** (-1.0 / 10.0)
"""A stretch with this share of the most energy, 1 dB below it, is as good."""


def hash_content(path: Path) -> str:
    """Return the hash of a file's content: all of it up to 1 MiB, else its size and 16 blocks of 64 KiB.

    The blocks are evenly spaced. Raises UserError if the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            found = hashlib.sha256(str(size).encode())
            room = max(size - _N_BLOCKS * _BLOCK_BYTES, 0)
            for n in range(_N_BLOCKS):
                file.seek(n * _BLOCK_BYTES + room * n // (_N_BLOCKS - 1))
                found.update(file.read(_BLOCK_BYTES))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check the file", field="sfx") from error
    return found.hexdigest()


class Reader:
    """A decoder of recordings. Examines each once, and searches long ones once for their loud parts."""

    def __init__(self) -> None:
        self._parts: dict[Path, list[Part] | None] = {}
        self._energies: dict[Path, NDArray[np.float64]] = {}

    def read(self, path: Path, duration_s: Seconds, seed: int) -> tuple[Audio, int, int]:
        """Return sound with 1 or 2 channels, its rate, and the number of samples left out before it.

        Of a recording of many minutes, it is the part around the stretch of the duration with the most
        energy; the seed draws one of several. More than two channels may be anything, surround sound or a
        B-format: their mean, in one channel, contains something of each. Raises UnreadableError, also for
        silence and for values that are not finite.
        """
        with self._open(path) as file:
            rate_hz = int(file.samplerate)
            n_most = seconds_to_samples(max(_MOST_READ_S, 2 * duration_s), rate_hz)
            skipped = 0
            if file.frames > n_most:
                if path not in self._energies:
                    self._energies[path] = measure_energies(file)
                middle = rate_hz * _find_loud_middle_s(self._energies[path], duration_s, seed)
                skipped = min(max(int(middle) - n_most // 2, 0), file.frames - n_most)
            file.seek(skipped)
            audio: Audio = file.read(n_most, dtype="float32", always_2d=True).T
            if file.frames <= n_most:
                require_whole(file, audio.shape[1])
        if not np.isfinite(audio).all():
            raise UnreadableError("contains NaN or infinity")
        audio = audio if audio.shape[0] <= 2 else audio.mean(axis=0, keepdims=True)
        if is_silent(audio):
            raise UnreadableError("is silent")
        return audio, rate_hz, skipped

    def find_fault(self, path: Path) -> str:
        """Return why a recording cannot be used; empty if it can, as far as its ends tell."""
        try:
            with self._open(path) as file:
                for first in {0, max(file.frames - _PROBED, 0)}:
                    file.seek(first)
                    n_wanted = min(_PROBED, file.frames - first)
                    block = file.read(n_wanted, dtype="float32")
                    if len(block) < n_wanted and file.format != "MP3":
                        return "is cut off"
                    if not np.isfinite(block).all():
                        return "contains NaN or infinity"
        except UnreadableError as error:
            return str(error)
        return ""

    @contextmanager
    def _open(self, path: Path) -> Iterator[sf.SoundFile]:
        """Raises UnreadableError."""
        if path not in self._parts:
            self._parts[path] = find_parts(path)
        with open_recording(path, self._parts[path]) as file:
            yield file


def measure_energies(file: sf.SoundFile) -> NDArray[np.float64]:
    """Return the energy of each second; 0 for one that contains NaN or infinity.

    Raises UnreadableError if the recording is cut off.
    """
    found = []
    n_samples = 0
    while (block := file.read(file.samplerate, dtype="float32")).size:
        energy = float(np.square(block, dtype=np.float64).sum())
        found.append(energy if math.isfinite(energy) else 0.0)
        n_samples += len(block)
    require_whole(file, n_samples)
    return np.array(found)


def _find_loud_middle_s(energy: NDArray[np.float64], duration_s: Seconds, seed: int) -> Seconds:
    """Return the middle of one of the stretches with the most energy; 0 if there is no sound to read."""
    n_seconds = min(math.ceil(duration_s), energy.size)
    if n_seconds == 0:
        return 0.0
    inside = np.convolve(energy, np.ones(n_seconds), mode="valid")
    starts = np.flatnonzero(inside >= _AS_LOUD * inside.max()).tolist()
    return float(draw(starts, "library part", seed)) + n_seconds / 2
