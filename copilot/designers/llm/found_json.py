"""The JSON object of a reply, in whatever the model wrote around it.

Rung by rung: JSON as it is; the object in lists, other objects, thoughts or prose; mended JSON. Text is data
here: only `json` and `json_repair` read it. A text that was cut off is not mended: nobody knows its end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import json_repair

_THOUGHTS_END = re.compile(
    r"</(?:think|thinking|thoughts?|reasoning|analysis)>|\[/THINK\]|<\|message\|>", re.IGNORECASE
)
_MOST_BRACKETS = 500
_MOST_WRAPPERS = 3
_DECODER = json.JSONDecoder(strict=False)
_MARKDOWN = "` \t\r\n"


class NoJsonError(ValueError):
    """A text without a whole JSON object. `reason` is kebab-case."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def find_json(text: str, keys: frozenset[str]) -> tuple[Any, bool]:
    """Return the JSON value in a text, and whether it had to be mended or taken out of something.

    The value is the object that has some of the keys, if there is one. Raises NoJsonError.
    """
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        return _find_in_words(text, keys, str(error)), True
    inner = _unwrap(value, keys)
    return inner, inner is not value


def _find_in_words(text: str, keys: frozenset[str], reason: str) -> Any:  # noqa: ANN401 - JSON may be anything
    # A model that writes its thoughts puts the reply after them.
    answer = _THOUGHTS_END.split(text)[-1]
    # The time to mend grows with their square, and a whole dialogue has about a hundred.
    if 0 < answer.count("{") + answer.count("[") < _MOST_BRACKETS:
        for value in _whole_objects(answer):
            inner = _unwrap(value, keys)
            if keys <= inner.keys():
                return inner
        if _is_cut_off(answer):
            raise NoJsonError("cut-off", "the reply ends in the middle; it has to be whole")
        try:
            mended = _unwrap(json_repair.loads(answer, skip_json_loads=True), keys)
        except (ValueError, RecursionError):
            mended = None
        if isinstance(mended, dict):
            return mended
    raise NoJsonError("not-json", f"the reply is no JSON object: {reason}")


def _whole_objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the objects that are whole, one after another; of those inside a broken one, each."""
    start = text.find("{")
    while start >= 0:
        try:
            value, start = _DECODER.raw_decode(text, start)
            yield value
        except (ValueError, RecursionError):
            start += 1
        start = text.find("{", start)


def _unwrap(value: Any, keys: frozenset[str]) -> Any:  # noqa: ANN401 - JSON may be anything
    """Return the object with some of the keys that is all there is in the lists and objects around it."""
    inner = value
    for _ in range(_MOST_WRAPPERS):
        if isinstance(inner, dict) and not keys.isdisjoint(inner):
            return inner
        parts = inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ()
        nested = [part for part in parts if isinstance(part, dict | list)]
        if len(nested) != 1:
            return value
        inner = nested[0]
    return inner if isinstance(inner, dict) and not keys.isdisjoint(inner) else value


def _is_cut_off(text: str) -> bool:
    """Return whether a text ends inside its first object, and not just behind a text or a bracket."""
    depth, in_text, escaped = 0, False, False
    for character in text[text.find("{") :]:
        if in_text:
            in_text = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_text = True
        else:
            depth += (character in "{[") - (character in "}]")
            if depth == 0:
                return False
    last = text.rstrip(_MARKDOWN)[-1:]
    return last not in {"}", "]", '"', "'"} or (in_text and last == '"')
