"""Seeds from the lines of a text file, and the sentences that come with the package.

A seed's id has the hash of its text, so that inserting or moving a line changes no other seed's id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipelines.seeds.lines import parse_lines, read_lines
from pipelines.seeds.records import Reading, make_seed, normalise_name

STARTER_FILE = Path(__file__).with_name("starter.txt")


@dataclass(frozen=True, slots=True)
class TextFile:
    """`text:PATH`: ids are `text/FILENAME/HASH`."""

    path: Path
    expects = "one sentence per line, in UTF-8"

    @property
    def name(self) -> str:
        """The file."""
        return str(self.path)

    def read(self) -> Iterator[Reading]:
        """Yield a reading of each line. Raises UserError if the file cannot be read."""
        parse = partial(make_seed, f"text/{normalise_name(self.path.name)}", "")
        return parse_lines(self.path, read_lines(self.path), parse)


@dataclass(frozen=True, slots=True)
class Starter:
    """`starter`: the sentences of the package; ids are `starter/HASH`."""

    name = "starter"
    expects = TextFile.expects

    def read(self) -> Iterator[Reading]:
        """Yield a seed for each sentence."""
        return parse_lines(STARTER_FILE, read_lines(STARTER_FILE), partial(make_seed, "starter", ""))
