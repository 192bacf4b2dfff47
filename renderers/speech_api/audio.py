"""Reads the audio in a speech server's answer, which may be streamed, cut off, or not audio at all."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import soundfile as sf

from copilot.errors import RowFault
from copilot.text.shorten import SHOWN_CHARS
from copilot.units import Audio

_PCM_RATE_HZ = 24_000
_PLACEHOLDER_BYTES = 1_000_000_000
"""From here on, the length in a WAV header is a placeholder: streaming servers write 0xFFFFFFFF or 2e9."""


def decode(data: bytes, content_type: str, response_format: str) -> tuple[Audio, int]:
    """Return the audio in a server's answer, and its rate. Raises RowFault `bad-audio`."""
    if not data:
        raise RowFault("bad-audio", "the answer is empty")
    if "json" in content_type or content_type.startswith("text/"):
        text = data[:SHOWN_CHARS].decode(errors="replace")
        raise RowFault("bad-audio", f"the answer is {content_type}: {text}")
    raw = {
        "format": "RAW",
        "subtype": "PCM_16",
        "endian": "LITTLE",
        "channels": 1,
        "samplerate": _PCM_RATE_HZ,
    }
    form = raw if response_format == "pcm" and not data.startswith(b"RIFF") else {}
    try:
        file = BytesIO(correct_lengths(data))
        read, rate_hz = sf.read(file, dtype="float32", always_2d=True, **form)
    except sf.LibsndfileError as error:
        kind = content_type or "unknown"
        raise RowFault("bad-audio", f"{len(data)} bytes of type {kind} are not audio ({error})") from None
    if not read.size:
        raise RowFault("bad-audio", "the answer is audio without a sample")
    return np.ascontiguousarray(read.T), int(rate_hz)


def correct_lengths(data: bytes) -> bytes:
    """Return a WAV whose header was written before its end was known, with its true lengths.

    Any other data is returned as it is. Raises RowFault `bad-audio` for a WAV that is cut off.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return data
    at = 12
    while at + 8 <= len(data) and data[at : at + 4] != b"data":
        at += 8 + _read_length(data, at + 4) + _read_length(data, at + 4) % 2
    stated, actual = _read_length(data, at + 4), len(data) - at - 8
    if actual < 0:
        return data
    if stated == 0 and _read_length(data, 4) == len(data) - 8:
        return data  # it is a complete file without sound
    if 0 < stated < _PLACEHOLDER_BYTES:
        if stated > actual:
            raise RowFault("bad-audio", f"cut off: {actual} of {stated} bytes of sound")
        return data
    lengths = [length.to_bytes(4, "little") for length in (len(data) - 8, actual)]
    return b"".join((data[:4], lengths[0], data[8 : at + 4], lengths[1], data[at + 8 :]))


def _read_length(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
