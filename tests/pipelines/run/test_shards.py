"""Shards: what is committed is what was added, in row groups of a bounded size."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.made_runs import a_reject, a_sample

from copilot.arrow import AUDIO_COLUMNS, REJECTS, SAMPLES, reject_row, sample_row
from copilot.designers.account import Account, Usage
from copilot.hashing import content_hash
from copilot.sample import Sample
from pipelines.run import shards
from pipelines.run.ledger import Ledger
from pipelines.run.run import Run
from pipelines.run.shards import ShardWriter, TableFile
from pipelines.storage.atomic import HashedFile


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [a_sample(0), a_sample(1, tier="valid")]


def as_stored(row: dict, schema: pa.Schema) -> dict:
    return pa.Table.from_pylist([row], schema=schema).to_pylist()[0]


def test_a_commit_has_the_added_rows_and_counts_them(tmp_path: Path, samples: list[Sample]) -> None:
    writer = ShardWriter(Run(tmp_path))
    for sample in samples:
        writer.add_sample(sample)
    writer.add_reject(a_reject(0))
    entry = writer.commit()
    assert entry is not None
    assert [entry] == list(Ledger(tmp_path / "ledger").entries())
    assert entry.name == content_hash(["test/0000", "test/0001", "test/bad-0000"])[:16]
    assert entry.accepted == ("test/0000", "test/0001")
    assert entry.rejected == ("test/bad-0000",)
    assert (entry.tiers, entry.reasons) == ({"hq": 1, "valid": 1}, {"validate/one-ambience": 1})
    assert entry.audio_s == 12.0
    assert [(file.path.partition("/")[0], file.kind, file.n_rows) for file in entry.files] == [
        ("rejects", "rejects", 1),
        ("shards", "samples", 2),
    ]
    for file in entry.files:
        assert file.path.endswith(f"/{file.sha256[:16]}.parquet")
        data = (tmp_path / file.path).read_bytes()
        assert (file.n_bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    rejects, rows = (pq.read_table(tmp_path / file.path).to_pylist() for file in entry.files)
    assert rows == [as_stored(sample_row(sample), SAMPLES) for sample in samples]
    assert rejects == [as_stored(reject_row(a_reject(0)), REJECTS)]


def test_rows_copied_as_they_are_give_the_same_file(tmp_path: Path, samples: list[Sample]) -> None:
    made, copied = ShardWriter(Run(tmp_path / "made")), ShardWriter(Run(tmp_path / "copied"))
    for sample in samples:
        made.add_sample(sample)
        copied.add_sample_row(pa.Table.from_pylist([sample_row(sample)], schema=SAMPLES))
    entries = [replace(writer.commit(), committed_at_s=None) for writer in (made, copied)]
    assert entries[0] == entries[1]


def test_an_entry_adds_up_the_model_usage_of_samples_and_rejects(
    tmp_path: Path, samples: list[Sample]
) -> None:
    usage = Usage(4, 2, 1, 1, 1000, 900, 300, 1.5)
    account = Account("m", "p", "0", usage, ("{", "}"))
    asked = replace(samples[0], provenance=replace(samples[0].provenance, account=account))
    made, copied = ShardWriter(Run(tmp_path / "made")), ShardWriter(Run(tmp_path / "copied"))
    made.add_sample(asked)
    copied.add_sample_row(pa.Table.from_pylist([sample_row(asked)], schema=SAMPLES))
    for writer in (made, copied):
        writer.add_sample(samples[1])
        writer.add_reject(a_reject(0), Usage(9, 8, 7, 6, 5, 4, 3, 2.0))
        assert writer.commit().usage == Usage(13, 10, 8, 7, 1005, 904, 303, 3.5)
    (entry,) = Ledger(tmp_path / "made" / "ledger").entries()
    assert entry.usage == Usage(13, 10, 8, 7, 1005, 904, 303, 3.5)


def test_nothing_exists_before_the_commit_or_after_a_discard(tmp_path: Path, samples: list[Sample]) -> None:
    writer = ShardWriter(Run(tmp_path))
    writer.add_sample(samples[0])
    (unfinished,) = (tmp_path / "shards").iterdir()
    assert unfinished.name.startswith(".tmp-")
    assert Ledger(tmp_path / "ledger").seed_ids() == set()
    writer.discard()
    assert list((tmp_path / "shards").iterdir()) == []


def test_a_commit_of_nothing_leaves_nothing(tmp_path: Path) -> None:
    assert ShardWriter(Run(tmp_path / "run")).commit() is None
    assert not (tmp_path / "run").exists()


def test_a_row_group_is_closed_when_it_holds_its_share(
    tmp_path: Path, samples: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = sample_row(samples[0])
    n_bytes = pa.Table.from_pylist([row], schema=SAMPLES).nbytes
    for share, groups in ((1.0, [1, 1, 1, 1]), (2.0, [2, 2]), (2.5, [3, 1]), (9.0, [4])):
        monkeypatch.setattr(shards, "ROW_GROUP_BYTES", n_bytes * share)
        table = TableFile(HashedFile(tmp_path / "shards"), SAMPLES)
        for _ in range(4):
            table.add(row)
        file = table.publish("samples")
        assert file.n_rows == 4
        found = pq.ParquetFile(tmp_path / file.path).metadata
        assert [found.row_group(k).num_rows for k in range(found.num_row_groups)] == groups


def test_audio_is_stored_as_it_is_and_everything_else_is_compressed(
    tmp_path: Path, samples: list[Sample]
) -> None:
    writer = ShardWriter(Run(tmp_path))
    writer.add_sample(samples[0])
    entry = writer.commit()
    assert entry is not None
    group = pq.ParquetFile(tmp_path / entry.files[0].path).metadata.row_group(0)
    columns = [group.column(k) for k in range(group.num_columns)]
    plain = {c.path_in_schema for c in columns if c.compression == "UNCOMPRESSED"}
    assert plain == set(AUDIO_COLUMNS)
    assert not any(c.is_stats_set for c in columns if c.path_in_schema in plain)
    assert samples[0].mixes[1] in (tmp_path / entry.files[0].path).read_bytes()
