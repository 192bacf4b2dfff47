"""Figures of what was heard, as Arrow rows: one row for each sample, with its lines and captions."""

from __future__ import annotations

import pyarrow as pa

FIGURES = pa.schema(
    {
        "id": pa.string(),
        "seed_id": pa.string(),
        "figures": pa.list_(pa.struct({"name": pa.string(), "value": pa.float64()})),
        "lines": pa.list_(
            pa.struct(
                {
                    "element_id": pa.int64(),
                    "text": pa.string(),
                    "heard": pa.string(),
                    "n_words": pa.int64(),
                    "n_errors": pa.int64(),
                }
            )
        ),
        "lines_in_mixes": pa.list_(
            pa.struct(
                {
                    "turn": pa.int64(),
                    "element_id": pa.int64(),
                    "n_words": pa.int64(),
                    "n_errors": pa.int64(),
                }
            )
        ),
        "captions": pa.list_(
            pa.struct(
                {
                    "element_id": pa.int64(),
                    "text": pa.string(),
                    "presence": pa.float64(),
                    "in_mixes": pa.list_(pa.float64()),
                }
            )
        ),
        "failures": pa.list_(
            pa.struct(
                {
                    "listener": pa.string(),
                    "element_id": pa.int64(),
                    "turn": pa.int64(),
                    "reason": pa.string(),
                    "detail": pa.string(),
                }
            )
        ),
    }
)
"""The columns of the figures of samples.

`lines` has each spoken line alone, `lines_in_mixes` the same in each turn that holds it. `captions` has the
presence of each sound in its own stem, and in the mix of every turn, from 0, whether it is in the scene or
not: so the values before and after an edit stand side by side. What is not known is null.
"""


def read_figures(table: pa.Table | None) -> dict[str, dict[str, float]]:
    """Return the figures of each sample, by its id and their names, from a table of `FIGURES`."""
    rows = table.select(["id", "figures"]).to_pylist() if table is not None else []
    return {row["id"]: {entry["name"]: entry["value"] for entry in row["figures"]} for row in rows}
