"""Users of a stem store: each worker writes a note, which records until when it counts as alive.

A user's name is `FOLDER.DIGEST.WORKER-CALL`: the run's folder, the digest of its configuration, the number of
the worker, and the id of the call. A note named `earlier` in place of the last part adds up all calls before.
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
"""The time for which a user counts as alive after its last note."""
_EARLIER = "earlier"


def build_user_name(run: str, digest: str, worker: str, *, call: str, host: str) -> str:
    """Return the name of a worker of a run: the run's folder or URI, and the digest of its fingerprint.

    `worker` differs between the workers of one call of the program, `call` between calls, `host` is the
    machine that the program runs on.
    """
    # Folders of one name, here or on another machine, may share a store.
    where = content_hash([run] if is_uri(run) else [host, str(Path(run).absolute())])[:8]
    return f"{Path(run).name}-{where}.{digest}.{worker}-{call}"


@dataclass(frozen=True, slots=True)
class UserNote:
    """One user; times are in seconds since 1970. A user that has ended was alive until it was last seen."""

    user: str
    started_s: Seconds
    seen_s: Seconds
    alive_until_s: Seconds
    hits: int = 0
    misses: int = 0

    @property
    def run(self) -> str:
        """The run that it works for: the part before the last dot of its name."""
        return self.user.rpartition(".")[0] or self.user

    @property
    def folder(self) -> str:
        """The run's folder: one process at a time works in it."""
        return self.run.rpartition(".")[0] or self.run

    @property
    def n_requests(self) -> int:
        """The number of stems that it has requested."""
        return self.hits + self.misses

    @property
    def name(self) -> str:
        """The note's file: one for each user, for as long as it lives."""
        return f"{_folder_prefix(self)}{content_hash([self.user, self.started_s])[:16]}.json"

    def is_alive(self, now_s: Seconds) -> bool:
        """Return if it may still be at work."""
        return self.alive_until_s > now_s


@dataclass(frozen=True, slots=True)
class RunUse:
    """The use of a store by one run; `alive_until_s` is None if none of its users is alive."""

    run: str
    hits: int
    misses: int
    seen_s: Seconds
    alive_until_s: Seconds | None


def write_note(storage: Storage, note: UserNote) -> None:
    """Write a note, in place of the user's earlier note. Raises StorageError."""
    storage.write(note.name, json.dumps(asdict(note)).encode())


def read_notes(storage: Storage) -> list[UserNote]:
    """Return all notes; files that are not notes are skipped. Raises StorageError."""
    contents = [storage.read(file.name) for file in storage.files(FOLDER)]
    return [note for data in contents if data is not None and (note := _parse_note(data)) is not None]


def end_earlier_users(storage: Storage, note: UserNote) -> None:
    """Record the end of users of earlier calls in the folder of a user that is about to start.

    Nobody works in that folder yet, so users that seem alive have been killed. The notes of a run are merged
    into one, so that their number does not grow with each call. Raises StorageError.
    """
    names = [file.name for file in storage.files(FOLDER) if file.name.startswith(_folder_prefix(note))]
    found = [_parse_note(data) for _, data in storage.read_many(names) if data is not None]
    runs = _group_by_run(left for left in found if left is not None and left.folder == note.folder)
    for run, notes in runs.items():
        ended = _merge_notes(run, notes)
        if notes != [ended]:
            # Written first: a crash before the others are deleted counts them twice, but loses nothing.
            write_note(storage, ended)
            for name in {left.name for left in notes} - {ended.name}:
                storage.remove(name)


def _merge_notes(run: str, notes: Sequence[UserNote]) -> UserNote:
    seen_s = max(note.seen_s for note in notes)
    return UserNote(
        user=f"{run}.{_EARLIER}",
        started_s=min(note.started_s for note in notes),
        seen_s=seen_s,
        alive_until_s=seen_s,
        hits=sum(note.hits for note in notes),
        misses=sum(note.misses for note in notes),
    )


def _folder_prefix(note: UserNote) -> str:
    """Return the start of the names of all notes of a run's folder, so that only these are read."""
    return f"{FOLDER}/{content_hash(note.folder)[:16]}"


def _parse_note(data: bytes) -> UserNote | None:
    try:
        return UserNote(**json.loads(data))
    except (TypeError, ValueError):
        return None


def sum_by_run(notes: Iterable[UserNote], now_s: Seconds) -> list[RunUse]:
    """Add up the notes of each run; the run seen last comes first."""
    runs = _group_by_run(notes).items()
    return sorted((_add_up(run, same, now_s) for run, same in runs), key=lambda use: -use.seen_s)


def _group_by_run(notes: Iterable[UserNote]) -> dict[str, list[UserNote]]:
    runs: dict[str, list[UserNote]] = {}
    for note in notes:
        runs.setdefault(note.run, []).append(note)
    return runs


def _add_up(run: str, notes: Sequence[UserNote], now_s: Seconds) -> RunUse:
    return RunUse(
        run=run,
        hits=sum(note.hits for note in notes),
        misses=sum(note.misses for note in notes),
        seen_s=max(note.seen_s for note in notes),
        alive_until_s=max((note.alive_until_s for note in notes if note.is_alive(now_s)), default=None),
    )
