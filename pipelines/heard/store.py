"""What was heard, in the folder `heard/` of a run: answers by listener and shard, figures by shard.

    heard/LISTENER/listener.json         kind, name and fingerprint of a listener
    heard/LISTENER/SHARD.parquet         its answers for the samples of a shard
    heard/figures.json                   the listeners that the figures are from, by kind
    heard/figures-HASH/SHARD.parquet     the figures of the samples of a shard, from these listeners

A file holds all of its shard or does not exist. None is in the ledger: what is deleted is made again.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from copilot.errors import CorruptDataError
from copilot.hashing import content_hash
from copilot.units import Seconds
from listeners.contract import Kind
from pipelines.heard.answers import ANSWERS, Answer, answer_row, read_answer
from pipelines.heard.figures import FIGURES
from pipelines.run.ledger import CommittedFile
from pipelines.run.run import Run
from pipelines.storage.atomic import TEMPORARY_PREFIX

_FOLDER = "heard"
_FIGURES = f"{_FOLDER}/figures.json"
_STRAY_AFTER_S: Seconds = 86_400.0
_CHOSEN = TypeAdapter(dict[Kind, str])


@dataclass(frozen=True, slots=True)
class ListenerRecord:
    """A listener as its answers depend on it."""

    kind: Kind
    name: str
    fingerprint: Mapping[str, str]

    @property
    def key(self) -> str:
        """The name of the folder of its answers."""
        plain = re.sub(r"[^A-Za-z0-9.-]+", "-", self.name)
        return f"{self.kind}-{plain}-{content_hash(dict(self.fingerprint))[:12]}"


class HeardStore:
    """What was heard in one run, in a folder or behind a URI."""

    def __init__(self, run: Run) -> None:
        self._storage = run.storage
        self._place = run.place

    def delete_leftovers(self, now_s: Seconds) -> None:
        """Delete files that a killed process left unfinished more than a day ago."""
        for file in self._storage.files(_FOLDER):
            if (
                PurePosixPath(file.name).name.startswith(TEMPORARY_PREFIX)
                and file.changed_s < now_s - _STRAY_AFTER_S
            ):
                self._storage.remove(file.name)

    def add_listener(self, record: ListenerRecord) -> None:
        """Write down a listener, before its first answers."""
        content = json.dumps(asdict(record), indent=2, sort_keys=True).encode() + b"\n"
        self._storage.write(f"{_FOLDER}/{record.key}/listener.json", content)

    def list_done(self, key: str) -> set[str]:
        """Return the names of the shards for which a listener has answered."""
        folder = f"{_FOLDER}/{key}"
        return set(self._list_shards(folder).get(folder, ()))

    def has_answers(self, key: str, shard: CommittedFile) -> bool:
        """Return whether a listener has answered for a shard."""
        try:
            self._storage.open(f"{_FOLDER}/{key}/{shard_name(shard)}.parquet").close()
        except FileNotFoundError:
            return False
        return True

    def write_answers(self, key: str, shard: CommittedFile, answers: Sequence[Answer]) -> None:
        """Write a listener's answers for a shard."""
        self._write(f"{_FOLDER}/{key}", shard, ANSWERS, [answer_row(answer) for answer in answers])

    def read_answers(self, key: str, shard_name: str) -> list[Answer]:
        """Return a listener's answers for a shard. Raises CorruptDataError for a damaged file."""
        table = self._read(f"{_FOLDER}/{key}/{shard_name}.parquet", ANSWERS)
        return [read_answer(row) for row in table.to_pylist()]

    def iterate_answers(self, key: str) -> Iterator[Answer]:
        """Yield all answers of a listener, shard by shard."""
        for name in sorted(self.list_done(key)):
            yield from self.read_answers(key, name)

    def read_chosen(self) -> dict[Kind, str]:
        """Return the listeners that the figures are from: the name of a folder by kind; empty if none are."""
        data = self._storage.read(_FIGURES)
        if data is None:
            return {}
        try:
            return _CHOSEN.validate_json(data)
        except ValidationError as error:
            raise CorruptDataError(
                f"{self._place}/{_FIGURES}: not listeners by kind; delete it and listen again"
            ) from error

    def choose(self, chosen: Mapping[Kind, str]) -> None:
        """Let the figures be from these listeners."""
        self._storage.write(_FIGURES, json.dumps(dict(chosen), indent=2, sort_keys=True).encode() + b"\n")

    def list_figured(self, chosen: Mapping[Kind, str]) -> set[str]:
        """Return the names of the shards that have figures from all that these listeners answered.

        Figures are out of date if a listener of another kind answered after they were written.
        """
        # One listing: where storage tells no times, all files have that of the listing.
        times = self._list_shards(_FOLDER)
        figured = times.get(_name_figures(chosen), {})
        answered = [times.get(f"{_FOLDER}/{key}", {}) for key in chosen.values()]
        return {
            name
            for name, changed_s in figured.items()
            if all(of_listener.get(name, changed_s) <= changed_s for of_listener in answered)
        }

    def write_figures(
        self, chosen: Mapping[Kind, str], shard: CommittedFile, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """Write the figures of a shard's samples, given as rows of `FIGURES`."""
        self._write(_name_figures(chosen), shard, FIGURES, rows)

    def read_figures(self, shard: CommittedFile) -> pa.Table | None:
        """Return the figures of a shard's samples, None if there are none yet. Raises CorruptDataError."""
        chosen = self.read_chosen()
        if not chosen:
            return None
        try:
            return self._read(f"{_name_figures(chosen)}/{shard_name(shard)}.parquet", FIGURES)
        except FileNotFoundError:
            return None

    def find_figures(self, shards: Iterable[CommittedFile], sample_id: str) -> dict[str, Any] | None:
        """Return the row of figures of one sample, None if there are none yet. Raises CorruptDataError."""
        for shard in shards:
            table = self.read_figures(shard)
            if table is not None and sample_id in table["id"].to_pylist():
                found: dict[str, Any] = table.filter(pc.equal(table["id"], sample_id)).to_pylist()[0]
                return found
        return None

    def _list_shards(self, folder: str) -> dict[str, dict[str, Seconds]]:
        """Return, for each folder below one, the names of its shards with the time of their last change."""
        found: defaultdict[str, dict[str, Seconds]] = defaultdict(dict)
        for file in self._storage.files(folder):
            path = PurePosixPath(file.name)
            if path.suffix == ".parquet" and path.name[0] != ".":
                found[str(path.parent)][path.stem] = file.changed_s
        return found

    def _write(
        self, folder: str, shard: CommittedFile, schema: pa.Schema, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        file = self._storage.new_file(folder)
        try:
            table = pa.Table.from_pylist(list(rows), schema=schema)
            pq.write_table(table, pa.PythonFile(file, mode="w"), compression="zstd")
            file.publish(f"{shard_name(shard)}.parquet")
        finally:
            file.discard()

    def _read(self, path: str, schema: pa.Schema) -> pa.Table:
        try:
            with self._storage.open(path) as stream:
                table = pq.read_table(stream, pre_buffer=False, use_threads=False)
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError) as error:
            raise CorruptDataError(
                f"{self._place}/{path}: cannot be read as Parquet ({error}); delete it and listen again"
            ) from error
        if table.schema != schema:
            raise CorruptDataError(
                f"{self._place}/{path}: its columns are not those of this version; delete it and listen again"
            )
        return table


def shard_name(shard: CommittedFile) -> str:
    """Return the name under which answers and figures of a shard are stored."""
    return PurePosixPath(shard.path).stem


def _name_figures(chosen: Mapping[Kind, str]) -> str:
    return f"{_FOLDER}/figures-{content_hash(dict(chosen))[:12]}"
