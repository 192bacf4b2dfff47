"""Read the lines of a file, one at a time, in bounded memory.

Every line is accounted for: decoded, or reported with its fault. A line ends at a line feed, which the last
line need not have; a carriage return before it and a byte order mark at the start are dropped.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from copilot.errors import UserError
from copilot.seed import Seed
from pipelines.seeds.records import BadLineError, Reading, SeedProblem

MAX_LINE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its number from 1, and its content or else its fault."""

    number: int
    content: str = ""
    fault: str = ""


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of the file. Raises UserError if the file cannot be read."""
    try:
        with path.open("rb") as file:
            number = 0
            while raw := file.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(raw) > MAX_LINE_BYTES and not raw.endswith(b"\n"):
                    while (rest := file.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                        pass
                    yield Line(number, fault=f"longer than {MAX_LINE_BYTES:,} bytes")
                    continue
                yield _decode(number, raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw)
    except FileNotFoundError as error:
        raise UserError(f"no file {path}; check the path", field="seeds") from error
    except IsADirectoryError as error:
        raise UserError(f"{path} is a folder; give a file", field="seeds") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; check the file", field="seeds") from error


def parse_lines(path: Path, lines: Iterable[Line], parse: Callable[[str], Seed]) -> Iterator[Reading]:
    """Yield what `parse` returns for each line; it raises BadLineError for a line that gives no seed."""
    for line in lines:
        if line.fault:
            yield SeedProblem(str(path), line.number, line.fault)
        elif not line.content or line.content.isspace():
            yield None
        else:
            try:
                yield parse(line.content)
            except BadLineError as error:
                yield SeedProblem(str(path), line.number, str(error))


def _decode(number: int, raw: bytes) -> Line:
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    try:
        return Line(number, raw.decode())
    except UnicodeDecodeError as error:
        return Line(number, fault=f"not UTF-8 (byte 0x{raw[error.start]:02x} at position {error.start + 1})")
