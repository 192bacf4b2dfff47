"""Seeds from Common Voice's TSV files: a header, then one row per clip; quotes are literal.

Columns are found by name, so that older files (8 columns) and newer ones (with `sentence_id`,
`sentence_domain` and others) are both read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from copilot.errors import UserError
from copilot.seed import Seed
from pipelines.seeds.lines import Line, parse_lines, read_lines
from pipelines.seeds.records import BadLineError, Reading, make_seed

PREFIX = "common-voice"
TEXT_COLUMN = "sentence"
PATH_COLUMN = "path"
_LAYOUT = f"expected Common Voice's TSV, whose header has the columns {PATH_COLUMN} and {TEXT_COLUMN}"


@dataclass(frozen=True, slots=True)
class CommonVoice:
    """`common-voice:PATH.tsv`: ids are `common-voice/CLIP`, the clip's file name without its ending."""

    path: Path
    expects = "one row per clip below the header"

    @property
    def name(self) -> str:
        """The file."""
        return str(self.path)

    def read(self) -> Iterator[Reading]:
        """Yield a reading of each row. Raises UserError if the file cannot be read or lacks a column."""
        lines = read_lines(self.path)
        header = next(lines, None)
        if header is not None:
            yield from parse_lines(self.path, lines, partial(_parse_row, self._parse_header(header)))

    def _parse_header(self, header: Line) -> list[str]:
        if header.fault:
            raise UserError(f"{self.path}:1: {header.fault}; {_LAYOUT}", field="seeds")
        columns = header.content.split("\t")
        for needed in (PATH_COLUMN, TEXT_COLUMN):
            if needed not in columns:
                raise UserError(
                    f"{self.path}:1: no column {needed!r} in the header; {_LAYOUT}", field="seeds"
                )
        return columns


def name_clip(path: str) -> str:
    """Return the name of a clip's file, without folders and ending."""
    return PurePosixPath(path.strip()).stem


def _parse_row(columns: list[str], line: str) -> Seed:
    cells = line.split("\t")
    if len(cells) != len(columns):
        # A tab too many or too few shifts the cells, so that none can be trusted.
        raise BadLineError(f"number of columns is {len(cells)}, the header's is {len(columns)}")
    row = dict(zip(columns, cells, strict=True))
    name = name_clip(row[PATH_COLUMN])
    if not name:
        raise BadLineError(f"the column {PATH_COLUMN} is empty")
    return make_seed(PREFIX, name, row[TEXT_COLUMN])
