"""The audio in a speech server's answer, which may be streamed, cut off, or something else altogether."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import soundfile as sf

from copilot.errors import RowFault
from copilot.units import Audio

_PCM_RATE_HZ = 24_000
_PLACEHOLDER_BYTES = 1_000_000_000
"""From here on what a WAV header says is no length: servers that stream write 0xFFFFFFFF or 2e9 there."""

_SHOWN_CHARS = 300


def decoded(data: bytes, content_type: str, response_format: str) -> tuple[Audio, int]:
    """The audio that a server's answer holds, and its rate. Raises RowFault `bad-audio`."""
    if not data:
        raise RowFault("bad-audio", "the answer is empty")
    if "json" in content_type or content_type.startswith("text/"):
        said = data[:_SHOWN_CHARS].decode(errors="replace")
        raise RowFault("bad-audio", f"the answer is {content_type}: {said}")
    raw = {
        "format": "RAW",
        "subtype": "PCM_16",
        "endian": "LITTLE",
        "channels": 1,
        "samplerate": _PCM_RATE_HZ,
    }
    known = raw if response_format == "pcm" and not data.startswith(b"RIFF") else {}
    try:
        file = BytesIO(with_true_lengths(data))
        read, rate_hz = sf.read(file, dtype="float32", always_2d=True, **known)
    except sf.LibsndfileError as error:
        kind = content_type or "unnamed"
        raise RowFault("bad-audio", f"{len(data)} bytes of type {kind} are no audio ({error})") from None
    if not read.size:
        raise RowFault("bad-audio", "the answer is audio without a sample")
    return np.ascontiguousarray(read.T), int(rate_hz)


def with_true_lengths(data: bytes) -> bytes:
    """A WAV whose header was written before its end was known, with the lengths that it has.

    Any other data is returned as it is. Raises RowFault `bad-audio` for a WAV that is cut off.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return data
    at = 12
    while at + 8 <= len(data) and data[at : at + 4] != b"data":
        at += 8 + _length(data, at + 4) + _length(data, at + 4) % 2
    told, there = _length(data, at + 4), len(data) - at - 8
    if there < 0:
        return data
    if told == 0 and _length(data, 4) == len(data) - 8:
        return data  # it holds no sound indeed
    if 0 < told < _PLACEHOLDER_BYTES:
        if told > there:
            raise RowFault("bad-audio", f"cut off: {there} of {told} bytes of sound")
        return data
    lengths = [length.to_bytes(4, "little") for length in (len(data) - 8, there)]
    return b"".join((data[:4], lengths[0], data[8 : at + 4], lengths[1], data[at + 8 :]))


def _length(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
