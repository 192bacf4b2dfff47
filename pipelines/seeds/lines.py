"""Read the lines of a text file, one at a time, in bounded memory.

Every line is accounted for: decoded, or reported with its fault. A line ends at a line feed, a carriage
return, or both, which the last line need not have; byte order marks at its start are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from copilot.seed import Seed
from pipelines.seeds.records import BadLineError, Reading, SeedProblem
from pipelines.seeds.text_stream import open_text

MAX_LINE_CHARS = 1 << 20

_BYTE_ORDER_MARK = "\ufeff"
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED = 0xDC00
"""A byte that is not UTF-8 is read as the lone surrogate with this number and its own."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its number from 1, and its content or else its fault."""

    number: int
    content: str = ""
    fault: str = ""


def read_lines(path: Path, field: str = "seeds") -> Iterator[Line]:
    """Yield the lines of the file. Raises as `open_text`."""
    number = 0
    with open_text(path, field) as file:
        try:
            while text := file.readline(MAX_LINE_CHARS + 1):
                number += 1
                if len(text) > MAX_LINE_CHARS and not text.endswith("\n"):
                    while (rest := file.readline(MAX_LINE_CHARS)) and not rest.endswith("\n"):
                        pass
                    yield Line(number, fault=f"longer than {MAX_LINE_CHARS:,} characters")
                    continue
                yield _check(number, text.removesuffix("\n").lstrip(_BYTE_ORDER_MARK))
        except UnicodeDecodeError as error:
            yield Line(
                number + 1, fault=f"the file ends or is damaged inside a character of {error.encoding}"
            )


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


def _check(number: int, text: str) -> Line:
    found = _SURROGATE.search(text)
    if found is None:
        return Line(number, text)
    code, before = ord(found[0]), text[: found.start()]
    if 0x80 <= code - _ESCAPED <= 0xFF:
        place = len(before.encode()) + 1
        return Line(
            number,
            fault=f"not UTF-8 (byte 0x{code - _ESCAPED:02x} at position {place}); save the file as UTF-8",
        )
    return Line(
        number, fault=f"half of a character (U+{code:04X}) at position {len(before) + 1}; save the file again"
    )
