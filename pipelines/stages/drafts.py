"""Drafts: dialogues that a language model has written and no worker has committed, kept for the next start.

A run that ends early writes them to `RUN/drafts`, in files that each hold the fingerprint's digest. The next
start of the run renders them, so that no reply is paid for twice; drafts of another fingerprint are not used.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from copilot.designers.account import Account
from copilot.dialogue import Dialogue
from copilot.errors import CorruptDataError
from copilot.seed import Seed
from copilot.vocabulary import Check
from pipelines.stages.design import AsyncDesignStage
from pipelines.stages.record import Record, new_record
from pipelines.storage import open_storage

_FOLDER = "drafts"


@dataclass(frozen=True, slots=True)
class _Draft:
    """A seed's dialogue, or the reason and detail for which it has none, with the account of the writing."""

    seed_id: str
    dialogue: Dialogue | None
    account: Account
    checks: tuple[Check, ...] = ()
    reason: str | None = None
    detail: str = ""

    @classmethod
    def of(cls, record: Record) -> _Draft:
        """Return the draft of a record that its designer has written or rejected."""
        reject = record.reject
        fault = (reject.reason, reject.detail) if reject and not record.designed else (None, "")
        return cls(record.seed.id, record.designed, record.account, record.design_checks, *fault)

    def restore(self, seed: Seed, run_seed: int) -> Record:
        """Return the record as the designer left it."""
        record = new_record(seed, run_seed)
        record.dialogue = record.designed = self.dialogue
        record.account, record.design_checks = self.account, self.checks
        if self.reason is not None:
            record.refuse(AsyncDesignStage.name, self.reason, self.detail)
        return record


@dataclass(frozen=True, slots=True)
class _File:
    """The drafts of one file. `digest` is that of the run's fingerprint."""

    digest: str
    drafts: tuple[_Draft, ...]


_FILE = TypeAdapter(_File)


def _is_written(record: Record) -> bool:
    return record.designed is not None or (record.reject is not None and bool(record.account.usage.requests))


class Drafts:
    """The drafts of a run. Raises StorageError if they cannot be read or written."""

    def __init__(self, run: str, digest: str) -> None:
        self._storage = open_storage(run)
        self._digest = digest

    def add(self, records: Iterable[Record]) -> None:
        """Write a file of drafts, if the model has written or given up any of the records."""
        self._write({record.seed.id: _Draft.of(record) for record in records if _is_written(record)})

    def read(self, seeds: Sequence[Seed], run_seed: int) -> Mapping[str, Record]:
        """Return a record for each of the seeds that has a draft, by seed id.

        Raises CorruptDataError for a damaged file.
        """
        drafts = self._read(self._names())
        return {seed.id: drafts[seed.id].restore(seed, run_seed) for seed in seeds if seed.id in drafts}

    def tidy(self, list_done: Callable[[], Container[str]]) -> int:
        """Drop the drafts of seeds that are done, and return the number of the others, now in one file.

        `list_done` returns the ids of those seeds; it is not called if there are no drafts.
        """
        if not (names := self._names()):
            return 0
        drafts, done = self._read(names), list_done()
        kept = {seed_id: draft for seed_id, draft in drafts.items() if seed_id not in done}
        self._write(kept)
        for name in names:
            self._storage.remove(name)
        return len(kept)

    def _write(self, drafts: Mapping[str, _Draft]) -> None:
        if drafts:
            name = f"{_FOLDER}/{uuid.uuid4().hex[:16]}.json"
            data = _FILE.dump_json(_File(self._digest, tuple(drafts.values())))
            self._storage.write(name, data, durable=True)

    def _names(self) -> Sequence[str]:
        return [file.name for file in self._storage.files(_FOLDER) if file.name.endswith(".json")]

    def _read(self, names: Iterable[str]) -> Mapping[str, _Draft]:
        return {draft.seed_id: draft for name in names for draft in self._read_file(name)}

    def _read_file(self, name: str) -> tuple[_Draft, ...]:
        data = self._storage.read(name)
        if data is None:
            return ()
        try:
            file = _FILE.validate_json(data)
        except ValidationError as error:
            raise CorruptDataError(
                f"{self._storage.place}/{name}: not the drafts of a run ({error.error_count()} faults); "
                "delete it: its dialogues will be written again"
            ) from error
        return file.drafts if file.digest == self._digest else ()
