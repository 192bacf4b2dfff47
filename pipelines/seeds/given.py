"""Dialogues and scenes that a user gives as JSON: each is a seed that brings its dialogue.

A file in JSON Lines has one on each line. A file of another layout (`.json`, an array, printed over several
lines) is read as a whole. What cannot be used is a seed as well, so that it becomes a reject.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from copilot.seed import Given, Seed
from pipelines.seeds.lines import Line, read_lines
from pipelines.seeds.records import name_row, normalise_name, normalise_text

_BETWEEN = re.compile(r"[\s,\]]*")


@dataclass(frozen=True, slots=True)
class GivenFile:
    """`given:FILE`: ids are those of the dialogues, or `given/FILENAME/LINE`."""

    path: Path
    expects = "JSON objects of the schema `dialogue` or `scene`, one per line or in an array"

    @property
    def name(self) -> str:
        """The file."""
        return str(self.path)

    def read(self) -> Iterator[Seed]:
        """Yield a seed for each dialogue, in the order of the file. Raises UserError if it cannot be read."""
        first_lines: dict[str, str] = {}
        for line, given in self._read_texts():
            seed = self._create_seed(line, given)
            if seed.id in first_lines:
                what = f"the id {seed.id} is that of line {first_lines[seed.id]} already"
                refused = replace(given, reason="duplicate-id", fault=what)
                seed = Seed(self._name(line), "", given=refused)
            first_lines[seed.id] = line
            yield seed

    def _read_texts(self) -> Iterator[tuple[str, Given]]:
        """Yield the text of each dialogue with the number of its line: `3`, or `3.2` for the second there."""
        lines = (line for line in read_lines(self.path, "designer") if line.fault or line.content.strip())
        first = next(lines, None)
        if first is None:
            return
        if (
            self.path.suffix == ".json"
            or first.content.lstrip().startswith("[")
            or first.content.strip() == "{"
        ):
            yield from self._read_document(first, lines)
            return
        for line in itertools.chain((first,), lines):
            yield str(line.number), self._to_given(line)

    def _to_given(self, line: Line) -> Given:
        place = f"{self.path.name}:{line.number}"
        return Given(place, line.content, "not-text" if line.fault else "", line.fault)

    def _read_document(self, first: Line, lines: Iterator[Line]) -> Iterator[tuple[str, Given]]:
        """Yield the values of a file that is read as a whole, up to the first that is not JSON."""
        text, end_line = "", 0
        for line in (first, *lines):
            if line.fault:
                yield str(line.number), self._to_given(line)
                return
            # Blank lines were left out: each line keeps its number.
            text += "\n" * (line.number - max(end_line, 1)) + line.content
            end_line = line.number
        at = len(text) - len(text.lstrip())
        at = _skip(text, at + text.startswith("[", at))
        decoder = json.JSONDecoder()
        counts: Counter[int] = Counter()
        while at < len(text):
            number = text.count("\n", 0, at) + 1
            counts[number] += 1
            name = str(number) if counts[number] == 1 else f"{number}.{counts[number]}"
            place = f"{self.path.name}:{name}"
            try:
                _, end = decoder.raw_decode(text, at)
            except (ValueError, RecursionError) as error:
                yield name, Given(place, text[at:], "not-json", f"not JSON: {error}")
                return
            yield name, Given(place, text[at:end])
            at = _skip(text, end)

    def _create_seed(self, line: str, given: Given) -> Seed:
        """Return the seed of a text: its id and text are the object's own, if it has some."""
        try:
            content = json.loads(given.text)
        except (ValueError, RecursionError):
            content = None
        if isinstance(content, dict) and isinstance(content.get("dialogue"), dict):
            content = content["dialogue"]
        fields = content if isinstance(content, dict) else {}
        # The `id` of a row of a data set is that of the sample.
        own = name_row(fields.get("seed_id")) or ("" if "turns" in fields else name_row(fields.get("id")))
        text = fields.get("seed_text")
        seed_text = normalise_text(text) if isinstance(text, str) else ""
        return Seed(normalise_name(own) or self._name(line), seed_text, given=given)

    def _name(self, line: str) -> str:
        return f"given/{normalise_name(self.path.name)}/{line}"


def _skip(text: str, at: int) -> int:
    """Return where the next value begins: behind white space, and the marks of an array."""
    found = _BETWEEN.match(text, at)
    return found.end() if found else at
