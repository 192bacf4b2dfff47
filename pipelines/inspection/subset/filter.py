"""Copy a subset of a run's samples into a new run.

Rows are copied as they are, so that the bytes of the audio stay the same. The subset has its own ledger: the
same filter again resumes an interrupted one, and adds samples that the source has gained. Memory holds a few
row groups of audio, however large the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.compute as pc

from copilot.arrow import SAMPLES
from copilot.errors import CorruptDataError, UserError
from copilot.vocabulary import Tier
from pipelines.heard.figures import read_figures
from pipelines.heard.store import HeardStore
from pipelines.inspection.subset.sql_condition import METADATA, METADATA_SCHEMA, SqlCondition
from pipelines.run.integrity import find_byte_damage
from pipelines.run.ledger import CommittedFile
from pipelines.run.reader import RunReader
from pipelines.run.run import Run, create_call_id
from pipelines.run.shards import ShardWriter
from pipelines.run.totals import Totals
from pipelines.storage import resolve_place

_ROWS_PER_SHARD = 64
"""A shard of the subset may hold rows of many shards: a strict filter does not leave tiny files."""

Chosen = list[tuple[CommittedFile, frozenset[str]]]
"""The files that hold matching samples, and those samples' seeds."""


@dataclass(frozen=True, slots=True)
class FilterResult:
    """The totals of the new run, the number of samples in the source, and the number copied by this call."""

    totals: Totals
    n_source: int
    n_copied: int


def filter_run(
    source: str | Path,
    out: str | Path,
    *,
    tier: Tier | None = None,
    where: str | None = None,
    on_start: Callable[[int], object] = lambda _: None,
    on_copied: Callable[[], object] = lambda: None,
) -> FilterResult:
    """Copy the samples of exactly this tier, for which `where` is true, into a run in `out` (default: all).

        filter_run("runs/demo", "runs/loud", tier="hq", where="checks.loudness_error < 0.3")

    `on_start` receives the number of samples to copy; `on_copied` is called after each. Raises UserError for
    an unknown tier, a wrong condition and if nothing matches (then nothing is written), ConfigMismatchError
    if `out` is another run, CorruptDataError for a damaged source.
    """
    if tier is not None and tier not in get_args(Tier):
        raise UserError(f"unknown tier {tier!r}; available: {', '.join(get_args(Tier))}", field="tier")
    reader = RunReader(source, field="source")
    if resolve_place(out) == resolve_place(source):
        raise UserError(f"{out} is the run to filter; give the subset another folder", field="out")
    chosen = _choose(reader, tier, SqlCondition(where) if where is not None else None)
    matching = {seed_id for _, seed_ids in chosen for seed_id in seed_ids}
    n_source = sum(file.n_rows for file in reader.files("samples"))
    if not matching:
        raise UserError(f"{source}: none of its {n_source} samples matches; nothing was written")
    run = Run(out, create_call_id())
    with run.lock():
        _open(run, reader, {"tier": tier, "where": where})
        run.delete_leftovers()
        done = run.ledger.seed_ids()
        run.record_seeds(sorted(done | matching), {})
        on_start(len(matching - done))
        n_copied = _copy_rows(_read_chosen(reader, chosen, done), run, on_copied)
    return FilterResult(Totals.of_entries(run.ledger.entries()), n_source, n_copied)


def _open(run: Run, reader: RunReader, criteria: Mapping[str, Any]) -> None:
    """Resume the subset, or start it: its fingerprint is the source's fingerprint and the filter."""
    theirs = reader.description.get("fingerprint")
    if not isinstance(theirs, dict):
        raise CorruptDataError(f"{reader.place}/run.json: has no fingerprint")
    applied = {**criteria, "source": reader.description.get("digest"), "before": theirs.get("filter")}
    run.open(
        {**theirs, "filter": applied},
        source=reader.place,
        versions=reader.description.get("versions", {}),
    )


def _choose(reader: RunReader, tier: Tier | None, condition: SqlCondition | None) -> Chosen:
    chosen = []
    known: set[str] = set()
    store = HeardStore(reader.run) if condition and condition.heard else None
    unknown = set(condition.heard) if condition else set()
    for file in reader.files("samples"):
        seed_ids: set[str] = set()
        heard = read_figures(store.read_figures(file)) if store else {}
        unknown = unknown.difference(*heard.values())
        known |= set().union(*heard.values())
        for table in reader.row_groups(file, METADATA):
            _require_schema(METADATA_SCHEMA, table, reader, file)
            of_tier = table if tier is None else table.filter(pc.equal(table["tier"], tier))
            seed_ids |= (
                condition.find_matches(of_tier, heard) if condition else set(of_tier["seed_id"].to_pylist())
            )
        if seed_ids:
            chosen.append((file, frozenset(seed_ids)))
    if unknown:
        name = min(unknown)
        raise UserError(
            f"heard.{name}: "
            + (
                f"unknown figure; available: {', '.join(sorted(known))}"
                if known
                else f"nothing was heard in this run yet; first run copilot hear {reader.place}"
            ),
            field="where",
        )
    return chosen


def _require_schema(schema: pa.Schema, table: pa.Table, reader: RunReader, file: CommittedFile) -> None:
    if not table.schema.equals(schema):
        raise CorruptDataError(
            f"{reader.place}/{file.path}: its columns are not those of this version; "
            f"see: copilot verify {reader.place}"
        )


def _read_chosen(reader: RunReader, chosen: Chosen, done: AbstractSet[str]) -> Iterator[pa.Table]:
    """Yield the chosen samples that are not done, each as a table of one row with memory of its own."""
    for file, seed_ids in chosen:
        if seed_ids <= done:
            continue
        # Reading the metadata has shown that the file exists.
        with reader.run.storage.open(file.path) as stream:
            damage = find_byte_damage(stream, file)
        if damage:
            raise CorruptDataError(
                f"{reader.place}/{file.path}: {damage[1]}; see: copilot verify {reader.place}"
            )
        for table in reader.row_groups(file):
            _require_schema(SAMPLES, table, reader, file)
            for index, seed_id in enumerate(table["seed_id"].to_pylist()):
                if seed_id in seed_ids and seed_id not in done:
                    yield table.take([index])


def _copy_rows(rows: Iterator[pa.Table], run: Run, on_copied: Callable[[], object]) -> int:
    """Write and commit rows, shard by shard. Returns their number."""
    n_copied = 0
    for first in rows:
        writer = ShardWriter(run)
        try:
            for row in chain((first,), islice(rows, _ROWS_PER_SHARD - 1)):
                writer.add_sample_row(row)
                n_copied += 1
                on_copied()
            writer.commit()
        finally:
            writer.discard()
    return n_copied
