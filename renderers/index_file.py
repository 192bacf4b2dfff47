"""Indexes of recordings: CSV or JSONL, read line by line, so that a bad line spoils no other."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from copilot.errors import UserError

Columns = Mapping[str, str]


class BadRowError(ValueError):
    """A row that cannot be used; the message says why."""


def read_lines(
    index: Path,
    field: str,
    expected: str,
    check_header: Callable[[Sequence[str]], str | None],
    from_json: Callable[[Mapping[str, Any]], Columns],
) -> tuple[list[tuple[int, bytes]], Callable[[bytes], Columns]]:
    """Return the lines that hold rows, with their numbers from 1, and a function from a line to columns.

    `check_header` names the columns that a CSV's first line lacks, `from_json` makes columns of a JSON
    object. A line is a row: a quote that is not closed spoils its own line only. Raises UserError for the
    setting `field`, which names the `expected` header; the returned function raises BadRowError.
    """
    try:
        content = index.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise UserError(f"{index}: cannot be read ({error.strerror}); check the file", field=field) from error
    lines = [(n, line) for n, line in enumerate(content.splitlines(), start=1) if line.strip()]
    if index.suffix == ".jsonl":
        return lines, lambda line: from_json(_parse_object(line))
    try:
        header = [name.strip().lower() for name in _parse_cells(lines[0][1])] if lines else []
    except BadRowError as error:
        raise UserError(f"{index}: the first line is {error}; expected {expected}", field=field) from None
    if missing := check_header(header):
        raise UserError(f"{index}: no column {missing} in the first line; expected {expected}", field=field)
    return lines[1:], partial(_from_cells, header)


def _parse_cells(line: bytes) -> list[str]:
    try:
        return next(csv.reader([line.decode()], strict=True), [])
    except UnicodeDecodeError as error:
        raise BadRowError("not UTF-8") from error
    except csv.Error as error:
        raise BadRowError(f"not CSV ({error})") from error


def _from_cells(header: Sequence[str], line: bytes) -> Columns:
    cells = _parse_cells(line)
    if len(cells) > len(header):
        raise BadRowError(
            f"{len(cells)} columns, but the first line has {len(header)}; quote a text that holds a comma"
        )
    return dict(zip(header, cells, strict=False))


def _parse_object(line: bytes) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRowError(f"not JSON ({error})") from error
    if not isinstance(row, dict):
        raise BadRowError("not a JSON object")
    return row
