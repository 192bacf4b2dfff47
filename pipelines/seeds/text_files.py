"""Seeds from the lines of a text file, and the sentences that come with the package.

A seed's id has the hash of its text, so that inserting or moving a line changes no other seed's id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from copilot.seed import STARTER_SEEDS
from pipelines.seeds.lines import Line, parse_lines, read_lines
from pipelines.seeds.records import Reading, make_seed, name_file

_BREAKS = re.compile("[\v\f\x85\u2028\u2029]")
"""Ends of lines in Unicode besides CR and LF; in tables and JSON they are white space."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """`text:PATH`: ids are `text/FILENAME/HASH`."""

    path: Path
    expects = "one sentence per line"

    @property
    def name(self) -> str:
        """The file."""
        return str(self.path)

    def read(self) -> Iterator[Reading]:
        """Yield a reading of each line. Raises UserError if the file cannot be read."""
        parse = partial(make_seed, f"text/{name_file(self.path)}", "")
        return parse_lines(self.path, _break_lines(read_lines(self.path)), parse)


@dataclass(frozen=True, slots=True)
class Starter:
    """`starter`: the sentences of the package; ids are `starter/HASH`."""

    name = "starter"
    expects = TextFile.expects

    def read(self) -> Iterator[Reading]:
        """Yield a seed for each sentence."""
        return parse_lines(STARTER_SEEDS, read_lines(STARTER_SEEDS), partial(make_seed, "starter", ""))


def _break_lines(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield each line in its parts, which share its number: editors count ends of lines differently."""
    for line in lines:
        for part in _BREAKS.split(line.content):
            yield replace(line, content=part)
