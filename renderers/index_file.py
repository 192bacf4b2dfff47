"""Tables of recordings: CSV or JSONL, read line by line, so that a bad line spoils no other.

A CSV may have commas, semicolons or tabs between its columns; either may be UTF-8 or UTF-16.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from copilot.errors import UserError
from copilot.text.decoding import to_utf8

Columns = Mapping[str, str]

_SEPARATORS = ",;\t"


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
        content = to_utf8(index.read_bytes())
    except OSError as error:
        raise UserError(f"{index}: cannot be read ({error.strerror}); check the file", field=field) from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{index}: not {error.encoding.upper()}, though it begins so; save it as UTF-8", field=field
        ) from error
    lines = [(n, line) for n, line in enumerate(content.splitlines(), start=1) if line.strip()]
    if index.suffix.lower() == ".jsonl":
        return lines, lambda line: from_json(_parse_object(line))
    separator, header = ",", []
    if lines:
        _, first = lines[0]
        separator = _find_separator(first)
        try:
            header = [name.strip().lower() for name in _parse_cells(separator, first)]
        except BadRowError as error:
            raise UserError(f"{index}: the first line is {error}; expected {expected}", field=field) from None
    if missing := check_header(header):
        found = ", ".join(filter(None, header)) or "nothing"
        raise UserError(
            f"{index}: no column {missing} in the first line; expected {expected}, found {found}", field=field
        )
    if twice := next((name for place, name in enumerate(header) if name in header[:place] and name), None):
        raise UserError(f"{index}: the first line has two columns {twice}; rename one", field=field)
    return lines[1:], partial(_from_cells, separator, header)


def _find_separator(first: bytes) -> str:
    """Return the separator that the first line has most of; a comma if it has none."""
    return max(_SEPARATORS, key=lambda separator: first.count(separator.encode()))


def _parse_cells(separator: str, line: bytes) -> list[str]:
    try:
        return next(csv.reader([line.decode()], strict=True, delimiter=separator), [])
    except UnicodeDecodeError as error:
        raise BadRowError("not UTF-8") from error
    except csv.Error as error:
        raise BadRowError(f"not CSV ({error})") from error


def _from_cells(separator: str, header: Sequence[str], line: bytes) -> Columns:
    cells = _parse_cells(separator, line)
    if len(cells) > len(header):
        mark = {",": "comma", ";": "semicolon", "\t": "tab"}[separator]
        raise BadRowError(
            f"{len(cells)} columns, but the first line has {len(header)}; quote a text that holds a {mark}"
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
