"""Records as rows that Ray Data carries, each pickled beside its ids.

A stem travels as its file, so that Ray stores it once between two pools.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np
import pyarrow as pa

from pipelines.stages.record import Record

_MOST_JOINED = 16 * 2**20
"""Bytes: what glibc keeps for the next time when it is freed (`pipelines.execution.memory`)."""

_SCHEMA = pa.schema([("id", pa.string()), ("seed_id", pa.string()), ("record", pa.large_binary())])


def packed(records: Iterable[Record]) -> pa.Table:
    """Records as rows."""
    records = list(records)
    ids, seed_ids = [record.id for record in records], [record.seed.id for record in records]
    return pa.table([pa.array(ids, pa.string()), pa.array(seed_ids, pa.string()), _cells(records)], _SCHEMA)


def _cells(records: Iterable[Record]) -> pa.ChunkedArray:
    chunks: list[pa.Array] = []
    cells: list[bytes] = []
    size = 0
    for record in records:
        cells.append(pickle.dumps(record, protocol=pickle.HIGHEST_PROTOCOL))
        size += len(cells[-1])
        if size > _MOST_JOINED:
            chunks.append(_joined(cells))
            cells, size = [], 0
    return pa.chunked_array([*chunks, _joined(cells)], pa.large_binary())


def _joined(cells: Sequence[bytes]) -> pa.Array:
    """An array of cells, copied once: pyarrow's own way takes several times as long for large ones."""
    ends = np.cumsum([0, *map(len, cells)], dtype=np.int64)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(cells))]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(cells), buffers)


class Rows(Sequence[Record]):
    """The records of rows, each made anew when it is asked for: a shard's need not be there at once."""

    def __init__(self, table: pa.Table) -> None:
        self._cells = table["record"]
        self.ids: list[str] = table["id"].to_pylist()
        self.seed_ids: list[str] = table["seed_id"].to_pylist()

    def __len__(self) -> int:
        return len(self._cells)

    @overload
    def __getitem__(self, at: int) -> Record: ...
    @overload
    def __getitem__(self, at: slice) -> list[Record]: ...
    def __getitem__(self, at: int | slice) -> Record | list[Record]:
        if isinstance(at, slice):
            return [self._record(k) for k in range(*at.indices(len(self)))]
        return self._record(range(len(self))[at])

    def __iter__(self) -> Iterator[Record]:
        return map(self._record, range(len(self)))

    def _record(self, k: int) -> Record:
        record: Record = pickle.loads(self._cells[k].as_buffer())  # noqa: S301 - from our own workers
        return record
