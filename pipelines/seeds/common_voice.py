"""Seeds from Common Voice's TSV files: a header, then one row per clip; quotes are literal.

Columns are found by name, so that older files (8 columns), newer ones (with `sentence_id`, `sentence_domain`
and others) and the tables of sentences without clips are all read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from copilot.errors import UserError
from copilot.seed import Seed
from pipelines.seeds.lines import Line, parse_lines, read_lines
from pipelines.seeds.records import BadLineError, Reading, make_seed

PREFIX = "common-voice"
TEXT_COLUMN = "sentence"
PATH_COLUMN = "path"
_ID_COLUMN = "sentence_id"
_LAYOUT = (
    f"expected a table of Common Voice with tabs and the column {TEXT_COLUMN}, such as validated.tsv; "
    "hub:FOLDER#COLUMN reads tables of other forms"
)


@dataclass(frozen=True, slots=True)
class CommonVoice:
    """`common-voice:PATH.tsv`: ids are `common-voice/CLIP`, the clip's file name without its ending.

    In a table without clips they are `common-voice/SENTENCE_ID`.
    """

    path: Path
    expects = "one row per clip or sentence below the header"

    @property
    def name(self) -> str:
        """The file."""
        return str(self.path)

    def read(self) -> Iterator[Reading]:
        """Yield a reading of each row. Raises UserError if the file cannot be read or lacks a column."""
        if self.path.is_dir():
            tables = ", ".join(sorted(path.name for path in self.path.glob("*.tsv"))) or "none"
            raise UserError(
                f"{self.path} is a folder; give one of its tables (found: {tables})", field="seeds"
            )
        lines = read_lines(self.path)
        header = next(lines, None)
        if header is not None:
            yield from parse_lines(self.path, lines, self._parse_header(header).parse)

    def _parse_header(self, header: Line) -> _Table:
        if header.fault:
            raise UserError(f"{self.path}:1: {header.fault}; {_LAYOUT}", field="seeds")
        columns = header.content.split("\t")
        name_column = next((column for column in (PATH_COLUMN, _ID_COLUMN) if column in columns), None)
        if name_column is None or TEXT_COLUMN not in columns:
            lacking = TEXT_COLUMN if name_column else f"{PATH_COLUMN} or {_ID_COLUMN}"
            raise UserError(
                f"{self.path}:1: no column {lacking} in the header ({', '.join(columns)[:200]}); {_LAYOUT}",
                field="seeds",
            )
        return _Table(tuple(columns), name_column)


@dataclass(frozen=True, slots=True)
class _Table:
    """The columns of a table, and the one that names its rows."""

    columns: tuple[str, ...]
    name_column: str

    def parse(self, line: str) -> Seed:
        cells = line.split("\t")
        if len(cells) != len(self.columns):
            # A tab too many or too few shifts the cells, so that none can be trusted.
            raise BadLineError(f"number of columns is {len(cells)}, the header's is {len(self.columns)}")
        row = dict(zip(self.columns, cells, strict=True))
        given = row[self.name_column]
        name = name_clip(given) if self.name_column == PATH_COLUMN else given.strip()
        if not name:
            raise BadLineError(f"the column {self.name_column} is empty")
        return make_seed(PREFIX, name, row[TEXT_COLUMN])


def name_clip(path: str) -> str:
    """Return the name of a clip's file, without folders and ending."""
    return PurePosixPath(path.strip()).stem
