"""What is asked of a language model and what it replies, as plain values. Nothing here knows a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

MessageRole = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat."""

    role: MessageRole
    content: str


@dataclass(frozen=True, slots=True)
class Grammar:
    """The JSON Schema that a reply has to keep. Equal schemas have equal names, for the server's cache."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: the chat so far, the form of the reply, and the most tokens that it may have."""

    messages: tuple[Message, ...]
    grammar: Grammar
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, with what the server says of how it ended and of the tokens it took.

    `finish_reason` is the server's: `stop`, `length`, `content_filter` and whatever else it may invent; and
    `context-length`, with the server's words as the text, where the chat does not fit the model's context.
    """

    text: str
    finish_reason: str
    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0
