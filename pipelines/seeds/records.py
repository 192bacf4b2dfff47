"""A reading of one line of a source, and the rules for its text and id.

Text is NFC with single spaces, without control, format or surrogate characters: it prints on one line and
encodes as UTF-8. A text whose characters show that its file was converted wrongly is no seed: cleaning it
would give other words. Ids have no white space and depend on content alone, never on a line's number or a
folder.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copilot.seed import Seed

_REMOVED_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})
_JOINERS = frozenset("\u200c\u200d")  # they change how letters and emoji are read, so they are text
_BYTE_ORDER_MARK = "\ufeff"  # inside a text it stands where two files were joined, so between words
_COMPRESSIONS = frozenset({".gz", ".bz2", ".xz"})
_HASH_DIGITS = 16  # 64 bits: one chance in a million that six million texts share an id

_DAMAGE = {
    "\0": "a binary file, or text in UTF-16",
    "\x1b": "text in ISO-2022, or colours of a terminal",
    "\ufffd": "a character that an earlier conversion lost",
}
"""Characters that no text has, and what they come from; control characters of Latin-1 besides."""

_DAMAGED = re.compile(f"[{''.join(_DAMAGE)}\x80-\x84\x86-\x9f\udc80-\udcff]")
_WRONG_LATIN = "text in Windows-1252 that was read as Latin-1"
_BYTES = 0xDC00
"""A byte that is not UTF-8 is read as the half of a character with this number and its own."""


@dataclass(frozen=True, slots=True)
class SeedProblem:
    """The reason why a line gave no seed. `line` counts from 1; None if no single line is at fault."""

    file: str
    line: int | None
    what: str

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.what}"


Reading = Seed | SeedProblem | None
"""The result of reading one line; None stands for a blank line."""


class BadLineError(ValueError):
    """A line gives no seed; the message says why."""


def normalise_text(text: str) -> str:
    """Return the text in NFC, without control characters, with single spaces and none at the ends."""
    text = text.replace(_BYTE_ORDER_MARK, " ")
    if not text.isprintable():
        text = "".join(char for char in text if _is_text(char))
    return " ".join(unicodedata.normalize("NFC", text).split())


def normalise_name(name: str) -> str:
    """Return a name as a part of an id: normalised, with `_` for white space. May be empty."""
    return normalise_text(name).replace(" ", "_")


def name_file(path: Path) -> str:
    """Return a file's name as a part of an id: compressed, a file holds the same seeds."""
    return normalise_name(path.stem if path.suffix.lower() in _COMPRESSIONS else path.name)


def make_seed(prefix: str, name: str, text: str) -> Seed:
    """Return the seed `PREFIX/NAME`, or `PREFIX/HASH` of its text if the name is empty.

    Raises BadLineError if the text is empty, or damaged by a conversion.
    """
    require_undamaged(text)
    text, part = normalise_text(text), normalise_name(name)
    if not text:
        raise BadLineError(f"the id {part} has no text" if part else "no text")
    if not part:
        part = hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]
    return Seed(id=f"{prefix}/{part}", text=text)


def require_undamaged(text: str) -> None:
    """Raise BadLineError for a text with characters that only a wrong conversion gives."""
    if damage := _DAMAGED.search(text):
        place, code = f"at character {damage.start() + 1}", ord(damage[0])
        if _BYTES < code <= _BYTES + 0xFF:
            raise BadLineError(
                f"has the byte 0x{code - _BYTES:02x} {place}, which is not UTF-8; save it as UTF-8"
            )
        cause = _DAMAGE.get(damage[0], _WRONG_LATIN)
        raise BadLineError(
            f"has U+{code:04X} {place}, which comes from {cause}; save the file again as UTF-8"
        )


def parse_object(line: str) -> dict[str, Any]:
    """Return the JSON object of a line. Raises BadLineError if it is not one."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadLineError(f"not JSON ({error})") from error
    if not isinstance(row, dict):
        raise BadLineError("not a JSON object")
    return row


def name_row(value: object) -> str:
    """Return a row's `id` field as a name: a string or a whole number; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)


def _is_text(char: str) -> bool:
    return char.isspace() or char in _JOINERS or unicodedata.category(char) not in _REMOVED_CATEGORIES
