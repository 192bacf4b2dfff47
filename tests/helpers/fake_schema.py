"""Draws an instance of a JSON Schema, of the keywords that constrained decoding knows.

The same schema and the same generator give the same instance. A keyword that is not known raises
UnknownSchemaError, as a server with a grammar engine answers 400.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

Schema = Mapping[str, Any]

_VOCABULARY = (
    "amber autumn barrel bell bird bottle branch breeze bridge bucket candle carriage cellar chair chimney "
    "church clock cloud coat cottage cup curtain distant door drum dusty early engine evening faint farm "
    "fence field fire floor forest garden gate gentle glass gravel harbour heavy hill horse house kettle "
    "kitchen ladder lamp leaves lively market meadow mill morning narrow ocean old paper piano pine quiet "
    "rain river road roof rope sand shore silver slow soft steam stone street summer table thunder train "
    "valley violin voice wagon warm water wave wheel wind window winter wooden yard"
)
WORDS = tuple(_VOCABULARY.split())

_WORD_LIMIT = re.compile(r"\)\{0,(\d+)\}")
_FENCED = re.compile(r"```json\s*\n(.*?)```", re.DOTALL)
_TYPES = ("object", "array", "string", "boolean", "integer", "number", "null")
_KNOWN = {
    *("type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "pattern"),
    *("minLength", "maxLength", "minimum", "maximum", "enum", "const", "anyOf", "$ref", "$defs"),
    *("title", "description", "default"),
}


class UnknownSchemaError(ValueError):
    """A schema that no instance can be drawn from."""


def draw(schema: Schema, rng: Random, root: Schema | None = None) -> Any:
    """Draw an instance. Optional properties are present every other time."""
    root = schema if root is None else root
    unknown = sorted(set(schema) - _KNOWN)
    if unknown:
        raise UnknownSchemaError(f"schema: keywords {unknown} are not supported")
    if "$ref" in schema:
        return draw(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], rng, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if "anyOf" in schema:
        return draw(rng.choice(schema["anyOf"]), rng, root)
    return _draw_typed(schema, rng, root)


def _draw_typed(schema: Schema, rng: Random, root: Schema) -> Any:
    kind = schema.get("type")
    match rng.choice(kind) if isinstance(kind, list) else kind:
        case "object":
            required = schema.get("required", ())
            items = schema.get("properties", {}).items()
            return {k: draw(s, rng, root) for k, s in items if k in required or rng.random() < 0.5}
        case "array":
            least = schema.get("minItems", 0)
            length = rng.randint(least, schema.get("maxItems", least + 3))
            return [draw(schema["items"], rng, root) for _ in range(length)]
        case "string":
            return _draw_text(schema, rng)
        case "boolean":
            return rng.random() < 0.5
        case "integer":
            return rng.randint(schema.get("minimum", 0), schema.get("maximum", 99))
        case "number":
            low, high = schema.get("minimum", 0.0), schema.get("maximum", 99.0)
            return min(max(round(rng.uniform(low, high), 2), low), high)
        case "null":
            return None
        case other:
            raise UnknownSchemaError(f"schema: type {other!r} is not supported")


def _draw_text(schema: Schema, rng: Random) -> str:
    pattern = schema.get("pattern")
    n_most = 8
    if pattern is not None:
        limit = _WORD_LIMIT.search(pattern)
        if limit is None:
            raise UnknownSchemaError(f"schema: pattern {pattern!r} is not of the form ^A(D* D){{0,N}}D*$")
        n_most = min(8, int(limit[1]) + 1)
    text = " ".join(rng.choices(WORDS, k=rng.randint(min(2, n_most), n_most)))
    if pattern is not None and not re.search(pattern, text):
        raise UnknownSchemaError(f"schema: {text!r} does not keep the pattern {pattern!r}")
    return text[: schema.get("maxLength", len(text))].ljust(schema.get("minLength", 0), "a")


def fenced_schema(texts: Iterable[str]) -> Schema | None:
    """The last fenced block of JSON that holds a JSON Schema, or None."""
    found: Schema | None = None
    for text in texts:
        for block in _FENCED.findall(text):
            try:
                value = json.loads(block)
            except ValueError:
                continue
            if isinstance(value, dict) and _is_schema(value):
                found = value
    return found


def _is_schema(value: dict[str, Any]) -> bool:
    return value.get("type") in _TYPES or "anyOf" in value or "$ref" in value
