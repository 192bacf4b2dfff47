"""From a reply's text to a model, rung by rung: strict JSON, JSON with raw control characters, mended JSON.

Nothing that a reply holds raises, is executed, or leaves its field: the outcome is a value or a fault. Text
is data here; only `json`, `json_repair` and Pydantic read it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import json_repair
from pydantic import BaseModel

from copilot.designers.llm.exchange import Reply
from copilot.parse import parse_model

M = TypeVar("M", bound=BaseModel)

LONGEST_REPLY = 65_536
"""Characters of a reply that are looked at: several times what a whole dialogue takes."""

_RUNAWAY = re.compile(r"\s{200,}")
_THOUGHTS_END = "</think>"
_MOST_FAULTS = 8
_MOST_BRACKETS = 500


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a reply: a kebab-case reason, and messages for the model and for people.

    A fault that is not `correctable` is none that words could mend: the turn begins anew. `repaired` says
    whether the JSON was mended before the fault was found.
    """

    reason: str
    messages: tuple[str, ...]
    correctable: bool = True
    repaired: bool = False

    @property
    def detail(self) -> str:
        """All messages in one line."""
        return "; ".join(self.messages)


@dataclass(frozen=True, slots=True)
class Read(Generic[M]):
    """What a reply says, and whether its JSON had to be repaired."""

    value: M
    repaired: bool


def read(model: type[M], reply: Reply) -> Read[M] | Fault:
    """Read a reply as a model."""
    if fault := ending_fault(reply):
        return fault
    if not reply.text.strip():
        # Nothing can be said of it, and some servers refuse a chat with an empty message.
        return Fault("empty-reply", ("the reply is empty",), correctable=False)
    if len(reply.text) > LONGEST_REPLY:
        return Fault("reply-too-long", (f"the reply has {len(reply.text)} characters",), correctable=False)
    loaded = _loads(reply.text)
    if isinstance(loaded, Fault):
        return loaded
    content, repaired = loaded
    value = parse_model(model, json.dumps(content))
    if isinstance(value, tuple):
        said = tuple(violation.message.removeprefix(f"{model.__name__.lower()}: ") for violation in value)
        return Fault("schema", shortened(said), repaired=repaired)
    return Read(value, repaired)


def shortened(messages: tuple[str, ...]) -> tuple[str, ...]:
    """The first few messages, and how many more there are."""
    if len(messages) <= _MOST_FAULTS:
        return messages
    return (*messages[:_MOST_FAULTS], f"and {len(messages) - _MOST_FAULTS} more of the kind")


def is_truncated(reply: Reply) -> bool:
    """Whether a reply was cut at the largest number of tokens, and a larger one may help."""
    fault = ending_fault(reply)
    return fault is not None and fault.reason == "truncated"


def ending_fault(reply: Reply) -> Fault | None:
    """What is wrong with how a reply ended: only one that the model itself ended is whole."""
    if reply.finish_reason == "stop":
        return None
    if reply.finish_reason == "length":
        if _RUNAWAY.search(reply.text):
            advice = "the server's grammar should forbid white space between tokens"
            return Fault("white-space-runaway", (f"the reply ran off into white space; {advice}",), False)
        return Fault("truncated", ("the reply was cut at the largest number of tokens",), False)
    if reply.finish_reason == "context-length":
        return Fault("context-length", (reply.text,), False)
    return Fault("unfinished", (f"the server ended the reply with {reply.finish_reason!r}",), False)


def _loads(text: str) -> tuple[Any, bool] | Fault:
    """The JSON value in a text, and whether it was repaired."""
    try:
        return json.loads(text), False
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(text, strict=False), False
    except (ValueError, RecursionError) as error:
        reason = str(error)
    # A model that thinks aloud writes its reply after that.
    spoken = text.rpartition(_THOUGHTS_END)[2]
    # Mending takes the square of them, and a whole dialogue has no more than some hundred.
    n_brackets = spoken.count("{") + spoken.count("[")
    try:
        mended = json_repair.loads(spoken, skip_json_loads=True) if 0 < n_brackets < _MOST_BRACKETS else None
    except (ValueError, RecursionError):
        mended = None
    if isinstance(mended, dict):
        return mended, True
    return Fault("not-json", (f"the reply is no JSON object: {reason}",))
