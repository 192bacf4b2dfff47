"""The ledger: which files of a run are committed, and which seeds they account for.

One small JSON file an entry, written atomically after the files that it names. What no entry names does
not exist. Entries are never changed, so any number of writers may add theirs at once.

Each seed counts once, whatever happens. An entry is named after its seeds, so that those of one batch are
entered once. Entries are taken in the order of their names, and one that shares a seed with an entry taken
before is void as a whole: its files do not exist, and its other seeds are not done.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from copilot.designers.contract import Usage
from copilot.errors import CorruptDataError
from copilot.hashing import content_hash
from copilot.units import Seconds
from pipelines.accounting.render_stats import RenderTally
from pipelines.storage import open_storage


@dataclass(frozen=True, slots=True)
class CommittedFile:
    """One file of a run: its path below the run, and what it must hold."""

    path: str
    sha256: str
    n_bytes: int
    n_rows: int


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What one commit added: at most one file of samples and one of rejects, and their seeds.

    `tiers` counts the samples by tier, `reasons` the rejects by `stage/reason`; `audio_s` is the duration
    of all turns' mixes; `usage` what was asked of a language model, and `renders` what each backend
    rendered, for samples and rejects alike. `committed_at_s` is when that was, in seconds since 1970.
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
        """Every seed that the entry accounts for."""
        return self.accepted + self.rejected


_ENTRY = TypeAdapter(LedgerEntry)


def entry_name(seed_ids: Iterable[str]) -> str:
    """The name of the entry that accounts for these seeds."""
    return content_hash(sorted(seed_ids))[:16]


class Ledger:
    """The ledger in one folder, or behind one URI."""

    def __init__(self, place: str | Path) -> None:
        self._storage = open_storage(place)

    def add(self, entry: LedgerEntry) -> LedgerEntry:
        """Enter a commit; from here on its files exist. Returns the entry that stands under its name.

        That is another one where somebody has entered the same seeds before. Raises StorageFullError.
        """
        data = json.dumps(asdict(entry), indent=1).encode()
        return entry if self._storage.create(f"{entry.name}.json", data) else self.read(entry.name)

    def remove(self, name: str) -> None:
        """Delete an entry."""
        self._storage.remove(f"{name}.json")

    def names(self) -> list[str]:
        """The names of all entries, void ones too, sorted."""
        # Hidden files are not ours: some systems leave one beside each file.
        files = (name for name in self._storage.names() if name.endswith(".json") and name[0] != ".")
        return sorted(name.removesuffix(".json") for name in files)

    def read(self, name: str) -> LedgerEntry:
        """One entry. Raises CorruptDataError where it is damaged, or not there."""
        return self._parsed(name, self._storage.read(f"{name}.json") or b"")

    def _parsed(self, name: str, data: bytes) -> LedgerEntry:
        try:
            return _ENTRY.validate_json(data)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"])) or "the file"
            raise CorruptDataError(
                f"{self._storage.place}/{name}.json: not an entry of a ledger ({where}: {fault['msg']}); "
                "move the file away, and its seeds are made anew"
            ) from error

    def _all(self, on_damaged: Callable[[str, CorruptDataError], None] | None) -> Iterator[LedgerEntry]:
        """Every entry, in the order of their names."""
        for file, data in self._storage.read_many([f"{name}.json" for name in self.names()]):
            # A void entry may be deleted meanwhile.
            if data is not None:
                name = file.removesuffix(".json")
                try:
                    yield self._parsed(name, data)
                except CorruptDataError as error:
                    if on_damaged is None:
                        raise
                    on_damaged(name, error)

    def judged(
        self, on_damaged: Callable[[str, CorruptDataError], None] | None = None
    ) -> Iterator[tuple[LedgerEntry, bool]]:
        """Every entry, in the order of their names, and whether it stands; else it is void.

        `on_damaged` hears the name of an entry that is damaged, which otherwise raises CorruptDataError.
        """
        # A dict of 8-byte hashes takes half of what the ids would. It says whom to ask where one is known.
        taken: dict[int, str] = {}
        for entry in self._all(on_damaged):
            hashes = dict.fromkeys(map(hash, entry.seed_ids), entry.name)
            known = {taken[number] for number in hashes if number in taken}
            stands = all(set(self.read(name).seed_ids).isdisjoint(entry.seed_ids) for name in known)
            if stands:
                taken.update(hashes)
            yield entry, stands

    def entries(self) -> Iterator[LedgerEntry]:
        """Every entry that stands, in the order of their names. Raises CorruptDataError for a damaged one."""
        return (entry for entry, stands in self.judged() if stands)

    def seed_ids(self) -> set[str]:
        """Every seed that is accounted for."""
        # As `entries`, with the ids themselves in place of their hashes: they are kept anyway.
        taken: set[str] = set()
        for entry in self._all(None):
            if taken.isdisjoint(entry.seed_ids):
                taken.update(entry.seed_ids)
        return taken

    def paths(self) -> set[str]:
        """Every file that exists, by its path below the run."""
        return {file.path for entry in self.entries() for file in entry.files}
