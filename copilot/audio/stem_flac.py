"""FLAC files of stems, whose bytes are known to be whole, decoded by pedalboard.

It needs about four fifths of libsndfile's time for a stereo stem of 8 s. If its floats do not lead back to
the exact samples, libsndfile decodes instead.
"""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from pedalboard.io import AudioFile

from copilot.audio.pcm import STEM_BITS, Pcm, decode_flac, encode_flac, full_scale
from copilot.errors import CorruptDataError
from copilot.units import SAMPLE_RATE_HZ

_HIGHEST = np.float32(full_scale(STEM_BITS) - 1)


def decode_whole(flac: bytes) -> Pcm:
    """Return the samples of a 24-bit FLAC file at 48 kHz, (channels, samples). Raises CorruptDataError."""
    if _pedalboard_is_exact():
        return _decode(flac)
    pcm, bits = decode_flac(flac)
    if bits != STEM_BITS:
        raise CorruptDataError(f"FLAC: {bits} bits; expected {STEM_BITS}")
    return pcm


@cache
def _pedalboard_is_exact() -> bool:
    """Return whether pedalboard's floats lead back to the samples; its scale is not documented."""
    steps = np.linspace(-full_scale(STEM_BITS), _HIGHEST, 4096).round().astype(np.float32)
    grid = np.stack([steps, np.arange(-2048, 2048, dtype=np.float32)])
    return np.array_equal(_decode(encode_flac(grid, STEM_BITS)), grid)


def _decode(flac: bytes) -> Pcm:
    try:
        with AudioFile(io.BytesIO(flac)) as file:
            rate, dtype, n_frames = file.samplerate, file.file_dtype, file.frames
            samples = file.read(n_frames)
    except (RuntimeError, ValueError) as error:
        raise CorruptDataError(f"FLAC: {error}") from error
    if rate != SAMPLE_RATE_HZ or dtype != f"int{STEM_BITS}" or samples.shape[1] != n_frames:
        raise CorruptDataError(f"FLAC: {samples.shape[1]} samples of {n_frames}, {dtype} at {rate} Hz")
    # pedalboard scales 8388607 steps to 1.0: the product is within half a step of every sample of the grid.
    samples *= _HIGHEST
    return np.rint(samples, out=samples)
