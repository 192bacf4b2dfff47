"""The ledger: which files of a run are committed, and which seeds they account for.

Each entry is a small JSON file, written atomically after the files that it names. A file that no entry names
does not exist. Entries are never changed, so any number of writers may add theirs at once.

Each seed counts once, whatever happens. An entry is named after its seeds, so that the seeds of one batch are
entered once. Entries are read in the order of their names. An entry that shares a seed with a valid entry
before it is void as a whole: its files do not exist, and its other seeds are not done. All others are valid.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from copilot.designers.account import Usage
from copilot.errors import CorruptDataError
from copilot.hashing import content_hash
from copilot.units import Seconds
from copilot.validation import first_fault
from pipelines.accounting.render_stats import RenderTally
from pipelines.storage import open_storage

FileKind = Literal["samples", "rejects"]

FOLDERS: Mapping[FileKind, str] = {"samples": "shards", "rejects": "rejects"}
"""The folder below a run in which files of each kind lie."""


@dataclass(frozen=True, slots=True)
class CommittedFile:
    """One file of a run: its path below the run, and the size, hash and rows that it must have."""

    path: str
    sha256: str
    n_bytes: int
    n_rows: int

    @property
    def kind(self) -> FileKind:
        """The kind of rows in the file, which its folder says."""
        return "samples" if self.path.startswith(f"{FOLDERS['samples']}/") else "rejects"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """The files of one commit, at most one of samples and one of rejects, and their seeds.

    `tiers` counts the samples by tier, `reasons` the rejects by `stage/reason`; `audio_s` is the duration
    of all turns' mixes. `usage` counts the use of a language model, and `renders` the sounds that each
    backend rendered, for samples and rejects alike. `committed_at_s` is in seconds since 1970.
    """

    name: str
    files: tuple[CommittedFile, ...]
    accepted: tuple[str, ...]
    rejected: tuple[str, ...]
    tiers: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    audio_s: float = 0.0
    usage: Usage = field(default_factory=Usage)
    renders: Mapping[str, RenderTally] = field(default_factory=dict)
    committed_at_s: Seconds | None = None

    @property
    def seed_ids(self) -> tuple[str, ...]:
        """All seeds that the entry accounts for."""
        return self.accepted + self.rejected


_ENTRY = TypeAdapter(LedgerEntry)


def name_entry(seed_ids: Iterable[str]) -> str:
    """Return the name of the entry that accounts for these seeds."""
    return content_hash(sorted(seed_ids))[:16]


class Ledger:
    """The ledger in one folder, or behind one URI."""

    def __init__(self, place: str | Path) -> None:
        self._storage = open_storage(place)

    def add(self, entry: LedgerEntry) -> LedgerEntry:
        """Enter a commit; from here on its files exist. Returns the entry of that name.

        It is another entry if another writer has entered the same seeds before. Raises StorageFullError.
        """
        data = json.dumps(asdict(entry), indent=1).encode()
        return entry if self._storage.create(f"{entry.name}.json", data) else self.read(entry.name)

    def remove(self, name: str) -> None:
        """Delete an entry."""
        self._storage.remove(f"{name}.json")

    def names(self) -> list[str]:
        """Return the names of all entries, including void ones, sorted."""
        # Hidden files are not entries: some systems leave one beside each file.
        files = (name for name in self._storage.names() if name.endswith(".json") and name[0] != ".")
        return sorted(name.removesuffix(".json") for name in files)

    def read(self, name: str) -> LedgerEntry:
        """Read one entry. Raises CorruptDataError if it is damaged or missing."""
        return self._parse(name, self._storage.read(f"{name}.json") or b"")

    def _parse(self, name: str, data: bytes) -> LedgerEntry:
        try:
            return _ENTRY.validate_json(data)
        except ValidationError as error:
            raise CorruptDataError(
                f"{self._storage.place}/{name}.json: not an entry of a ledger ({first_fault(error)}); "
                "move the file away, and its seeds are made again"
            ) from error

    def _read_all(self, on_damaged: Callable[[str, CorruptDataError], None] | None) -> Iterator[LedgerEntry]:
        """Yield every entry, in the order of their names."""
        for file, data in self._storage.read_many([f"{name}.json" for name in self.names()]):
            # A void entry may be deleted meanwhile.
            if data is not None:
                name = file.removesuffix(".json")
                try:
                    yield self._parse(name, data)
                except CorruptDataError as error:
                    if on_damaged is None:
                        raise
                    on_damaged(name, error)

    def judge(
        self, on_damaged: Callable[[str, CorruptDataError], None] | None = None
    ) -> Iterator[tuple[LedgerEntry, bool]]:
        """Yield every entry, in the order of their names, with True if it is valid and False if it is void.

        `on_damaged` receives the name of a damaged entry, which otherwise raises CorruptDataError.
        """
        # A dict of 8-byte hashes needs half the memory of the ids. It names the entry to compare ids with.
        entry_of: dict[int, str] = {}
        for entry in self._read_all(on_damaged):
            hashes = dict.fromkeys(map(hash, entry.seed_ids), entry.name)
            known = {entry_of[number] for number in hashes if number in entry_of}
            is_valid = all(set(self.read(name).seed_ids).isdisjoint(entry.seed_ids) for name in known)
            if is_valid:
                entry_of.update(hashes)
            yield entry, is_valid

    def entries(self) -> Iterator[LedgerEntry]:
        """Yield the valid entries, in the order of their names. Raises CorruptDataError for a damaged one."""
        return (entry for entry, is_valid in self.judge() if is_valid)

    def seed_ids(self) -> set[str]:
        """Return all seeds that are accounted for."""
        # As `entries`, with the ids themselves in place of their hashes: they are returned anyway.
        done: set[str] = set()
        for entry in self._read_all(None):
            if done.isdisjoint(entry.seed_ids):
                done.update(entry.seed_ids)
        return done
