"""A condition on samples: SQL over plain columns of their metadata, evaluated by DuckDB.

A condition is one expression over the columns of one sample. It cannot read audio, files, the network or
settings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from copilot.arrow import SAMPLES
from copilot.errors import UserError

METADATA = (
    "id",
    "seed_id",
    "seed_text",
    "tier",
    "turns.list.element.task",
    "turns.list.element.duration_s",
    "stems.list.element.element_id",
    "headroom_db",
    "checks",
)
"""The Parquet columns that the view needs."""

METADATA_SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "seed_id": pa.string(),
        "seed_text": pa.string(),
        "tier": pa.string(),
        "turns": pa.list_(pa.struct({"task": pa.string(), "duration_s": pa.float64()})),
        "stems": pa.list_(pa.struct({"element_id": pa.int64()})),
        "headroom_db": pa.float64(),
        "checks": SAMPLES.field("checks").type,
    }
)
"""The schema of a table of the columns `METADATA`."""

_PLAIN = {
    "id": pa.string(),
    "seed_id": pa.string(),
    "seed_text": pa.string(),
    "tier": pa.string(),
    "headroom_db": pa.float64(),
    "n_turns": pa.int64(),
    "n_elements": pa.int64(),
    "duration_s": pa.float64(),
    "tasks": pa.list_(pa.string()),
}

_STRUCTS = ("checks", "heard")
"""Columns with one field for each named figure."""

_SESSION_WORDS = {
    *("user", "current_user", "session_user", "current_role", "current_catalog", "current_schema"),
    *("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"),
}
"""Names that DuckDB takes for the value of a function if there is no such column."""


class SqlCondition:
    """An SQL condition, such as `checks.loudness_error < 0.3 and list_contains(tasks, 'open')`.

    `heard` has the names of the figures of what was heard that it names, in lower case. Raises UserError for
    a condition that names a word of the session, such as `user`, in place of a column.
    """

    def __init__(self, text: str) -> None:
        # DuckDB takes half a second to load, so only a run with a condition loads it.
        import duckdb  # noqa: PLC0415

        self.text = text
        self._error = duckdb.Error
        self._database = duckdb.connect(":memory:", config={"threads": 1})
        self._database.execute("SET enable_external_access = false")
        self._database.execute("SET lock_configuration = true")
        names = set(self._find_names())
        self.heard = frozenset(path[1] for path in names if len(path) > 1 and path[0] == "heard")
        if word := next(
            (path[0] for path in sorted(names) if len(path) == 1 and path[0] in _SESSION_WORDS), None
        ):
            # It would match nothing, and yet be no error.
            raise UserError(
                f"{text!r}: {word} is not a column, it is a word of SQL for the session; available columns: "
                f"{', '.join(_PLAIN)}, checks.NAME, heard.NAME after copilot hear",
                field="where",
            )

    def _find_names(self) -> Iterator[tuple[str, ...]]:
        """Yield the names of columns, each split at its dots, in lower case."""
        query = f"SELECT 1 FROM samples WHERE {self.text}"  # noqa: S608 - parsed only
        parsed = self._database.execute("SELECT json_serialize_sql(?)", [query]).fetchall()
        return _find_names(json.loads(parsed[0][0]))

    def find_matches(
        self, metadata: pa.Table, heard: Mapping[str, Mapping[str, float]] = MappingProxyType({})
    ) -> set[str]:
        """Return the seed ids of the samples for which it is true. Raises UserError for a wrong condition.

        `heard` has the figures of what was heard in each sample, by its id.
        """
        view = make_plain_view(metadata, heard, self.heard)
        try:
            chosen = self._database.from_arrow(view).filter(self.text).project("seed_id").fetchall()
        except self._error as error:
            raise UserError(
                f"{self.text!r}: {str(error).strip()}\navailable columns: {_list_columns(view)}",
                field="where",
            ) from error
        return {seed_id for (seed_id,) in chosen}


def _find_names(parsed: object) -> Iterator[tuple[str, ...]]:
    if isinstance(parsed, list):
        for part in parsed:
            yield from _find_names(part)
    elif isinstance(parsed, dict):
        if names := parsed.get("column_names", ()):
            yield tuple(name.lower() for name in names)
        yield from _find_names(list(parsed.values()))


def make_plain_view(
    metadata: pa.Table,
    heard: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
    heard_names: Iterable[str] = (),
) -> pa.Table:
    """Return the plain columns of samples, from their columns `METADATA` and the figures of what was heard.

    `n_elements` counts the sounds of the whole dialogue, each once; `duration_s` is the sum over all turns;
    `checks` has one field per check, which holds its value, and `heard` one per figure and per one of
    `heard_names`, null where a sample has none.
    """
    rows = [_flatten(row, heard.get(row["id"], {})) for row in metadata.to_pylist()]
    columns = dict(_PLAIN)
    for name in _STRUCTS:
        named = set(heard_names) if name == "heard" else set()
        if fields := sorted(named.union(*(row[name] for row in rows))):
            columns[name] = pa.struct(dict.fromkeys(fields, pa.float64()))
    return pa.Table.from_pylist(rows, schema=pa.schema(columns))


def _flatten(row: Mapping[str, Any], heard: Mapping[str, float]) -> dict[str, Any]:
    turns = row["turns"]
    return {
        **row,
        "n_turns": len(turns),
        "n_elements": len(row["stems"]),
        "duration_s": sum(turn["duration_s"] for turn in turns),
        "tasks": [turn["task"] for turn in turns],
        "checks": {check["name"]: check["value"] for check in row["checks"]},
        "heard": heard,
    }


def _list_columns(view: pa.Table) -> str:
    plain = [name for name in view.column_names if name not in _STRUCTS]
    fields = [
        (name, field.name)
        for name in _STRUCTS
        if name in view.column_names
        for field in view.schema.field(name).type
    ]
    return ", ".join(
        plain + [f"{name}.{field}" if field.isidentifier() else f'{name}."{field}"' for name, field in fields]
    )
