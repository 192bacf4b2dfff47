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


@dataclass(frozen=True, slots=True)
class KeywordTrial:
    """A keyword, a schema with it, and a reply that is requested though the schema forbids it."""

    keyword: str
    schema: Mapping[str, Any]
    forbidden: str

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
    return (
        KeywordTrial("enum", _answer(_YES_OR_NO), '{"answer":"maybe"}'),
        KeywordTrial("const", _answer({"const": "yes"}), '{"answer":"no"}'),
        KeywordTrial("minimum", _answer({"type": "integer", "minimum": 10, "maximum": 99}), '{"answer":5}'),
        KeywordTrial("maximum", _answer({"type": "integer", "minimum": 10, "maximum": 99}), '{"answer":555}'),
        KeywordTrial("pattern", _answer(text), '{"answer":"one\\\\ntwo"}'),
        KeywordTrial("minItems", _answer(words | {"minItems": 2, "maxItems": 3}), '{"answer":["yes"]}'),
        KeywordTrial(
            "maxItems",
            _answer(words | {"minItems": 2, "maxItems": 3}),
            '{"answer":["yes","no","yes","no","yes","no"]}',
        ),
        KeywordTrial("anyOf", _answer({"anyOf": branches}), '{"answer":{"op":"three"}}'),
        KeywordTrial("additionalProperties", _answer(_YES_OR_NO), '{"answer":"yes","reason":"no"}'),
        KeywordTrial(
            "order of keys", _object(first=_YES_OR_NO, second=_YES_OR_NO), '{"second":"no","first":"yes"}'
        ),
    )
