"""Records as rows."""

from __future__ import annotations

import pytest

from copilot.seed import Seed
from pipelines.execution.ray.packing import PackedRecords, pack_records
from pipelines.stages.record import Record


def records(n: int) -> list[Record]:
    return [Record(Seed(f"seed/{k}", "x" * k * 1000), f"id-{k}") for k in range(n)]


@pytest.mark.parametrize("n", [0, 1, 5])
def test_records_come_back_as_they_went(n):
    rows = PackedRecords(pack_records(records(n)))
    assert list(rows) == records(n)
    assert len(rows) == n
    assert rows.ids == [f"id-{k}" for k in range(n)]
    assert rows.seed_ids == [f"seed/{k}" for k in range(n)]


def test_large_records_come_back_from_tables_in_several_pieces():
    large = [Record(Seed(f"seed/{k}", f"{k}" * 9_000_000), f"id-{k}") for k in range(5)]
    table = pack_records(large)
    assert table["record"].num_chunks == 3
    assert list(PackedRecords(table)) == large
    assert PackedRecords(table.slice(1))[2] == large[3]


def test_slices_of_tables_are_records_too():
    rows = PackedRecords(pack_records(records(5)).slice(2, 2))
    assert list(rows) == records(5)[2:4]
    assert rows[1:] == records(5)[3:4]
    assert (rows[0], rows[-1]) == (records(5)[2], records(5)[3])
    with pytest.raises(IndexError):
        rows[2]


def test_every_access_unpickles_the_record_again():
    rows = PackedRecords(pack_records(records(1)))
    rows[0].normalised = ("changed",)
    assert rows[0].normalised == ()
