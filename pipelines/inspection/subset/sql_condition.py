"""A condition on samples: SQL over plain columns of their metadata, evaluated by DuckDB.

A condition is one expression over the columns of one sample. It cannot read audio, files, the network or
settings.
"""

from __future__ import annotations

from collections.abc import Mapping
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


class SqlCondition:
    """An SQL condition, such as `checks.loudness_error < 0.3 and list_contains(tasks, 'open')`."""

    def __init__(self, text: str) -> None:
        # DuckDB takes half a second to load, so only a run with a condition loads it.
        import duckdb  # noqa: PLC0415

        self.text = text
        self._error = duckdb.Error
        self._database = duckdb.connect(":memory:", config={"threads": 1})
        self._database.execute("SET enable_external_access = false")
        self._database.execute("SET lock_configuration = true")

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
