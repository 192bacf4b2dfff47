"""Who uses a stem store: a note of each worker's, which says until when it counts as alive."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from copilot.content import content_hash
from copilot.units import Seconds
from pipelines.stem_store.storage import Storage

FOLDER = ".users"
ALIVE_S: Seconds = 3600.0
"""How long a user counts as alive after it was last heard of."""


@dataclass(frozen=True, slots=True)
class UserNote:
    """One user, in seconds since 1970. One that has ended is alive until it was last seen."""

    user: str
    started_s: Seconds
    seen_s: Seconds
    alive_until_s: Seconds
    hits: int = 0
    misses: int = 0

    @property
    def run(self) -> str:
        """The run it works for: what stands before the last dot of its name."""
        return self.user.rpartition(".")[0] or self.user

    @property
    def name(self) -> str:
        """The note's file: the same as long as the user lives, and another one for each."""
        return f"{FOLDER}/{content_hash([self.user, self.started_s])[:32]}.json"

    def is_alive(self, now_s: Seconds) -> bool:
        """Whether it may still be at work."""
        return self.alive_until_s > now_s


@dataclass(frozen=True, slots=True)
class RunUse:
    """What the users of one run have had from a store; `alive_until_s` is None where none is alive."""

    run: str
    hits: int
    misses: int
    seen_s: Seconds
    alive_until_s: Seconds | None


def write_note(storage: Storage, note: UserNote) -> None:
    """Keep a note, in place of the one before. Raises StorageError."""
    storage.write(note.name, json.dumps(asdict(note)).encode())


def read_notes(storage: Storage) -> list[UserNote]:
    """All notes; what is none is left out. Raises StorageError."""
    contents = [storage.read(file.name) for file in storage.files(FOLDER)]
    return [note for data in contents if data is not None and (note := _note(data)) is not None]


def _note(data: bytes) -> UserNote | None:
    try:
        return UserNote(**json.loads(data))
    except (TypeError, ValueError):
        return None


def by_run(notes: Iterable[UserNote], now_s: Seconds) -> list[RunUse]:
    """The notes of each run added up, the run seen last first."""
    runs: dict[str, list[UserNote]] = {}
    for note in notes:
        runs.setdefault(note.run, []).append(note)
    return sorted((_added(run, same, now_s) for run, same in runs.items()), key=lambda use: -use.seen_s)


def _added(run: str, notes: Sequence[UserNote], now_s: Seconds) -> RunUse:
    return RunUse(
        run=run,
        hits=sum(note.hits for note in notes),
        misses=sum(note.misses for note in notes),
        seen_s=max(note.seen_s for note in notes),
        alive_until_s=max((note.alive_until_s for note in notes if note.is_alive(now_s)), default=None),
    )
