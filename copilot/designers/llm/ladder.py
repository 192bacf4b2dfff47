"""Reads a reply as a model: its ending, the JSON object in its text, and the object's form.

Nothing in a reply raises, is executed, or leaves its field: the outcome is a value or a fault.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel

from copilot.designers.llm.exchange import Reply
from copilot.designers.llm.found_json import NoJsonError, find_json
from copilot.parse import parse_model
from copilot.text.shorten import shorten

M = TypeVar("M", bound=BaseModel)

MAX_REPLY_CHARS = 65_536
"""The most characters of a reply: several times those of a whole dialogue."""

_RUNAWAY = re.compile(r"\s{200,}")
_NO_REPLIES = {
    "context-length": ("context-length", "{}"),
    "content-refused": ("content-filter", "{}"),
    "content_filter": ("content-filter", "a content filter ended the reply"),
    "refused": ("refused", "{}"),
    "refusal": ("model-refused", "the model refuses: {}"),
    "thoughts": ("thoughts-only", "the model gave its thoughts and no reply: {}"),
}
"""The endings of what is no reply: the reason, and the message around the text."""
_MOST_FAULTS = 8


@dataclass(frozen=True, slots=True)
class UnusableReply:
    """A fault of a reply: a kebab-case reason, and messages for the model and for people.

    If it is not `correctable`, no message to the model could help: the turn starts again. `repaired` is true
    if the JSON was mended before the fault was found.
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
class ReadReply(Generic[M]):
    """The content of a reply. `repaired` is true if its JSON had to be mended."""

    value: M
    repaired: bool


def read_reply(model: type[M], reply: Reply) -> ReadReply[M] | UnusableReply:
    """Read a reply as a model."""
    if fault := check_ending(reply):
        return fault
    if not reply.text.strip():
        # There is nothing to correct, and some servers refuse a chat with an empty message.
        return UnusableReply("empty-reply", ("the reply is empty",), correctable=False)
    if len(reply.text) > MAX_REPLY_CHARS:
        return UnusableReply(
            "reply-too-long", (f"the reply has {len(reply.text)} characters",), correctable=False
        )
    try:
        content, repaired = find_json(reply.text, frozenset(model.model_fields))
    except NoJsonError as error:
        return UnusableReply(error.reason, (str(error),))
    value = parse_model(model, json.dumps(content))
    if isinstance(value, tuple):
        said = tuple(violation.message.removeprefix(f"{model.__name__.lower()}: ") for violation in value)
        return UnusableReply("schema", limit_messages(said), repaired=repaired)
    return ReadReply(value, repaired)


def limit_messages(messages: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first few messages, and the number of the others."""
    if len(messages) <= _MOST_FAULTS:
        return messages
    return (*messages[:_MOST_FAULTS], f"and {len(messages) - _MOST_FAULTS} more of the kind")


def is_truncated(reply: Reply) -> bool:
    """Return whether a reply was cut at the largest number of tokens, and more tokens may help."""
    fault = check_ending(reply)
    return fault is not None and fault.reason == "truncated"


def check_ending(reply: Reply) -> UnusableReply | None:
    """Return the fault of a reply that the model did not end, or that is no reply to the chat.

    Servers have names of their own for the end: with one that is unknown, whole JSON is a complete reply.
    """
    if reply.finish_reason == "stop":
        return None
    if reply.finish_reason in _NO_REPLIES:
        reason, message = _NO_REPLIES[reply.finish_reason]
        return UnusableReply(reason, (message.format(shorten(reply.text)),), False)
    if reply.finish_reason == "length":
        if _RUNAWAY.search(reply.text):
            advice = "the server's grammar should forbid white space between tokens"
            return UnusableReply(
                "white-space-runaway", (f"the reply ran off into white space; {advice}",), False
            )
        return UnusableReply("truncated", ("the reply was cut at the largest number of tokens",), False)
    if _is_whole(reply.text):
        return None
    return UnusableReply("unfinished", (f"the server ended the reply with {reply.finish_reason!r}",), False)


def _is_whole(text: str) -> bool:
    try:
        return isinstance(json.loads(text, strict=False), dict)
    except (ValueError, RecursionError):
        return False
