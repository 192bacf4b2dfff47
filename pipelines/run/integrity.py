"""Compare the bytes of a committed file with the size and hash in the ledger."""

from __future__ import annotations

import hashlib
import os

from pipelines.run.ledger import CommittedFile
from pipelines.storage.base import ReadableFile

_PIECE_BYTES = 2**24


def find_byte_damage(stream: ReadableFile, file: CommittedFile) -> tuple[str, str] | None:
    """Return a kind and a message if the bytes are not those that the ledger names, else None."""
    n_bytes = stream.seek(0, os.SEEK_END)
    if n_bytes != file.n_bytes:
        return "file-size", f"{n_bytes} bytes; the ledger says {file.n_bytes}"
    stream.seek(0)
    digest = hashlib.sha256()
    while piece := stream.read(_PIECE_BYTES):
        digest.update(piece)
    sha256 = digest.hexdigest()
    if sha256 != file.sha256:
        return "file-hash", f"SHA-256 {sha256}; the ledger says {file.sha256}"
    return None
