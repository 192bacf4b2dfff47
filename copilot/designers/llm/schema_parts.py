"""Parts of the JSON Schemas of replies, in keywords that grammar engines enforce."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

LAST_WORD_LETTERS = 24
"""The most letters of a text's last word."""
# No text holds a character that JSON has to escape. Beyond ASCII a grammar allows all characters or none:
# engines take three times as long to prepare a class that excludes some of them.
_FIRST = r"[^\x00-\x2f:-@\[-`{-\x7f]"
_ASCII_FIRST = "[0-9A-Za-z]"
_MOST_WORDS = re.compile(r"\)\{0,(\d+)\}")
_CHARS_PER_WORD = 8
"""With the space. English words have about 6, so that a text with many long words is covered too."""
_CHARS_PER_TOKEN = 2
"""English and JSON have 3 to 4, in compact JSON; white space may be added."""
_LETTER = r'[^\x00-\x20"\\\x7f]'
_ASCII_LETTER = r"[!#-\[\]-~]"


def make_object(**properties: Schema) -> dict[str, Any]:
    """Return the schema of an object with these properties, all of them and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def make_operation(op: str, **properties: Schema) -> dict[str, Any]:
    """Return the schema of an operation."""
    return make_object(op={"const": op}, **properties)


def make_array(items: Schema, fewest: int, most: int) -> dict[str, Any]:
    """Return the schema of a list of so many items."""
    return {"type": "array", "items": items, "minItems": fewest, "maxItems": most}


def make_any_of(options: Sequence[Schema]) -> Schema:
    """Return the schema of one of the options."""
    return options[0] if len(options) == 1 else {"anyOf": list(options)}


def make_choice(values: Iterable[float]) -> dict[str, Any]:
    """Return the schema of one of the numbers."""
    return {"enum": [shorten(value) for value in values]}


def shorten(value: float) -> float:
    """Return the value so that JSON has it without needless digits: 8, not 8.0."""
    return int(value) if value == int(value) else value


def make_words(most: int, *, ascii_only: bool) -> dict[str, Any]:
    """Return the schema of words with single spaces between them, the first of which starts with a letter.

    So no reply can run off into white space. Only the last word has a longest length, so that a text of the
    most words has to end: engines prepare a state for each letter of each word that has a longest length, and
    take ten times as long.
    """
    first, letter = (_ASCII_FIRST, _ASCII_LETTER) if ascii_only else (_FIRST, _LETTER)
    words = f"({letter}* {letter}){{0,{most - 1}}}"
    return {"type": "string", "pattern": f"^{first}{words}{letter}{{0,{LAST_WORD_LETTERS - 1}}}$"}


def estimate_tokens(schema: Schema) -> int:
    """Estimate the tokens of the longest reply in English that a schema of these parts allows."""
    return _count_chars(schema) // _CHARS_PER_TOKEN


def _count_chars(schema: Schema) -> int:
    """Return the characters of the longest value, with commas."""
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return max(len(json.dumps(value)) for value in values) + 1
    if "anyOf" in schema:
        return max(map(_count_chars, schema["anyOf"]))
    if schema["type"] == "object":
        return 3 + sum(
            len(json.dumps(name)) + 1 + _count_chars(one) for name, one in schema["properties"].items()
        )
    if schema["type"] == "array":
        return 3 + int(schema["maxItems"]) * _count_chars(schema["items"])
    if schema["type"] == "integer":
        return len(str(schema["maximum"])) + 1
    words = _MOST_WORDS.search(schema["pattern"])
    return 3 + _CHARS_PER_WORD * (1 + int(words[1]) if words else 1)
