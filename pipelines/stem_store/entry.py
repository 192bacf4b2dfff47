"""An entry of the store: a stem's FLAC file, and JSON with its description and the hash of both.

A stem never peaks above full scale (`copilot.audio.conform` ensures it), so 24 bits hold all of it and no
file of floats is needed. The block power of its loudness is stored too, to the bit: measuring it again takes
a good part of the time of decoding.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

import numpy as np

from copilot.errors import CorruptDataError
from copilot.hashing import canonical_json
from copilot.stem import Stem, StemInfo
from copilot.vocabulary import Word


def pack(stem: Stem) -> bytes:
    """Return the JSON that belongs to a stem's FLAC file."""
    known = {"info": asdict(stem.info), "power": stem.power.tolist()}
    return json.dumps({**known, "sha256": _compute_digest(known, stem.flac)}).encode()


def unpack(key: str, data: bytes, flac: bytes) -> Stem:
    """Return the stem of a JSON and a FLAC file. Raises CorruptDataError if they are not as written."""
    try:
        known = json.loads(data)
        recorded = known.pop("sha256")
        if known["info"]["key"] != key or recorded != _compute_digest(known, flac):
            raise CorruptDataError(f"stem {key}: its files are damaged")
        info = _read_info(known["info"])
        power = np.array(known["power"], dtype=np.float64)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CorruptDataError(f"stem {key}: its JSON is damaged: {error}") from error
    return Stem(info, power, flac)


def _compute_digest(known: object, flac: bytes) -> str:
    digest = hashlib.sha256(flac)
    digest.update(canonical_json(known).encode())
    return digest.hexdigest()


def _read_info(known: dict[str, Any]) -> StemInfo:
    fields = dict(known)
    fields["words"] = tuple(Word(**word) for word in fields["words"])
    return StemInfo(**fields)
