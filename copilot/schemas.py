"""The published JSON Schemas, generated from the models."""

from __future__ import annotations

import json
import sys
from typing import Any

from pydantic import TypeAdapter

from copilot.dialogue import Dialogue, Turn
from copilot.edit import Operation
from copilot.errors import UserError
from copilot.hashing import content_hash
from copilot.scene import Element, Scene, SceneLimits

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MODELS: dict[str, Any] = {
    "dialogue": Dialogue,
    "element": Element,
    "operation": Operation,
    "scene": Scene,
    "scene-limits": SceneLimits,
    "turn": Turn,
}
NAMES = tuple(_MODELS)
"""The names under which schemas are published."""


def schema(name: str) -> dict[str, Any]:
    """Return one of the published schemas.

    Raises KeyError for a name that is not in `NAMES`, UserError if Python has dropped docstrings, which
    describe the models in the schemas.
    """
    if sys.flags.optimize > 1:
        raise UserError("Python runs with -OO, which drops texts of the schemas; use -O, or PYTHONOPTIMIZE=1")
    return {"$schema": _DIALECT, **TypeAdapter(_MODELS[name]).json_schema()}


def schema_text(name: str) -> str:
    """Return a schema as the text of its file."""
    return json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"


def schema_hashes() -> dict[str, str]:
    """Return the content hash of every published schema, by name."""
    return {name: content_hash(schema(name)) for name in NAMES}
