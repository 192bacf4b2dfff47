"""A condition on samples: SQL over plain columns of their metadata, evaluated by DuckDB.

A condition is one expression over the columns of one sample. It cannot read audio, files, the network or
settings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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


_SESSION_WORDS = {
    *("user", "current_user", "session_user", "current_role", "current_catalog", "current_schema"),
    *("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"),
}
"""Names that DuckDB takes for the value of a function if there is no such column."""


class SqlCondition:
    """An SQL condition, such as `checks.loudness_error < 0.3 and list_contains(tasks, 'open')`.

    Raises UserError for one that names a word of the session, such as `user`, in place of a column.
    """

    def __init__(self, text: str) -> None:
        # DuckDB takes half a second to load, so only a run with a condition loads it.
        import duckdb  # noqa: PLC0415

        self.text = text
        self._error = duckdb.Error
        self._database = duckdb.connect(":memory:", config={"threads": 1})
        self._database.execute("SET enable_external_access = false")
        self._database.execute("SET lock_configuration = true")
        if word := self._find_session_word():
            raise UserError(
                f"{text!r}: {word} is not a column, it is a word of SQL for the session; available columns: "
                f"{', '.join(_PLAIN)}, checks.NAME",
                field="where",
            )

    def _find_session_word(self) -> str | None:
        """Return the first name that is not a column and yet no error, such as `user`: it matches nothing."""
        query = f"SELECT 1 FROM samples WHERE {self.text}"  # noqa: S608 - parsed only
        parsed = self._database.execute("SELECT json_serialize_sql(?)", [query]).fetchall()
        return next((name for name in _find_names(json.loads(parsed[0][0])) if name in _SESSION_WORDS), None)

    def find_matches(self, metadata: pa.Table) -> set[str]:
        """Return the seed ids of the samples for which it is true. Raises UserError for a wrong condition."""
        view = make_plain_view(metadata)
        try:
            chosen = self._database.from_arrow(view).filter(self.text).project("seed_id").fetchall()
        except self._error as error:
            raise UserError(
                f"{self.text!r}: {str(error).strip()}\navailable columns: {_list_columns(view)}",
                field="where",
            ) from error
        return {seed_id for (seed_id,) in chosen}


def _find_names(parsed: object) -> Iterator[str]:
    """Yield the names without a dot that stand for columns in a parsed query, in lower case."""
    if isinstance(parsed, list):
        for part in parsed:
            yield from _find_names(part)
    elif isinstance(parsed, dict):
        names = parsed.get("column_names", ())
        if len(names) == 1:
            yield names[0].lower()
        yield from _find_names(list(parsed.values()))


def make_plain_view(metadata: pa.Table) -> pa.Table:
    """Return the plain columns of samples, from their columns `METADATA`.

    `n_elements` counts the sounds of the whole dialogue, each once; `duration_s` is the sum over all turns;
    `checks` has one field per check, which holds its value.
    """
    rows = metadata.to_pylist()
    names = sorted({check["name"] for row in rows for check in row["checks"]})
    columns = dict(_PLAIN)
    if names:
        columns["checks"] = pa.struct(dict.fromkeys(names, pa.float64()))
    return pa.Table.from_pylist([_flatten(row) for row in rows], schema=pa.schema(columns))


def _flatten(row: Mapping[str, Any]) -> dict[str, Any]:
    turns = row["turns"]
    return {
        **row,
        "n_turns": len(turns),
        "n_elements": len(row["stems"]),
        "duration_s": sum(turn["duration_s"] for turn in turns),
        "tasks": [turn["task"] for turn in turns],
        "checks": {check["name"]: check["value"] for check in row["checks"]},
    }


def _list_columns(view: pa.Table) -> str:
    plain = ", ".join(name for name in view.column_names if name != "checks")
    if "checks" not in view.column_names:
        return plain
    names = (field.name for field in view.schema.field("checks").type)
    return plain + "".join(
        f", checks.{name}" if name.isidentifier() else f', checks."{name}"' for name in names
    )
