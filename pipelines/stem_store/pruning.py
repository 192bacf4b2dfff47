"""What a stem store holds, and how it is made smaller: what was used longest ago goes first.

Only names of the store's own layout are ever deleted. The JSON of a stem goes before its FLAC file: what
has no JSON is no stem, and a reader that has read the JSON already finds the file or counts a miss.
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
"""How far the clocks of the machines that share a store may be apart."""


@dataclass(frozen=True, slots=True)
class KeptStem:
    """A stem's files, without their endings, their size together, and when it was last used."""

    name: str
    n_bytes: int
    used_s: Seconds


@dataclass(frozen=True, slots=True)
class Contents:
    """The whole stems of a store, longest unused first, and the rests of what was interrupted."""

    stems: Sequence[KeptStem]
    strays: Sequence[StoredFile]

    @property
    def n_bytes(self) -> int:
        """What the stems take."""
        return sum(stem.n_bytes for stem in self.stems)


@dataclass(frozen=True, slots=True)
class Prunable:
    """What is to go. `n_in_use` are stems that would go too, if no live run might use them."""

    stems: Sequence[KeptStem]
    strays: Sequence[StoredFile]
    n_in_use: int = 0


def refuse_strangers(storage: Storage) -> None:
    """Raises UserError for a place that is not there, a run, and one that holds anything but a store."""
    if not storage.exists():
        raise UserError(f"stem store {storage.place}: nothing is there")
    names = storage.names()
    if "run.json" in names:
        where = f"{storage.place}/stems" if "stems/" in names else "the place that its --stems named"
        raise UserError(f"stem store {storage.place}: is a run; its stems are in {where}")
    if names and not any(name in {f"{FOLDER}/", WRITABLE} or _TOP.fullmatch(name) for name in names):
        raise UserError(
            f"stem store {storage.place}: is no stem store; give the place that --stems named, or RUN/stems"
        )


def survey(storage: Storage, now_s: Seconds) -> Contents:
    """Everything in a store, from listings alone. Raises StorageError."""
    stems: list[KeptStem] = []
    strays = [file for file in storage.files(FOLDER) if _TEMPORARY.fullmatch(file.name)]
    for folder in sorted(name for name in storage.names() if _TOP.fullmatch(name)):
        whole, rest = _sorted_out(storage.files(folder.rstrip("/")))
        stems += whole
        strays += rest
    stems.sort(key=lambda stem: (stem.used_s, stem.name))
    return Contents(stems, [file for file in strays if file.changed_s < now_s - _STRAY_AFTER_S])


def _sorted_out(files: Sequence[StoredFile]) -> tuple[list[KeptStem], list[StoredFile]]:
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
            # Only the JSON is touched when a stem is used.
            n_bytes = pair["json"].n_bytes + pair["flac"].n_bytes
            stems.append(KeptStem(name, n_bytes, pair["json"].changed_s))
    return stems, rest


def prunable(
    contents: Contents, now_s: Seconds, older_than_s: Seconds | None, max_bytes: int | None, since_s: Seconds
) -> Prunable:
    """What has to go so that nothing was unused for longer, and no more than `max_bytes` are left.

    What was used after `since_s` stays: a live run may use it.
    """
    left = contents.n_bytes
    going: list[KeptStem] = []
    n_in_use = 0
    for stem in contents.stems:
        too_old = older_than_s is not None and now_s - stem.used_s > older_than_s
        if not too_old and (max_bytes is None or left <= max_bytes):
            break
        left -= stem.n_bytes
        if stem.used_s < since_s:
            going.append(stem)
        else:
            n_in_use += 1
    return Prunable(going, contents.strays, n_in_use)


def in_use_since(storage: Storage, notes: Sequence[UserNote], now_s: Seconds) -> Seconds:
    """From when on stems may be in use; infinity where no user is alive.

    Raises UserError where users are alive and the storage does not tell what they use.
    """
    alive = [note for note in notes if note.is_alive(now_s)]
    if alive and not storage.tells_use:
        last = max(alive, key=lambda note: note.alive_until_s)
        until = datetime.fromtimestamp(last.alive_until_s, UTC)
        raise UserError(
            f"stem store {storage.place}: the run {last.run} uses it, or died, and such storage "
            f"does not tell which stems it uses; prune when it has ended, or after {until:%Y-%m-%d %H:%M} UTC"
        )
    return min((note.started_s - _CLOCKS_DIFFER_S for note in alive), default=math.inf)


def remove(storage: Storage, going: Prunable, notes: Sequence[UserNote] = ()) -> Prunable:
    """Delete what is to go, and notes; what has been used since it was listed stays.

    Returns what has gone. Raises StorageError.
    """
    gone: list[KeptStem] = []
    for stem in going.stems:
        if storage.remove(f"{stem.name}.json", unless_used_after_s=stem.used_s):
            # A file that is newer has just been put again, and its JSON follows.
            storage.remove(f"{stem.name}.flac", unless_used_after_s=stem.used_s)
            gone.append(stem)
    strays = [file for file in going.strays if storage.remove(file.name, unless_used_after_s=file.changed_s)]
    for note in notes:
        storage.remove(note.name, unless_used_after_s=math.inf)
    return Prunable(gone, strays, going.n_in_use)
