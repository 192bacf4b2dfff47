"""The ledger: which files of a run are committed, and which seeds they account for.

One small JSON file an entry, written atomically after the files that it names. What no entry names does
not exist. Entries are never changed, so any number of writers may add theirs at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from copilot.design import Usage
from copilot.errors import CorruptDataError
from copilot.units import Seconds
from pipelines.atomic import write_atomic
from pipelines.renders import RenderTally


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


class Ledger:
    """The ledger in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, entry: LedgerEntry) -> None:
        """Enter a commit. From here on its files exist. Raises StorageFullError."""
        write_atomic(self.folder / f"{entry.name}.json", json.dumps(asdict(entry), indent=1).encode())

    def names(self) -> list[str]:
        """The names of all entries, sorted."""
        # Hidden files are not ours: some systems leave one beside each file.
        return sorted(path.stem for path in self.folder.glob("[!.]*.json"))

    def read(self, name: str) -> LedgerEntry:
        """One entry. Raises CorruptDataError where it is damaged."""
        path = self.folder / f"{name}.json"
        try:
            return _ENTRY.validate_json(path.read_bytes())
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"])) or "the file"
            raise CorruptDataError(
                f"{path}: not an entry of a ledger ({where}: {fault['msg']}); "
                "move the file away, and its seeds are made anew"
            ) from error

    def entries(self) -> Iterator[LedgerEntry]:
        """Every entry, in the order of their names. Raises CorruptDataError for one that is damaged."""
        return map(self.read, self.names())

    def seed_ids(self) -> set[str]:
        """Every seed that is accounted for."""
        return {seed_id for entry in self.entries() for seed_id in entry.seed_ids}

    def paths(self) -> set[str]:
        """Every file that exists, by its path below the run."""
        return {file.path for entry in self.entries() for file in entry.files}
