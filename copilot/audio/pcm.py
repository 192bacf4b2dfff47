"""PCM and FLAC: the samples of a file, to the bit.

Samples of stems and mixes are whole numbers, in steps of the grid of their bit depth, held in floats: every
24-bit value is a float32 exactly, so nothing is lost between a file, the mixer and the file that it writes.
"""

from __future__ import annotations

import io

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from copilot.errors import CorruptDataError
from copilot.units import SAMPLE_RATE_HZ, Audio
from copilot.vocabulary import BitDepth

Pcm = NDArray[np.floating]
"""Samples in steps of the grid of some bit depth: whole numbers as floats, shape (channels, samples)."""

STEM_BITS: BitDepth = 24

_COMPRESSION = 0.375
"""On libsndfile's scale from 0 to 1: files are 2 % larger than by default, and written a fifth faster."""


def full_scale(bits: BitDepth) -> int:
    """Return the number of steps that stands for 1.0 at a bit depth."""
    return 32768 if bits == 16 else 8388608


def quantise(audio: Audio, bits: BitDepth) -> Pcm:
    """Round audio to the nearest value of the grid, halves to even; samples past full scale are clipped."""
    scale = full_scale(bits)
    scaled = audio * np.float32(scale)
    np.rint(scaled, out=scaled)
    return np.clip(scaled, -scale, scale - 1, out=scaled)


def to_float(pcm: Pcm, bits: BitDepth) -> Audio:
    """Return the samples as float32 in [-1, 1); exact."""
    return pcm.astype(np.float32, copy=False) * np.float32(1.0 / full_scale(bits))


def encode_flac(pcm: Pcm, bits: BitDepth) -> bytes:
    """Return a FLAC file at 48 kHz that holds exactly these samples, shape (channels, samples)."""
    # libsndfile takes samples left-aligned in the integer type that it is given.
    frames = pcm.T.astype(np.int16, order="C") if bits == 16 else pcm.T.astype(np.int32, order="C") << 8
    buffer = io.BytesIO()
    subtype = f"PCM_{bits}"
    sf.write(buffer, frames, SAMPLE_RATE_HZ, format="FLAC", subtype=subtype, compression_level=_COMPRESSION)
    return buffer.getvalue()


def decode_flac(data: bytes) -> tuple[Pcm, BitDepth]:
    """Return the samples of a FLAC file, shape (channels, samples), and their bit depth.

    Raises CorruptDataError for bytes that are not FLAC at 48 kHz with 16 or 24 bits.
    """
    try:
        with sf.SoundFile(io.BytesIO(data)) as file:
            subtype, rate, n_frames = file.subtype, file.samplerate, file.frames
            frames = file.read(dtype="int32", always_2d=True)
    except (sf.SoundFileError, RuntimeError) as error:
        raise CorruptDataError(f"FLAC: {error}") from error
    if rate != SAMPLE_RATE_HZ or subtype not in {"PCM_16", "PCM_24"}:
        raise CorruptDataError(
            f"FLAC: {subtype} at {rate} Hz; expected PCM_16 or PCM_24 at {SAMPLE_RATE_HZ} Hz"
        )
    if len(frames) != n_frames:
        raise CorruptDataError(f"FLAC: {len(frames)} samples decoded, {n_frames} declared")
    bits: BitDepth = 16 if subtype == "PCM_16" else 24
    return (frames.T >> (32 - bits)).astype(np.float32, order="C"), bits
