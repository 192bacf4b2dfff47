"""The stem store as a worker uses it.

Each stem is a FLAC file and a small JSON file, which is written last. A stem that is not there whole, or
not what its hash says, counts as not there and is rendered again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from copilot.errors import CorruptDataError, StorageError, UserError
from copilot.stem import Stem
from copilot.units import Seconds
from pipelines.stem_store.entry import pack, unpack
from pipelines.stem_store.users import ALIVE_S, WRITABLE, UserNote, end_earlier, write_note
from pipelines.storage import open_storage

_RENEW_S: Seconds = 60.0
"""How often a user's note is written at most."""


class StemStore:
    """Stems in a folder or behind a URI, two levels of folders deep by the first digits of the key.

    `user` is the name under which hits and misses are noted there (`pipelines.stem_store.users`); None notes
    nothing. Raises UserError for a URI whose protocol is not known, or not installed.
    """

    def __init__(
        self, place: str | Path, user: str | None = None, *, clock: Callable[[], Seconds] = time.time
    ) -> None:
        self._storage = open_storage(place)
        self._clock = clock
        self._note = _first_note(user, clock()) if user is not None else None
        self.n_hits = 0
        self.n_misses = 0
        """What was asked for and not there, damaged ones included."""
        self.n_damaged = 0

    def prepare(self) -> None:
        """Find out whether stems can be kept there. Raises UserError where not."""
        try:
            self._storage.write(WRITABLE, b"")
        except StorageError as error:
            raise UserError(
                f"--stems {self._storage.place}: cannot be written ({_reason(error)}); name another place"
            ) from error

    def get(self, key: str) -> Stem | None:
        """The stem under a key, or None where there is none that is whole. Raises StorageError."""
        name = _name(key)
        stem = None
        if (known := self._storage.read(f"{name}.json")) is not None:
            flac = self._storage.read(f"{name}.flac")
            if flac is not None:
                stem = self._unpacked(key, known, flac)
        if stem is None:
            self.n_misses += 1
        else:
            self.n_hits += 1
            self._storage.touch(f"{name}.json")
        return stem

    def _unpacked(self, key: str, known: bytes, flac: bytes) -> Stem | None:
        try:
            return unpack(key, known, flac)
        except CorruptDataError:
            self.n_damaged += 1
            return None

    def put(self, stem: Stem) -> None:
        """Keep a stem. Raises StorageError, StorageFullError."""
        name = _name(stem.info.key)
        self._storage.write(f"{name}.flac", stem.flac)
        self._storage.write(f"{name}.json", pack(stem))

    def end_earlier(self) -> None:
        """End the users of the calls before in this user's run, before any worker of its call starts.

        Raises StorageError.
        """
        if self._note is not None:
            end_earlier(self._storage, self._note)

    def note_use(self) -> None:
        """Let others know that this user is alive, and its first counts; then once a minute at most.

        Raises StorageError.
        """
        if self._note is None:
            return
        now_s = self._clock()
        is_first_count = not self._note.n_asked and self.n_hits + self.n_misses > 0
        if is_first_count or now_s >= self._note.seen_s + _RENEW_S:
            self._renew(self._note, now_s, alive_until_s=now_s + ALIVE_S)

    def close(self) -> None:
        """Let others know that this user has ended. Raises StorageError."""
        if self._note is not None:
            now_s = self._clock()
            self._renew(self._note, now_s, alive_until_s=now_s)

    def _renew(self, note: UserNote, now_s: Seconds, alive_until_s: Seconds) -> None:
        self._note = replace(
            note, seen_s=now_s, alive_until_s=alive_until_s, hits=self.n_hits, misses=self.n_misses
        )
        write_note(self._storage, self._note)


def _first_note(user: str, now_s: Seconds) -> UserNote:
    """A note that is still to be written."""
    return UserNote(user, started_s=now_s, seen_s=-math.inf, alive_until_s=now_s)


def _reason(error: StorageError) -> str:
    cause = error.__cause__
    return str(getattr(cause, "strerror", None) or cause)


def _name(key: str) -> str:
    """The name of a stem's files, without what tells them apart."""
    return f"{key[:2]}/{key[2:4]}/{key}"
