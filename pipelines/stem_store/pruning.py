"""List a stem store and prune it, least recently used stems first.

Only files with names of the store's own layout are ever deleted. The JSON of a stem is deleted before its
FLAC file: a file without JSON is not a stem, and a reader that has read the JSON finds the file or counts a
miss.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from copilot.errors import UserError
from copilot.units import Seconds
from pipelines.stem_store.users import FOLDER, WRITABLE, UserNote
from pipelines.storage import Storage, StoredFile

_TOP = re.compile(r"[0-9a-f]{2}/")
_STEM = re.compile(r"(([0-9a-f]{2})/([0-9a-f]{2})/\2\3[0-9a-f]{60})\.(json|flac)")
_TEMPORARY = re.compile(rf"([0-9a-f]{{2}}/[0-9a-f]{{2}}|{re.escape(FOLDER)})/\.tmp-[0-9a-f]{{32}}")
_STRAY_AFTER_S: Seconds = 86_400.0
_CLOCKS_DIFFER_S: Seconds = 300.0
"""The largest difference between the clocks of machines that share a store."""


@dataclass(frozen=True, slots=True)
class KeptStem:
    """A stored stem: the name of its files without ending, their total size, and the time of its last use."""

    name: str
    n_bytes: int
    used_s: Seconds


@dataclass(frozen=True, slots=True)
class Contents:
    """The complete stems of a store, longest unused first, and the files of interrupted writes."""

    stems: Sequence[KeptStem]
    strays: Sequence[StoredFile]

    @property
    def n_bytes(self) -> int:
        """The total size of the stems."""
        return sum(stem.n_bytes for stem in self.stems)


@dataclass(frozen=True, slots=True)
class Prunable:
    """Files to delete. `n_in_use` stems would be deleted too if no live run could use them."""

    stems: Sequence[KeptStem]
    strays: Sequence[StoredFile]
    n_in_use: int = 0


def require_store(storage: Storage) -> None:
    """Raise UserError for a place that is missing, is a run, or holds anything but a stem store."""
    if not storage.exists():
        raise UserError(f"stem store {storage.place}: not found")
    names = storage.names()
    if "run.json" in names:
        where = f"{storage.place}/stems" if "stems/" in names else "the place given as `store`"
        raise UserError(f"stem store {storage.place}: this is a run; its stems are in {where}")
    if names and not any(name in {f"{FOLDER}/", WRITABLE} or _TOP.fullmatch(name) for name in names):
        raise UserError(
            f"stem store {storage.place}: not a stem store; give the `store` of a run, or RUN/stems"
        )


def survey(storage: Storage, now_s: Seconds) -> Contents:
    """List the stems and strays of a store, without reading any file. Raises StorageError."""
    stems: list[KeptStem] = []
    strays = [file for file in storage.files(FOLDER) if _TEMPORARY.fullmatch(file.name)]
    for folder in sorted(name for name in storage.names() if _TOP.fullmatch(name)):
        complete, rest = _pair_files(storage.files(folder.rstrip("/")))
        stems += complete
        strays += rest
    stems.sort(key=lambda stem: (stem.used_s, stem.name))
    return Contents(stems, [file for file in strays if file.changed_s < now_s - _STRAY_AFTER_S])


def _pair_files(files: Sequence[StoredFile]) -> tuple[list[KeptStem], list[StoredFile]]:
    found: dict[str, dict[str, StoredFile]] = {}
    rest: list[StoredFile] = []
    for file in files:
        if match := _STEM.fullmatch(file.name):
            found.setdefault(match[1], {})[match[4]] = file
        elif _TEMPORARY.fullmatch(file.name):
            rest.append(file)
    stems: list[KeptStem] = []
    for name, pair in found.items():
        if len(pair) == 1:
            rest += pair.values()
        else:
            # Using a stem touches only its JSON.
            n_bytes = pair["json"].n_bytes + pair["flac"].n_bytes
            stems.append(KeptStem(name, n_bytes, pair["json"].changed_s))
    return stems, rest


def choose_prunable(
    contents: Contents, now_s: Seconds, older_than_s: Seconds | None, max_bytes: int | None, since_s: Seconds
) -> Prunable:
    """Choose the stems to delete: those unused for longer, and the oldest until `max_bytes` are left.

    Stems used after `since_s` stay: a live run may use them.
    """
    left = contents.n_bytes
    chosen: list[KeptStem] = []
    n_in_use = 0
    for stem in contents.stems:
        too_old = older_than_s is not None and now_s - stem.used_s > older_than_s
        if not too_old and (max_bytes is None or left <= max_bytes):
            break
        left -= stem.n_bytes
        if stem.used_s < since_s:
            chosen.append(stem)
        else:
            n_in_use += 1
    return Prunable(chosen, contents.strays, n_in_use)


def find_use_start(storage: Storage, notes: Sequence[UserNote], now_s: Seconds) -> Seconds:
    """Return the time since which stems may be in use; infinity if no user is alive.

    Raises UserError if users are alive and the storage does not record the use of files.
    """
    alive = [note for note in notes if note.is_alive(now_s)]
    if alive and not storage.records_use:
        last = max(alive, key=lambda note: note.alive_until_s)
        until = datetime.fromtimestamp(last.alive_until_s, UTC)
        raise UserError(
            f"stem store {storage.place}: the run {last.run} uses it, or was killed, and "
            f"this storage does not record which stems it uses; prune after the run has ended, "
            f"or after {until:%Y-%m-%d %H:%M} UTC"
        )
    return min((note.started_s - _CLOCKS_DIFFER_S for note in alive), default=math.inf)


def remove(storage: Storage, chosen: Prunable, notes: Sequence[UserNote] = ()) -> Prunable:
    """Delete the chosen files, and notes. Files that were used since they were listed stay.

    Returns the deleted files. Raises StorageError.
    """
    deleted: list[KeptStem] = []
    for stem in chosen.stems:
        if storage.remove(f"{stem.name}.json", unless_used_after_s=stem.used_s):
            # A newer file has just been written again, and its JSON follows.
            storage.remove(f"{stem.name}.flac", unless_used_after_s=stem.used_s)
            deleted.append(stem)
    strays = [file for file in chosen.strays if storage.remove(file.name, unless_used_after_s=file.changed_s)]
    for note in notes:
        storage.remove(note.name, unless_used_after_s=math.inf)
    return Prunable(deleted, strays, chosen.n_in_use)
