"""Reads the audio in a speech server's answer, which may be streamed, cut off, or not audio at all."""

from __future__ import annotations

import numpy as np

from copilot.errors import RowFault
from copilot.text.shorten import SHOWN_CHARS
from copilot.units import Audio
from renderers.recordings.reading import UnreadableError, read_recording

_PCM_RATE_HZ = 24_000

# Of servers that send files whatever format was requested.
_FILE_MARKS = (b"RIFF", b"RF64", b"fLaC", b"OggS", b"ID3", b"FORM", b"caff")
_FILE_TYPES = ("audio/mpeg", "audio/mp3", "audio/ogg", "audio/flac")


def decode(data: bytes, content_type: str, response_format: str) -> tuple[Audio, int]:
    """Return the audio in a server's answer, and its rate. Raises RowFault `bad-audio`."""
    if not data:
        raise RowFault("bad-audio", "the answer is empty")
    if "json" in content_type or content_type.startswith("text/"):
        text = data[:SHOWN_CHARS].decode(errors="replace")
        raise RowFault("bad-audio", f"the answer is {content_type}: {text}")
    is_file = data.startswith(_FILE_MARKS) or content_type.startswith(_FILE_TYPES)
    if response_format == "pcm" and not is_file:
        # Half a sample at the end of a stream is left out.
        samples = np.frombuffer(data, "<i2", len(data) // 2).astype(np.float32)
        if not samples.size:
            raise RowFault("bad-audio", "the answer is audio without a sample")
        return samples[np.newaxis] * np.float32(1 / 32_768), _PCM_RATE_HZ
    try:
        return read_recording(data)
    except UnreadableError as error:
        kind = content_type or "unknown"
        raise RowFault("bad-audio", f"the answer, {len(data)} bytes of type {kind}, {error}") from None
