"""Seeds from one text field of a JSON Lines file.

A seed's id is the row's own `id` if it is a string or a whole number, else the hash of its text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from copilot.seed import Seed
from pipelines.seeds.lines import parse_lines, read_lines
from pipelines.seeds.records import BadLineError, Reading, make_seed, name_file, name_row, parse_object


@dataclass(frozen=True, slots=True)
class JsonLines:
    """`jsonl:PATH#FIELD`: ids are `jsonl/FILENAME/ID` or `jsonl/FILENAME/HASH`."""

    path: Path
    field: str

    @property
    def name(self) -> str:
        """The file."""
        return str(self.path)

    @property
    def expects(self) -> str:
        """The expected content, for messages."""
        return f"one JSON object per line, with text in the field {self.field!r}"

    def read(self) -> Iterator[Reading]:
        """Yield a reading of each row. Raises UserError if the file cannot be read."""
        return parse_lines(self.path, read_lines(self.path), self._parse_row)

    def _parse_row(self, line: str) -> Seed:
        row = parse_object(line)
        if self.field not in row:
            raise BadLineError(f"no field {self.field!r}")
        text = row[self.field]
        if not isinstance(text, str):
            raise BadLineError(f"the field {self.field!r} is not a string")
        return make_seed(f"jsonl/{name_file(self.path)}", name_row(row.get("id")), text)
