"""Shards: Parquet files of samples and of rejects, committed together through the ledger.

The order of the steps makes a commit safe: write under a temporary name, sync, rename, and only then enter
both files in the ledger. A crash in between leaves files that do not count, and a later process deletes them.
Files are named by their content, so two writers of the same seeds never overwrite each other's files.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from copilot.arrow import AUDIO_COLUMNS, REJECTS, SAMPLES, reject_row, sample_row
from copilot.designers.account import Usage
from copilot.sample import Reject, Sample
from pipelines.accounting.render_stats import RenderStats, merge
from pipelines.run.ledger import FOLDERS, CommittedFile, FileKind, LedgerEntry, name_entry
from pipelines.run.run import Run
from pipelines.storage.atomic import HashedFile

ROW_GROUP_BYTES = 64 * 2**20
"""The approximate amount of audio in a row group, which a reader has in memory at once."""


class TableFile:
    """A Parquet file that is being written, in row groups of about `ROW_GROUP_BYTES`."""

    def __init__(self, file: HashedFile, schema: pa.Schema) -> None:
        self._file = file
        self._schema = schema
        self._tables: list[pa.Table] = []
        self._pending_bytes = 0
        self._n_rows = 0
        # FLAC does not compress any further, and statistics of it are useless.
        plain = [column for column in AUDIO_COLUMNS if schema is SAMPLES]
        described = [path for path in _list_leaf_paths(schema) if path not in plain]
        self._writer = pq.ParquetWriter(
            pa.PythonFile(self._file, mode="w"),
            schema,
            compression=dict.fromkeys(plain, "none") | dict.fromkeys(described, "zstd"),
            use_dictionary=described,
            write_statistics=described,
        )

    def add(self, row: dict[str, Any]) -> None:
        """Append a row."""
        # Converted one by one: memory for one row is soon reused, memory for a row group is not.
        self.add_table(pa.Table.from_pylist([row], schema=self._schema))

    def add_table(self, table: pa.Table) -> None:
        """Append rows that are already in the file's schema, byte for byte."""
        self._tables.append(table)
        self._pending_bytes += table.nbytes
        if self._pending_bytes >= ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._tables:
            group = pa.concat_tables(self._tables)
            self._writer.write_table(group, row_group_size=group.num_rows)
            self._n_rows += group.num_rows
        self._tables, self._pending_bytes = [], 0

    def publish(self, kind: FileKind) -> CommittedFile:
        """Finish the file and name it by its content. It exists once the ledger names it."""
        self._flush()
        self._writer.close()
        sha256 = self._file.sha256
        name = f"{sha256[:16]}.parquet"
        self._file.publish(name)
        return CommittedFile(f"{FOLDERS[kind]}/{name}", sha256, self._file.n_bytes, self._n_rows)

    def discard(self) -> None:
        """Delete the file, if it was not published."""
        # Else the writer would finish its file when it is garbage-collected, and the file has gone by then.
        self._writer.is_open = False
        self._file.discard()


def _list_leaf_paths(schema: pa.Schema) -> list[str]:
    """Return the Parquet column paths of a schema's leaves."""
    return [path for field in schema for path in _list_paths_below(field.name, field.type)]


def _list_paths_below(name: str, kind: pa.DataType) -> list[str]:
    if pa.types.is_struct(kind):
        return [path for field in kind for path in _list_paths_below(f"{name}.{field.name}", field.type)]
    if pa.types.is_list(kind):
        return _list_paths_below(f"{name}.list.element", kind.value_type)
    return [name]


def _read_usage(provenance: Mapping[str, Any]) -> Usage:
    """Return the usage that a row's provenance records."""
    tokens = provenance["tokens"]
    return Usage(
        **{name: provenance[name] for name in ("requests", "corrections", "fresh_starts", "repairs")},
        **{f"{name}_tokens": tokens[name] for name in ("prompt", "cached", "generated")},
        seconds=provenance["design_s"],
    )


class ShardWriter:
    """Collects the samples and rejects of one commit. Nothing exists until `commit` returns."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._tables: dict[FileKind, TableFile] = {}
        self._accepted: list[str] = []
        self._rejected: list[str] = []
        self._tiers: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._audio_s = 0.0
        self._usage = Usage()
        self._renders: RenderStats = {}
        self.was_first = True
        """False once `commit` has found that another writer committed the same seeds before."""

    def add_renders(self, renders: RenderStats) -> None:
        """Add the counts of sounds that backends rendered for the rows of this commit."""
        self._renders = merge((self._renders, renders))

    def add_sample(self, sample: Sample) -> None:
        """Append a sample. Raises StorageFullError."""
        self._table("samples", SAMPLES).add(sample_row(sample))
        self._accepted.append(sample.seed.id)
        self._tiers[sample.tier] += 1
        self._audio_s += sample.duration_s
        self._usage += sample.provenance.account.usage

    def add_sample_row(self, row: pa.Table) -> None:
        """Append a sample given as a table of one row in the schema `SAMPLES`. Raises StorageFullError."""
        known = row.select(["seed_id", "tier", "turns", "provenance"]).to_pylist()[0]
        self._table("samples", SAMPLES).add_table(row)
        self._accepted.append(known["seed_id"])
        self._tiers[known["tier"]] += 1
        self._audio_s += sum(turn["duration_s"] for turn in known["turns"])
        self._usage += _read_usage(known["provenance"])

    def add_reject(self, reject: Reject, usage: Usage | None = None) -> None:
        """Append a rejected seed, and the use of a language model for it. Raises StorageFullError."""
        self._table("rejects", REJECTS).add(reject_row(reject))
        self._rejected.append(reject.seed.id)
        self._reasons[f"{reject.stage}/{reject.reason}"] += 1
        self._usage += usage or Usage()

    def _table(self, kind: FileKind, schema: pa.Schema) -> TableFile:
        if kind not in self._tables:
            self._tables[kind] = TableFile(self._run.storage.new_file(FOLDERS[kind]), schema)
        return self._tables[kind]

    def commit(self) -> LedgerEntry | None:
        """Publish both files and enter them in the ledger. Returns None if nothing was added.

        Returns the entry that counts, which is another writer's if it has committed the same seeds before.
        Raises RunInUseError if another process has locked the run.
        """
        if not self._tables:
            return None
        self._run.require_lock()
        entry = LedgerEntry(
            name=name_entry(self._accepted + self._rejected),
            files=tuple(table.publish(kind) for kind, table in sorted(self._tables.items())),
            accepted=tuple(self._accepted),
            rejected=tuple(self._rejected),
            tiers=dict(sorted(self._tiers.items())),
            reasons=dict(sorted(self._reasons.items())),
            audio_s=round(self._audio_s, 3),
            usage=self._usage,
            renders=self._renders,
            committed_at_s=round(time.time(), 3),
        )
        entered = self._run.ledger.add(entry)
        self.was_first = entered is entry
        for path in {file.path for file in entry.files} - {file.path for file in entered.files}:
            self._run.storage.remove(path)
        return entered

    def discard(self) -> None:
        """Delete the files that were not committed."""
        for table in self._tables.values():
            table.discard()
