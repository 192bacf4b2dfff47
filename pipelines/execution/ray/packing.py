"""Records as rows of a table for Ray Data, each pickled beside its ids.

A stem travels as its file, so that Ray stores it once between two pools.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np
import pyarrow as pa

from pipelines.stages.record import Record

_MAX_CHUNK_BYTES = 16 * 2**20
"""glibc keeps freed blocks of up to this size for reuse (see `pipelines.execution.memory`)."""

_SCHEMA = pa.schema([("id", pa.string()), ("seed_id", pa.string()), ("record", pa.large_binary())])


def pack_records(records: Iterable[Record]) -> pa.Table:
    """Return records as the rows of a table."""
    records = list(records)
    ids, seed_ids = [record.id for record in records], [record.seed.id for record in records]
    return pa.table([pa.array(ids, pa.string()), pa.array(seed_ids, pa.string()), _pickle(records)], _SCHEMA)


def _pickle(records: Iterable[Record]) -> pa.ChunkedArray:
    chunks: list[pa.Array] = []
    cells: list[bytes] = []
    size = 0
    for record in records:
        cells.append(pickle.dumps(record, protocol=pickle.HIGHEST_PROTOCOL))
        size += len(cells[-1])
        if size > _MAX_CHUNK_BYTES:
            chunks.append(_join(cells))
            cells, size = [], 0
    return pa.chunked_array([*chunks, _join(cells)], pa.large_binary())


def _join(cells: Sequence[bytes]) -> pa.Array:
    """Return an array of cells, copied once; pyarrow's own way is several times slower for large ones."""
    ends = np.cumsum([0, *map(len, cells)], dtype=np.int64)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(cells))]
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(cells), buffers)


class PackedRecords(Sequence[Record]):
    """The records of a table, each unpickled at every access: a shard's records need not fit in memory."""

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
            return [self._unpickle(k) for k in range(*at.indices(len(self)))]
        return self._unpickle(range(len(self))[at])

    def __iter__(self) -> Iterator[Record]:
        return map(self._unpickle, range(len(self)))

    def _unpickle(self, k: int) -> Record:
        record: Record = pickle.loads(self._cells[k].as_buffer())  # noqa: S301 - from our own workers
        return record
