"""Records as rows that Ray Data carries: one column, in which each is pickled.

A stem travels as its file, so that Ray stores it once between two pools.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import pyarrow as pa

from pipelines.record import Record

_RECORD = "record"
_SCHEMA = pa.schema([(_RECORD, pa.large_binary())])


def packed(records: Sequence[Record]) -> pa.Table:
    """Records as rows."""
    cells = [pickle.dumps(record, protocol=pickle.HIGHEST_PROTOCOL) for record in records]
    return pa.table([pa.array(cells, pa.large_binary())], schema=_SCHEMA)


def unpacked(table: pa.Table) -> list[Record]:
    """The records of rows."""
    return [pickle.loads(cell.as_buffer()) for cell in table[_RECORD]]  # noqa: S301 - from our own workers
