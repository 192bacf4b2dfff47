"""The tests' own server keeps the schemas that it is given, and answers the same each time."""

from __future__ import annotations

import json
from random import Random

import jsonschema
import pytest
from helpers.fake_llm import (
    CONTROL_CHARACTERS,
    EXTRA_KEY,
    FENCED,
    SINGLE_QUOTES,
    TRAILING_COMMAS,
    WRONG_TYPE,
    ReplyFault,
)
from helpers.fake_schema import UnknownSchemaError, draw, fenced_schema

LETTER = r'[^\x00-\x20"\\\x7f]'
SCHEMA = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "pattern": f"^{LETTER}({LETTER}* {LETTER}){{0,19}}{LETTER}*$"},
        "one": {"type": "string", "pattern": f"^{LETTER}({LETTER}* {LETTER}){{0,0}}{LETTER}*$"},
        "tool": {"const": "sfx"},
        "role": {"enum": ["effect", "music"]},
        "speaker": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/name"}]},
        "loudness": {"type": "number", "minimum": -30, "maximum": -10},
        "slots": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 4}, "minItems": 2},
        "loud": {"type": "boolean"},
    },
    "required": ["text", "one", "tool", "role", "speaker", "loudness", "slots", "loud"],
    "additionalProperties": False,
    "$defs": {"name": {"type": "string", "maxLength": 12}},
}


def test_what_is_drawn_keeps_its_schema() -> None:
    for number in range(200):
        value = draw(SCHEMA, Random(number))
        jsonschema.validate(value, SCHEMA)
        assert 2 <= len(value["text"].split()) <= 8
        assert len(value["one"].split()) == 1
        assert value == draw(SCHEMA, Random(number))
    assert len({json.dumps(draw(SCHEMA, Random(number))) for number in range(200)}) == 200


def test_a_keyword_that_is_not_known_is_refused() -> None:
    with pytest.raises(UnknownSchemaError, match="multipleOf"):
        draw({"type": "number", "multipleOf": 0.1}, Random(0))


def test_the_last_schema_that_stands_in_a_chat_is_found() -> None:
    first, last = {"type": "object"}, {"anyOf": [{"type": "null"}]}
    texts = [
        f"```json\n{json.dumps(first)}\n``` or\n```json\n{json.dumps(last)}\n```",
        '```json\n{"a": 1}\n```',
    ]
    assert fenced_schema(texts) == last
    assert fenced_schema(["no schema here"]) is None


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (CONTROL_CHARACTERS, '{"a": "b\n\t", "c": [1]}'),
        (SINGLE_QUOTES, "{'a': 'b', 'c': [1]}"),
        (TRAILING_COMMAS, '{"a": "b", "c": [1,],}'),
        (WRONG_TYPE, '{"a": ["not", "a", "text"], "c": [1]}'),
        (EXTRA_KEY, '{"a": "b", "c": [1], "unasked": 1}'),
        (
            FENCED,
            'Here is the JSON:\n```json\n{\n  "a": "b",\n  "c": [\n    1\n  ]\n}\n```\nEnjoy!',
        ),
    ],
)
def test_a_reply_is_broken_as_told(fault: ReplyFault, said: str) -> None:
    assert fault.say({"a": "b", "c": [1]}) == said
