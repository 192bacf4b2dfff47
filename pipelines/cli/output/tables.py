"""Tables as commands print them: columns of text without lines."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from rich.table import Table
from rich.text import Text


def create_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    right: Collection[str] = (),
    wrapped: Collection[str] = (),
) -> Table:
    """Return a table with a heading for each column; none at all if all headings are empty.

    Columns named in `right` are aligned to the right. Those named in `wrapped` are broken into lines if the
    terminal is narrow.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=any(columns))
    for number, column in enumerate(columns):
        table.add_column(
            Text(column, style="dim" if number else "bold"),
            justify="right" if column in right else "left",
            no_wrap=column not in wrapped,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return table
