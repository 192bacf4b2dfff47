"""Whether a committed file is what its entry in the ledger says, and whether its samples are whole.

A file is read a row group at a time. What cannot be read is a problem, and the rest is read on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from copilot.arrow import REJECTS, SAMPLES
from copilot.vocabulary import Keep
from pipelines.inspection.verify.row import row_faults
from pipelines.run.integrity import find_byte_damage
from pipelines.run.ledger import CommittedFile
from pipelines.storage import open_storage

_AUDIO_TOLERANCE_S = 0.01
_N_NAMED = 3
_SAMPLE_KEYS = ("id", "seed_id", "tier", "turns.list.element.duration_s")
_REJECT_KEYS = ("id", "seed_id", "stage", "reason")
_UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What pyarrow raises for damaged bytes; the last for names and statistics in a file's footer."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a run that is not as it should be: a kebab-case kind, what it is, and where."""

    kind: str
    message: str
    file: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class FileJob:
    """A file to verify, what its entry in the ledger says of it, and how closely to look.

    `groups` are the entry's samples by tier, or its rejects by `stage/reason`. The samples of the seeds
    `in_depth` are decoded and mixed again; `keep` is what audio they must hold, where that is known.
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
    """What was found in a file: its problems, and how many rows, mixes and stems were looked at in depth."""

    n_in_depth: int = 0
    n_mixes: int = 0
    n_stems: int = 0
    problems: list[Problem] = field(default_factory=list)

    def add(self, kind: str, message: str, file: CommittedFile, row_id: str = "") -> None:
        """Note a problem."""
        self.problems.append(Problem(kind, message, file.path, row_id))


def verify_file(job: FileJob) -> FileResult:
    """Read a file anew, and hold it against the ledger and its samples against themselves."""
    result = FileResult()
    try:
        with open_storage(job.run).open(job.file.path) as stream:
            if fault := find_byte_damage(stream, job.file):
                result.add(*fault, job.file)
            with pq.ParquetFile(stream, page_checksum_verification=True) as parquet:
                _verify_table(parquet, job, result)
    except FileNotFoundError:
        result.add("file-missing", "not there, but the ledger names it", job.file)
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
    found = _Found()
    n_read = 0
    for index in range(parquet.num_row_groups):
        columns = _SAMPLE_KEYS if job.file.kind == "samples" else _REJECT_KEYS
        keys = _read(parquet, index, columns, job, result)
        if keys is not None:
            n_read += 1
            found.count(keys.to_pylist())
            if not job.in_depth.isdisjoint(keys["seed_id"].to_pylist()):
                _verify_rows(parquet, index, job, result)
    if n_read == parquet.num_row_groups:
        _verify_counts(found, job, result)


def _read(
    parquet: pq.ParquetFile, index: int, columns: Sequence[str] | None, job: FileJob, result: FileResult
) -> pa.Table | None:
    """Columns of one row group, or None where they cannot be read."""
    try:
        table = parquet.read_row_group(index, columns=columns, use_threads=False)
        # Damaged text need not be UTF-8, which only its conversion would find.
        table.validate(full=True)
    except _UNREADABLE as error:
        what = "its keys" if columns else "its audio"
        result.add("file-unreadable", f"row group {index}: {what} cannot be read ({error})", job.file)
        return None
    return table


class _Found:
    """What a file's rows add up to."""

    def __init__(self) -> None:
        self.seed_ids: Counter[str] = Counter()
        self.groups: Counter[str] = Counter()
        self.audio_s = 0.0

    def count(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            self.seed_ids[row["seed_id"]] += 1
            self.groups[str(row["tier"]) if "tier" in row else f"{row['stage']}/{row['reason']}"] += 1
            self.audio_s += sum(turn["duration_s"] or 0.0 for turn in row.get("turns") or () if turn)


def _verify_counts(found: _Found, job: FileJob, result: FileResult) -> None:
    """Hold the seeds and what they add up to against the ledger's entry."""
    expected = Counter(job.seed_ids)
    if missing := expected - found.seed_ids:
        result.add("file-seeds", f"lacks {_named(missing)}, which the ledger says it holds", job.file)
    if strange := found.seed_ids - expected:
        result.add("file-seeds", f"holds {_named(strange)}, which the ledger does not name", job.file)
    if dict(found.groups) != dict(job.groups):
        message = f"{dict(sorted(found.groups.items()))}; the ledger says {dict(sorted(job.groups.items()))}"
        result.add("ledger-counts", message, job.file)
    if job.file.kind == "samples" and not abs(found.audio_s - job.audio_s) <= _AUDIO_TOLERANCE_S:
        message = f"{found.audio_s:.3f} s of mixes; the ledger says {job.audio_s:.3f}"
        result.add("ledger-counts", message, job.file)


def _named(seed_ids: Counter[str]) -> str:
    """The first few, and how many more."""
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
        for fault in row_faults(row, job.keep):
            result.add(fault.kind, fault.message, job.file, row["id"] or "")
        result.n_in_depth += 1
        result.n_mixes += len(row["mixes"] or ())
        result.n_stems += sum(stem is not None and stem["audio"] is not None for stem in row["stems"] or ())
