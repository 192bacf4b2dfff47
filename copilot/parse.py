"""JSON text parsed to models, or to violations of the schema. No text raises an error.

Each violation names the path to the field, what is wrong with it, and the given value; if the path leads
through a turn or an element, the turn's index and the element's id as well.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from copilot.dialogue import Dialogue
from copilot.rules.rule import Violation, describe_position
from copilot.rules.schema import SCHEMA_RULE, schema_faults

M = TypeVar("M", bound=BaseModel)


def parse_dialogue(raw: str | bytes) -> Dialogue | tuple[Violation, ...]:
    """Return the dialogue that the JSON holds, or the violations of the schema."""
    return parse_model(Dialogue, raw)


def parse_model(model: type[M], raw: str | bytes) -> M | tuple[Violation, ...]:
    """Return the model that the JSON holds, or at least one violation of the schema."""
    if (
        isinstance(raw, str)
        and not raw.isascii()
        and any("\ud800" <= character <= "\udfff" for character in raw)
    ):
        # Half a character is a fault of the text like any other; pydantic finds it in bytes.
        raw = raw.encode("utf-8", "surrogatepass")
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        return _list_violations(error, raw, model.__name__.lower())


def _list_violations(error: ValidationError, raw: str | bytes, whole: str) -> tuple[Violation, ...]:
    try:
        data = from_json(raw)
    except ValueError:  # not JSON: there is no path to follow
        data = None
    found = []
    for path, message in schema_faults(error):
        turn, element_id = _locate(data, path)
        text = f"{describe_position(turn, element_id, whole)}: {message}"
        found.append(Violation(SCHEMA_RULE, "fatal", turn, element_id, text))
    return tuple(found)


def _locate(data: Any, path: tuple[str | int, ...]) -> tuple[int | None, int | None]:  # noqa: ANN401 - any JSON
    """Return the turn's index and the innermost id on the path to a fault, or None for each."""
    turn: int | None = None
    element_id: int | None = None
    for depth, part in enumerate(path):
        if isinstance(part, int) and path[:depth] == ("turns",):
            turn = part
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(data, dict) and type(data.get("id")) is int:
            element_id = data["id"]
    return turn, element_id
