"""Records as rows that Ray Data carries, each pickled beside its ids.

A stem travels as its file, so that Ray stores it once between two pools.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import pyarrow as pa

from pipelines.record import Record

_SCHEMA = pa.schema([("id", pa.string()), ("seed_id", pa.string()), ("record", pa.large_binary())])


def packed(records: Iterable[Record]) -> pa.Table:
    """Records as rows."""
    rows = [(r.id, r.seed.id, pickle.dumps(r, protocol=pickle.HIGHEST_PROTOCOL)) for r in records]
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, _SCHEMA, strict=True)], schema=_SCHEMA)


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
