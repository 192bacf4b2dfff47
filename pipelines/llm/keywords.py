"""Trials that show which JSON Schema keywords of our grammars a server's grammar engine enforces.

Each trial asks in words for something that the keyword forbids: a server that lets it through does not
enforce the keyword.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from copilot.designers.llm.grammar import GrammarBook
from copilot.scene import SceneLimits

_YES_OR_NO = {"enum": ["yes", "no"]}
_BOUNDS = "ids and turns may be out of range with --mode whole; other numbers are lists"


@dataclass(frozen=True, slots=True)
class KeywordTrial:
    """A keyword, a schema with it, and a reply that is requested though the schema forbids it.

    `consequence` is what follows for dialogues if a server ignores the keyword.
    """

    keyword: str
    schema: Mapping[str, Any]
    forbidden: str
    consequence: str

    @property
    def request(self) -> str:
        """The words that request the forbidden reply."""
        return f"Reply with exactly this JSON, without changing anything:\n{self.forbidden}"

    def is_kept(self, text: str) -> bool:
        """Return if a reply keeps the schema, the order of its keys included."""
        try:
            value = json.loads(text, object_pairs_hook=_reject_repeated_keys)
        except ValueError:
            return False
        if not Draft202012Validator(self.schema).is_valid(value):
            return False
        return list(value) == [name for name in self.schema["properties"] if name in value]


def _reject_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(names := [name for name, _ in pairs]) != len(set(names)):
        raise ValueError("a key twice")
    return dict(pairs)


def _answer(schema: Mapping[str, Any]) -> dict[str, Any]:
    return _object(answer=schema)


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    closed = {"required": list(properties), "additionalProperties": False}
    return {"type": "object", "properties": properties, **closed}


def keyword_trials() -> tuple[KeywordTrial, ...]:
    """Return a trial for each keyword in the grammars."""
    text = GrammarBook(SceneLimits()).story(speech=False).schema["properties"]["user"]
    words = {"type": "array", "items": _YES_OR_NO}
    branches = [_object(op={"const": op}) for op in ("one", "two")]
    bounded = {"type": "integer", "minimum": 10, "maximum": 99}
    two_or_three = words | {"minItems": 2, "maxItems": 3}
    ordered = _object(first=_YES_OR_NO, second=_YES_OR_NO)
    return (
        KeywordTrial(
            "enum",
            _answer(_YES_OR_NO),
            '{"answer":"maybe"}',
            "loudness, panning, times and slots may be any number: nearly every turn needs corrections",
        ),
        KeywordTrial(
            "const",
            _answer({"const": "yes"}),
            '{"answer":"no"}',
            "operations may be of another kind than the task: more corrections",
        ),
        KeywordTrial("minimum", _answer(bounded), '{"answer":5}', _BOUNDS),
        KeywordTrial("maximum", _answer(bounded), '{"answer":555}', _BOUNDS),
        KeywordTrial(
            "pattern",
            _answer(text),
            '{"answer":"one\\\\ntwo"}',
            "texts may be of any length and hold line breaks: more corrections and truncated replies",
        ),
        KeywordTrial(
            "minItems",
            _answer(two_or_three),
            '{"answer":["yes"]}',
            "scenes may have too few sounds, and edits no operation: more corrections",
        ),
        KeywordTrial(
            "maxItems",
            _answer(two_or_three),
            '{"answer":["yes","no","yes","no","yes","no"]}',
            "lists may go on until the last token: truncated replies",
        ),
        KeywordTrial(
            "anyOf",
            _answer({"anyOf": branches}),
            '{"answer":{"op":"three"}}',
            "sounds and operations may have any form: more corrections",
        ),
        KeywordTrial(
            "additionalProperties",
            _answer(_YES_OR_NO),
            '{"answer":"yes","reason":"no"}',
            "replies may have more fields than they should: more corrections",
        ),
        KeywordTrial(
            "order of keys",
            ordered,
            '{"second":"no","first":"yes"}',
            "the model may write a description before the sounds that it describes: weaker descriptions",
        ),
    )
