"""The wording of faults of the schema: the path to the field, what is wrong, the given value."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

SCHEMA_RULE = "schema"
"""The rule's name. It stands outside the registry, since it is checked before there is a dialogue."""

SCHEMA_MEANING = "What the designer replies is JSON of the published schema."

# pydantic puts the member of a union that it tried into the path; it is not part of the data.
_UNION_TAGS = frozenset({"sfx", "tts", "add", "remove", "change", "replace"})
_ROLE_TAGS = frozenset({"ambience", "effect", "music", "speech"})
_LONGEST_INPUT = 40


def schema_faults(error: ValidationError) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield each fault of a validation as (path, message), the path without the tags of unions."""
    for fault in error.errors(include_url=False, include_context=False):
        parts = zip(fault["loc"], (None, *fault["loc"]), strict=False)
        path = tuple(part for part, before in parts if not _is_tag(part, before))
        yield path, _message(path, fault)


def _is_tag(part: str | int, before: str | int | None) -> bool:
    # A role is a field's name as well, but never right after an index or a field that holds one sound.
    return part in _UNION_TAGS or (part in _ROLE_TAGS and (isinstance(before, int) or before == "sound"))


def _message(path: tuple[str | int, ...], fault: ErrorDetails) -> str:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")
    what = fault["msg"][:1].lower() + fault["msg"][1:]
    given = _given(fault["input"]) if fault["type"] != "missing" else ""
    return f"{where}: {what}{given}" if where else f"{what}{given}"


def _given(value: object) -> str:
    if not isinstance(value, str | int | float | None):
        return ""
    shown = repr(value)
    return f", not {shown if len(shown) <= _LONGEST_INPUT else shown[:_LONGEST_INPUT] + '...'}"
