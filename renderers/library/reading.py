"""Reading of recordings: a digest of a file's content, and the part that a sound is made of."""

from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from copilot.errors import UserError
from copilot.hashing import draw
from copilot.units import Audio, Seconds, seconds_to_samples

_BLOCK_BYTES = 65_536
_N_BLOCKS = 16

_MOST_READ_S: Seconds = 120.0
_AS_LOUD = 10.0 ** (-1.0 / 10.0)
"""A stretch with this share of the most energy, 1 dB below it, is as good."""


class UnusableError(ValueError):
    """A recording that gives no sound; the message names it and says why."""


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
    """A decoder of recordings. Long ones are searched once for their loud parts."""

    def __init__(self) -> None:
        self._energies: dict[Path, NDArray[np.float64]] = {}

    def read(self, path: Path, name: str, duration_s: Seconds, seed: int) -> tuple[Audio, int, int]:
        """Return sound with 1 or 2 channels, its rate, and the number of samples left out before it.

        Of a recording of many minutes, it is the part around the stretch of the duration with the most
        energy; the seed draws one of several. More than two channels may be anything, surround sound or a
        B-format: their mean, in one channel, contains something of each. Raises UnusableError.
        """
        try:
            with sf.SoundFile(path) as file:
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
        # TypeError: a file without a header, whose name does not give its format either.
        except (sf.SoundFileError, OSError, TypeError) as error:
            raise UnusableError(f"{name} cannot be decoded ({error})") from error
        if not np.isfinite(audio).all():
            raise UnusableError(f"{name} contains NaN or infinity")
        return audio if audio.shape[0] <= 2 else audio.mean(axis=0, keepdims=True), rate_hz, skipped


def measure_energies(file: sf.SoundFile) -> NDArray[np.float64]:
    """Return the energy of each second; 0 for one that contains NaN or infinity."""
    found = []
    while (block := file.read(file.samplerate, dtype="float32")).size:
        energy = float(np.square(block, dtype=np.float64).sum())
        found.append(energy if math.isfinite(energy) else 0.0)
    return np.array(found)


def _find_loud_middle_s(energy: NDArray[np.float64], duration_s: Seconds, seed: int) -> Seconds:
    """Return the middle of one of the stretches with the most energy; 0 if there is no sound to read."""
    n_seconds = min(math.ceil(duration_s), energy.size)
    if n_seconds == 0:
        return 0.0
    inside = np.convolve(energy, np.ones(n_seconds), mode="valid")
    starts = np.flatnonzero(inside >= _AS_LOUD * inside.max()).tolist()
    return float(draw(starts, "library part", seed)) + n_seconds / 2
