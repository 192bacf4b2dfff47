"""Verify a committed file: compare it with its entry in the ledger, and its samples with themselves.

A file is read one row group at a time. Data that cannot be read is a problem; the rest is still read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from copilot.arrow import REJECTS, SAMPLES
from copilot.vocabulary import Keep
from pipelines.inspection.verify.problem import Problem
from pipelines.inspection.verify.row import find_row_problems
from pipelines.run.integrity import find_byte_damage
from pipelines.run.ledger import CommittedFile
from pipelines.storage import open_storage

_AUDIO_TOLERANCE_S = 0.01
_N_NAMED = 3
_SAMPLE_KEYS = ("id", "seed_id", "tier", "turns.list.element.duration_s")
_REJECT_KEYS = ("id", "seed_id", "stage", "reason")
_UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)
"""The errors of pyarrow for damaged bytes; the last for names and statistics in a file's footer."""


@dataclass(frozen=True, slots=True)
class FileJob:
    """A file to verify, the content that its entry in the ledger gives, and the samples to verify in depth.

    `groups` are the entry's samples by tier, or its rejects by `stage/reason`. The samples of the seeds
    `in_depth` are decoded and mixed again; `keep` is the audio that they must hold, if it is known.
    """

    run: str
    file: CommittedFile
    seed_ids: tuple[str, ...]
    groups: Mapping[str, int]
    audio_s: float
    in_depth: frozenset[str]
    keep: Keep | None


@dataclass(slots=True)
class FileResult:
    """The problems of a file, and the numbers of rows, mixes and stems that were verified in depth."""

    n_in_depth: int = 0
    n_mixes: int = 0
    n_stems: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, kind: str, message: str, file: CommittedFile) -> None:
        """Add a problem."""
        self.problems.append(Problem(kind, message, file.path))


def verify_file(job: FileJob) -> FileResult:
    """Read a file again, and compare it with the ledger and its samples with themselves."""
    result = FileResult()
    try:
        with open_storage(job.run).open(job.file.path) as stream:
            if damage := find_byte_damage(stream, job.file):
                result.add(*damage, job.file)
            # Not buffered ahead, as in RunReader.
            with pq.ParquetFile(stream, pre_buffer=False, page_checksum_verification=True) as parquet:
                _verify_table(parquet, job, result)
    except FileNotFoundError:
        result.add("file-missing", "missing, but the ledger names it", job.file)
    except _UNREADABLE as error:
        result.add("file-unreadable", f"cannot be read as Parquet ({error})", job.file)
    return result


def _verify_table(parquet: pq.ParquetFile, job: FileJob, result: FileResult) -> None:
    schema = SAMPLES if job.file.kind == "samples" else REJECTS
    found_schema = parquet.schema_arrow
    if not found_schema.equals(schema) or found_schema.metadata != schema.metadata:
        result.add("file-schema", "its columns are not those of this version", job.file)
        return
    if parquet.metadata.num_rows != job.file.n_rows:
        n_rows = parquet.metadata.num_rows
        result.add("file-rows", f"{n_rows} rows; the ledger says {job.file.n_rows}", job.file)
    found = _Counts()
    n_read = 0
    for index in range(parquet.num_row_groups):
        columns = _SAMPLE_KEYS if job.file.kind == "samples" else _REJECT_KEYS
        keys = _read(parquet, index, columns, job, result)
        if keys is not None:
            n_read += 1
            found.add(keys.to_pylist())
            if not job.in_depth.isdisjoint(keys["seed_id"].to_pylist()):
                _verify_rows(parquet, index, job, result)
    if n_read == parquet.num_row_groups:
        _verify_counts(found, job, result)


def _read(
    parquet: pq.ParquetFile, index: int, columns: Sequence[str] | None, job: FileJob, result: FileResult
) -> pa.Table | None:
    """Return columns of one row group, or None if they cannot be read."""
    try:
        table = parquet.read_row_group(index, columns=columns, use_threads=False)
        # Damaged text need not be UTF-8, which only its conversion would find.
        table.validate(full=True)
    except _UNREADABLE as error:
        what = "its keys" if columns else "its audio"
        result.add("file-unreadable", f"row group {index}: {what} cannot be read ({error})", job.file)
        return None
    return table


class _Counts:
    """The sums over a file's rows."""

    def __init__(self) -> None:
        self.seed_ids: Counter[str] = Counter()
        self.groups: Counter[str] = Counter()
        self.audio_s = 0.0

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            self.seed_ids[row["seed_id"]] += 1
            self.groups[str(row["tier"]) if "tier" in row else f"{row['stage']}/{row['reason']}"] += 1
            self.audio_s += sum(turn["duration_s"] or 0.0 for turn in row.get("turns") or () if turn)


def _verify_counts(found: _Counts, job: FileJob, result: FileResult) -> None:
    """Compare the seeds and their sums with the entry in the ledger."""
    expected = Counter(job.seed_ids)
    if missing := expected - found.seed_ids:
        result.add("file-seeds", f"lacks {_name_some(missing)}, which the ledger names", job.file)
    if strange := found.seed_ids - expected:
        result.add("file-seeds", f"holds {_name_some(strange)}, which the ledger does not name", job.file)
    if dict(found.groups) != dict(job.groups):
        message = f"{dict(sorted(found.groups.items()))}; the ledger says {dict(sorted(job.groups.items()))}"
        result.add("ledger-counts", message, job.file)
    if job.file.kind == "samples" and not abs(found.audio_s - job.audio_s) <= _AUDIO_TOLERANCE_S:
        message = f"{found.audio_s:.3f} s of mixes; the ledger says {job.audio_s:.3f}"
        result.add("ledger-counts", message, job.file)


def _name_some(seed_ids: Counter[str]) -> str:
    """Return the first few ids, and the number of the others."""
    names = sorted(map(str, seed_ids.elements()))
    more = f" and {len(names) - _N_NAMED} more" if len(names) > _N_NAMED else ""
    return ", ".join(names[:_N_NAMED]) + more


def _verify_rows(parquet: pq.ParquetFile, index: int, job: FileJob, result: FileResult) -> None:
    table = _read(parquet, index, None, job, result)
    if table is None:
        return
    for position, seed_id in enumerate(table["seed_id"].to_pylist()):
        if seed_id not in job.in_depth:
            continue
        row = table.slice(position, 1).to_pylist()[0]
        for problem in find_row_problems(row, job.keep):
            result.problems.append(replace(problem, file=job.file.path, id=row["id"] or ""))
        result.n_in_depth += 1
        result.n_mixes += len(row["mixes"] or ())
        result.n_stems += sum(stem is not None and stem["audio"] is not None for stem in row["stems"] or ())
