"""Who uses a stem store: a note of each worker's, which says until when it counts as alive.

A user's name is `FOLDER.DIGEST.WORKER-CALL`: what tells the run's folder, and its configuration; the worker's
number, and a word that all workers of one call of the program share; or, in place of both, `earlier` for what
the calls before have left.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from copilot.hashing import content_hash
from copilot.units import Seconds
from pipelines.storage import Storage, is_uri

FOLDER = ".users"
WRITABLE = ".writable"
"""The name of the empty file that shows whether a place can be written."""
ALIVE_S: Seconds = 3600.0
"""How long a user counts as alive after it was last heard of."""
_EARLIER = "earlier"


def user_name(run: str, digest: str, worker: str, *, call: str, host: str) -> str:
    """Return the name of a worker of a run: the run's folder or URI, and the digest of its fingerprint.

    `worker` differs between the workers of one call of the program, `call` between calls, `host` is the
    machine that the program runs on.
    """
    # Folders of one name, here or on another machine, may share a store.
    where = content_hash([run] if is_uri(run) else [host, str(Path(run).absolute())])[:8]
    return f"{Path(run).name}-{where}.{digest}.{worker}-{call}"


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
    def folder(self) -> str:
        """The run's folder: one process at a time works in it."""
        return self.run.rpartition(".")[0] or self.run

    @property
    def n_asked(self) -> int:
        """How many stems it has asked for."""
        return self.hits + self.misses

    @property
    def name(self) -> str:
        """The note's file: the same as long as the user lives, and another one for each."""
        return f"{_of_folder(self)}{content_hash([self.user, self.started_s])[:16]}.json"

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


def end_earlier(storage: Storage, note: UserNote) -> None:
    """End the users that earlier calls have left in the folder of one that is about to start.

    Nobody works in that folder yet, so those that seem alive have been killed. The notes of a run become
    one, so that there are not more of them with each call. Raises StorageError.
    """
    names = [file.name for file in storage.files(FOLDER) if file.name.startswith(_of_folder(note))]
    found = [_note(data) for _, data in storage.read_many(names) if data is not None]
    runs = _of_runs(left for left in found if left is not None and left.folder == note.folder)
    for run, notes in runs.items():
        ended = _ended(run, notes)
        if notes != [ended]:
            # Written first: a crash before all others are deleted counts them twice, and loses nothing.
            write_note(storage, ended)
            for name in {left.name for left in notes} - {ended.name}:
                storage.remove(name)


def _ended(run: str, notes: Sequence[UserNote]) -> UserNote:
    seen_s = max(note.seen_s for note in notes)
    return UserNote(
        user=f"{run}.{_EARLIER}",
        started_s=min(note.started_s for note in notes),
        seen_s=seen_s,
        alive_until_s=seen_s,
        hits=sum(note.hits for note in notes),
        misses=sum(note.misses for note in notes),
    )


def _of_folder(note: UserNote) -> str:
    """How the names of all notes of a run's folder begin: so few need to be read."""
    return f"{FOLDER}/{content_hash(note.folder)[:16]}"


def _note(data: bytes) -> UserNote | None:
    try:
        return UserNote(**json.loads(data))
    except (TypeError, ValueError):
        return None


def by_run(notes: Iterable[UserNote], now_s: Seconds) -> list[RunUse]:
    """The notes of each run added up, the run seen last first."""
    runs = _of_runs(notes).items()
    return sorted((_added(run, same, now_s) for run, same in runs), key=lambda use: -use.seen_s)


def _of_runs(notes: Iterable[UserNote]) -> dict[str, list[UserNote]]:
    runs: dict[str, list[UserNote]] = {}
    for note in notes:
        runs.setdefault(note.run, []).append(note)
    return runs


def _added(run: str, notes: Sequence[UserNote], now_s: Seconds) -> RunUse:
    return RunUse(
        run=run,
        hits=sum(note.hits for note in notes),
        misses=sum(note.misses for note in notes),
        seen_s=max(note.seen_s for note in notes),
        alive_until_s=max((note.alive_until_s for note in notes if note.is_alive(now_s)), default=None),
    )
