"""Conditions on samples: SQL over plain columns of their metadata, evaluated by DuckDB.

A condition is one expression. It sees the columns of one sample at a time and no audio, and it reaches no
file, no network and no setting.
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
"""The Parquet columns that the view is made of."""

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
"""What reading `METADATA` gives."""

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


class Condition:
    """An SQL condition, such as `checks.loudness_error < 0.3 and list_contains(tasks, 'open')`."""

    def __init__(self, text: str) -> None:
        # DuckDB takes half a second to load, which only those pay who ask something.
        import duckdb  # noqa: PLC0415

        self.text = text
        self._error = duckdb.Error
        self._database = duckdb.connect(":memory:", config={"threads": 1})
        self._database.execute("SET enable_external_access = false")
        self._database.execute("SET lock_configuration = true")

    def matching(self, metadata: pa.Table) -> set[str]:
        """The seed ids of the samples that it is true of. Raises UserError for a condition that is wrong."""
        view = view_of(metadata)
        try:
            chosen = self._database.from_arrow(view).filter(self.text).project("seed_id").fetchall()
        except self._error as error:
            raise UserError(
                f"--where {self.text!r}: {str(error).strip()}\nThe columns are: {_columns(view)}"
            ) from error
        return {seed_id for (seed_id,) in chosen}


def view_of(metadata: pa.Table) -> pa.Table:
    """The plain columns of samples, from their columns `METADATA`.

    `n_elements` counts the sounds of the whole dialogue, each once; `duration_s` is that of all turns
    together; `checks` has one field a check, which holds its figure.
    """
    rows = metadata.to_pylist()
    names = sorted({check["name"] for row in rows for check in row["checks"]})
    columns = dict(_PLAIN)
    if names:
        columns["checks"] = pa.struct(dict.fromkeys(names, pa.float64()))
    return pa.Table.from_pylist([_plain(row) for row in rows], schema=pa.schema(columns))


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    turns = row["turns"]
    return {
        **row,
        "n_turns": len(turns),
        "n_elements": len(row["stems"]),
        "duration_s": sum(turn["duration_s"] for turn in turns),
        "tasks": [turn["task"] for turn in turns],
        "checks": {check["name"]: check["value"] for check in row["checks"]},
    }


def _columns(view: pa.Table) -> str:
    plain = ", ".join(name for name in view.column_names if name != "checks")
    if "checks" not in view.column_names:
        return plain
    names = (field.name for field in view.schema.field("checks").type)
    return plain + "".join(
        f", checks.{name}" if name.isidentifier() else f', checks."{name}"' for name in names
    )
