"""Read the rows of a run from the files that its ledger names, in the ledger's order, and from no others.

Metadata is read without reading the audio, by projecting columns. At most one row group, about 64 MB of
audio, is in memory at once. A file that is missing or damaged raises CorruptDataError with its path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from copilot.arrow import AUDIO_COLUMNS
from copilot.errors import CorruptDataError, UserError
from pipelines.run.ledger import CommittedFile, FileKind
from pipelines.run.run import Run

Row = dict[str, Any]

Columns = Literal["all", "metadata"] | Sequence[str]
"""The columns to read: all, all but the audio, or Parquet paths (`id`, `turns`, `turns.list.element.task`).

A path stands for everything below it. `metadata` keeps the audio's `path`, which says if audio is stored.
"""

_BATCH_ROWS = 256
_N_EXAMPLES = 3


class RunReader:
    """A reader of one run, in a folder or behind a URI. Raises UserError for the field if there is none."""

    def __init__(self, place: str | Path, *, field: str = "place") -> None:
        self.run = Run(place)
        self.place = self.run.place
        self.description = self.run.describe(field)

    def files(self, kind: FileKind) -> Iterator[CommittedFile]:
        """Yield the committed files of samples or of rejects."""
        for entry in self.run.ledger.entries():
            yield from (file for file in entry.files if file.kind == kind)

    def row_groups(self, file: CommittedFile, columns: Columns = "all") -> Iterator[pa.Table]:
        """Yield the row groups of a file, one at a time."""
        with self._open(file) as parquet:
            for index in range(parquet.num_row_groups):
                yield parquet.read_row_group(
                    index, columns=_select_paths(parquet, columns), use_threads=False
                )

    def batches(self, kind: FileKind, columns: Columns = "metadata") -> Iterator[pa.RecordBatch]:
        """Yield batches of at most 256 rows, across row groups: for many rows of small columns."""
        for file in self.files(kind):
            with self._open(file) as parquet:
                yield from parquet.iter_batches(
                    _BATCH_ROWS, columns=_select_paths(parquet, columns), use_threads=False
                )

    def rows(self, kind: FileKind, columns: Columns = "all") -> Iterator[Row]:
        """Yield all rows of all files, one at a time."""
        for file in self.files(kind):
            yield from self.rows_of(file, columns)

    def rows_of(self, file: CommittedFile, columns: Columns = "all") -> Iterator[Row]:
        """Yield the rows of one file, one at a time."""
        for table in self.row_groups(file, columns):
            yield from (_to_row(table, index) for index in range(table.num_rows))

    def find(self, wanted: str, columns: Columns = "all") -> Row:
        """Return the sample with this id or seed id: only the id columns and its row group are read.

        Raises UserError if there is none; for a rejected seed it gives stage, reason and detail.
        """
        found = self._find(["id", "seed_id"], lambda row: wanted in row.values(), columns)
        if found is not None:
            return found
        if why := self.explain_reject(wanted):
            raise UserError(why)
        raise UserError(f"{wanted}: not in {self.place}; {self._name_examples()}")

    def explain_reject(self, wanted: str) -> str | None:
        """Return the stage, reason and detail of the reject with this id or seed id, or None."""
        for row in self.rows("rejects", ["id", "seed_id", "stage", "reason", "detail"]):
            if wanted in {row["id"], row["seed_id"]}:
                return (
                    f"{wanted}: rejected in stage {row['stage']}, {row['reason']}: {row['detail']}; "
                    "it has no sample"
                )
        return None

    def first(self, columns: Columns = "all") -> Row:
        """Return the first hq sample, or else the first sample. Raises UserError if there is none."""
        row = self._find(["tier"], lambda row: row["tier"] == "hq", columns)
        row = row or self._find(["tier"], lambda _: True, columns)
        if row is None:
            raise UserError(f"{self.place}: {self._name_examples()}")
        return row

    def _find(self, keys: list[str], matches: Callable[[Row], bool], columns: Columns) -> Row | None:
        for file in self.files("samples"):
            for group, table in enumerate(self.row_groups(file, keys)):
                for index, row in enumerate(table.to_pylist()):
                    if matches(row):
                        return self.row_at(file, group, index, columns)
        return None

    def row_at(self, file: CommittedFile, group: int, index: int, columns: Columns = "all") -> Row:
        """Return one row; its row group alone is read."""
        with self._open(file) as parquet:
            table = parquet.read_row_group(group, columns=_select_paths(parquet, columns), use_threads=False)
            return _to_row(table, index)

    def _name_examples(self) -> str:
        n_samples = sum(file.n_rows for file in self.files("samples"))
        if not n_samples:
            return "the run has no samples; copilot stats shows why seeds were rejected"
        rows = self.rows("samples", ["id", "seed_id"])
        few = ", ".join(f"{row['id']} ({row['seed_id']})" for row in islice(rows, _N_EXAMPLES))
        return f"there are {n_samples} samples, such as {few}"

    @contextmanager
    def _open(self, file: CommittedFile) -> Iterator[pq.ParquetFile]:
        """Open a Parquet file; a page that has a checksum is compared with it when it is read.

        Nothing is buffered ahead: Arrow does that in threads of its own, and one that still holds a buffer of
        Python's when Python exits aborts the process.
        """
        path = f"{self.place}/{file.path}"
        try:
            with (
                self.run.storage.open(file.path) as stream,
                pq.ParquetFile(stream, pre_buffer=False, page_checksum_verification=True) as parquet,
            ):
                yield parquet
        except FileNotFoundError as error:
            raise CorruptDataError(f"{path}: missing, but the ledger names it") from error
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise CorruptDataError(f"{path}: cannot be read as Parquet ({error})") from error


def _select_paths(parquet: pq.ParquetFile, columns: Columns) -> list[str] | None:
    if columns == "all":
        return None
    if columns == "metadata":
        paths = (parquet.schema.column(index).path for index in range(len(parquet.schema)))
        return [path for path in paths if path not in AUDIO_COLUMNS]
    return list(columns)


def _to_row(table: pa.Table, index: int) -> Row:
    row: Row = table.slice(index, 1).to_pylist()[0]
    return row
