"""Requests of a user's own as seeds: the story's, word for word, and those of the edits that follow it.

Each row has one request, or a list of them, whose first is the story's. Control characters and white space in
a row are normalised, as in every seed; nothing else is changed.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from copilot.errors import UserError
from copilot.hashing import content_hash
from copilot.seed import Seed
from pipelines.seeds.lines import parse_lines, read_lines
from pipelines.seeds.records import (
    BadLineError,
    Reading,
    SeedProblem,
    make_seed,
    name_file,
    name_row,
    normalise_text,
    parse_object,
    require_undamaged,
)
from pipelines.seeds.text_stream import open_text

REQUESTS = "requests"
"""The kind of these sources."""

_TABLES = frozenset({".csv", ".tsv"})
_HASH_DIGITS = 16


@dataclass(frozen=True, slots=True)
class RequestFile:
    """`requests:FILE#FIELD`, or `requests:FILE` with a request on each line.

    Ids are `requests/FILENAME/ID`, or `requests/FILENAME/HASH` without an id.
    """

    path: Path
    field: str = ""

    @property
    def name(self) -> str:
        """The file."""
        return str(self.path)

    @property
    def expects(self) -> str:
        """The expected content, for messages."""
        if not self.field:
            return "one request per line"
        rows = "a header and rows" if self._is_table else "one JSON object per line"
        return f"{rows}, with a request or a list of requests in the field {self.field!r}"

    @property
    def _is_table(self) -> bool:
        return self.path.suffix.lower() in _TABLES

    def read(self) -> Iterator[Reading]:
        """Yield a reading of each row. Raises UserError if the file cannot be read or lacks the column."""
        if not self.field:
            return parse_lines(self.path, read_lines(self.path), self._parse_line)
        if self._is_table:
            return self._read_table()
        return parse_lines(self.path, read_lines(self.path), self._parse_object)

    def _parse_line(self, line: str) -> Seed:
        if line.lstrip().startswith('{"'):
            raise BadLineError(f"a JSON object, not a request; name its field: {REQUESTS}:{self.path}#FIELD")
        return self._create_seed("", line)

    def _parse_object(self, line: str) -> Seed:
        row = parse_object(line)
        if self.field not in row:
            raise BadLineError(f"no field {self.field!r}; available: {', '.join(row) or 'none'}")
        return self._create_seed(name_row(row.get("id")), row[self.field])

    def _read_table(self) -> Iterator[Reading]:
        with open_text(self.path) as file:
            header = file.readline()
            separator = "\t" if "\t" in header else ";" if header.count(";") > header.count(",") else ","
            columns = next(csv.reader([header.lstrip("\ufeff")], delimiter=separator), [])
            if self.field not in columns:
                raise UserError(
                    f"{self.path}: no column {self.field!r}; available: {', '.join(columns) or 'none'}",
                    field="seeds",
                )
            rows = csv.reader(file, delimiter=separator)
            try:
                for cells in rows:
                    yield self._parse_row(dict(zip(columns, cells, strict=False)), 1 + rows.line_num)
            except csv.Error as error:
                yield SeedProblem(self.name, 1 + rows.line_num, f"not a row of a table ({error})")

    def _parse_row(self, row: Mapping[str, str], number: int) -> Reading:
        cell = row.get(self.field, "")
        if not cell.strip():
            return None
        content: Any = cell
        if cell.lstrip().startswith("["):
            try:
                content = json.loads(cell)
            except ValueError:
                content = cell  # a request that begins with a bracket
        try:
            return self._create_seed(row.get("id", ""), content)
        except BadLineError as error:
            return SeedProblem(self.name, number, str(error))

    def _create_seed(self, name: str, content: object) -> Seed:
        """Return the seed of a request or a list of requests. Raises BadLineError."""
        requests = [content] if isinstance(content, str) else content
        if not isinstance(requests, list) or not requests:
            raise BadLineError("neither a request nor a list of requests")
        for request in filter(lambda request: isinstance(request, str), requests):
            require_undamaged(request)
        texts = [normalise_text(request) if isinstance(request, str) else "" for request in requests]
        if not all(texts):
            raise BadLineError(f"request {1 + texts.index('')} of {len(texts)} has no text")
        if not name and len(texts) > 1:
            name = content_hash(texts)[:_HASH_DIGITS]
        seed = make_seed(f"{REQUESTS}/{name_file(self.path)}", name, str(requests[0]))
        return replace(seed, requests=(seed.text, *texts[1:]))
