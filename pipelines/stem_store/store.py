"""The stem store for workers.

Each stem is a FLAC file and a small JSON file, which is written last. A stem that is incomplete or damaged
counts as missing and is rendered again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from copilot.errors import CorruptDataError, StorageError, UserError
from copilot.stem import Stem
from copilot.units import Seconds
from pipelines.stem_store.entry import pack, unpack
from pipelines.stem_store.users import ALIVE_S, WRITABLE, UserNote, end_earlier_users, write_note
from pipelines.storage import open_storage

_RENEW_S: Seconds = 60.0
"""The shortest time between two writes of a user's note."""


class StemStore:
    """A store of stems in a folder or behind a URI, in two levels of folders by the start of the key.

    `user` is the name under which hits and misses are recorded there (`pipelines.stem_store.users`); with
    None they are not recorded. Raises UserError for a URI whose protocol is not known, or not installed.
    """

    def __init__(
        self, place: str | Path, user: str | None = None, *, clock: Callable[[], Seconds] = time.time
    ) -> None:
        self._storage = open_storage(place)
        self._clock = clock
        self._note = _create_note(user, clock()) if user is not None else None
        self.n_hits = 0
        self.n_misses = 0
        """The number of stems that were missing, including damaged ones."""

    def prepare(self) -> None:
        """Raise UserError if stems cannot be written here."""
        try:
            self._storage.write(WRITABLE, b"")
        except StorageError as error:
            raise UserError(
                f"{self._storage.place} cannot be written ({_reason_of(error)}); choose another place",
                field="store",
            ) from error

    def get(self, key: str) -> Stem | None:
        """Return the stem of a key, or None if it is missing or damaged. Raises StorageError."""
        name = _file_name(key)
        stem = None
        if (known := self._storage.read(f"{name}.json")) is not None:
            flac = self._storage.read(f"{name}.flac")
            if flac is not None:
                with suppress(CorruptDataError):
                    stem = unpack(key, known, flac)
        if stem is None:
            self.n_misses += 1
        else:
            self.n_hits += 1
            self._storage.touch(f"{name}.json")
        return stem

    def put(self, stem: Stem) -> None:
        """Store a stem. Raises StorageError, StorageFullError."""
        name = _file_name(stem.info.key)
        self._storage.write(f"{name}.flac", stem.flac)
        self._storage.write(f"{name}.json", pack(stem))

    def end_earlier_users(self) -> None:
        """Record the end of users of earlier calls of this run, before any worker of this call starts.

        Raises StorageError.
        """
        if self._note is not None:
            end_earlier_users(self._storage, self._note)

    def record_use(self) -> None:
        """Record that this user is alive, with its first counts, and then at most once a minute.

        Raises StorageError.
        """
        if self._note is None:
            return
        now_s = self._clock()
        is_first_count = not self._note.n_requests and self.n_hits + self.n_misses > 0
        if is_first_count or now_s >= self._note.seen_s + _RENEW_S:
            self._renew(self._note, now_s, alive_until_s=now_s + ALIVE_S)

    def close(self) -> None:
        """Record that this user has ended. Raises StorageError."""
        if self._note is not None:
            now_s = self._clock()
            self._renew(self._note, now_s, alive_until_s=now_s)

    def _renew(self, note: UserNote, now_s: Seconds, alive_until_s: Seconds) -> None:
        self._note = replace(
            note, seen_s=now_s, alive_until_s=alive_until_s, hits=self.n_hits, misses=self.n_misses
        )
        write_note(self._storage, self._note)


def _create_note(user: str, now_s: Seconds) -> UserNote:
    """Return a note that is not written yet."""
    return UserNote(user, started_s=now_s, seen_s=-math.inf, alive_until_s=now_s)


def _reason_of(error: StorageError) -> str:
    cause = error.__cause__
    return str(getattr(cause, "strerror", None) or cause)


def _file_name(key: str) -> str:
    """Return the name of a stem's files, without ending."""
    return f"{key[:2]}/{key[2:4]}/{key}"
