"""Stems by their key: rendered once, and shared by dialogues and runs.

Each stem is a FLAC file and a small JSON file with what is known of it and the hash of both. They come under
their names by renaming. A stem that is not there whole, or not what its hash says, counts as not there and
is rendered again.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import asdict
from pathlib import Path

from copilot.content import canonical_json
from copilot.errors import CorruptDataError, UserError
from copilot.stem import Stem, StemInfo, Word, load_stem
from pipelines.atomic import TEMPORARY_PREFIX, storage_errors


class StemStore:
    """A folder of stems, two levels deep by the first digits of the key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.n_hits = 0
        self.n_damaged = 0

    def prepare(self) -> None:
        """Make the folder. Raises UserError where stems cannot be kept there."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _replace(self.folder / ".writable", b"")
        except OSError as error:
            raise UserError(
                f"--stems {self.folder}: cannot be written ({error.strerror}); name another folder"
            ) from error

    def get(self, key: str) -> Stem | None:
        """The stem under a key, or None where there is none that is whole."""
        path = self._path(key)
        try:
            known = json.loads(path.with_suffix(".json").read_bytes())
            flac = path.read_bytes()
        except FileNotFoundError:
            return None
        except ValueError:
            self.n_damaged += 1
            return None
        stem = self._decoded(key, known, flac)
        if stem is None:
            self.n_damaged += 1
        else:
            self.n_hits += 1
        return stem

    def _decoded(self, key: str, known: object, flac: bytes) -> Stem | None:
        try:
            info = _info(known)
            if info.key != key or known["sha256"] != _digest(known["info"], flac):  # type: ignore[index]
                return None
            return load_stem(info, flac)
        except (CorruptDataError, KeyError, TypeError, ValueError):
            return None

    def put(self, stem: Stem) -> None:
        """Keep a stem. Raises StorageFullError."""
        path = self._path(stem.info.key)
        info = asdict(stem.info)
        known = {"info": info, "sha256": _digest(info, stem.flac)}
        with storage_errors(path):
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
            # No sync: a stem lost or torn by a crash of the machine is found out and rendered again.
            _replace(path, stem.flac)
            _replace(path.with_suffix(".json"), json.dumps(known).encode())

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key[2:4] / f"{key}.flac"


def _digest(info: object, flac: bytes) -> str:
    digest = hashlib.sha256(flac)
    digest.update(canonical_json(info).encode())
    return digest.hexdigest()


def _info(known: object) -> StemInfo:
    if not isinstance(known, dict):
        raise TypeError("not an object")
    fields = dict(known["info"])
    fields["words"] = tuple(Word(**word) for word in fields["words"])
    return StemInfo(**fields)


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{uuid.uuid4().hex}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
