"""Requests to a language model and its replies, as plain values. Nothing here knows a network."""

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
    """The JSON Schema that a reply has to keep. Equal schemas have equal names, for the server's cache.

    `max_tokens` is an estimate of the tokens of the longest reply; None if there is none.
    """

    name: str
    schema: Mapping[str, Any]
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: the chat so far, the form of the reply, and the most tokens that it may have.

    `temperature` is another one than for other requests, if it is not None.
    """

    messages: tuple[Message, ...]
    grammar: Grammar
    max_tokens: int
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, with the reason for its end and the server's count of tokens.

    `finish_reason` is `stop`, `length`, `content_filter`, or another of the server's own. If the text is no
    reply to the chat, it is `context-length`, `content-refused` or `refused`, with the server's words as the
    text, or `refusal` or `thoughts`, with the model's.
    """

    text: str
    finish_reason: str
    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0

    @property
    def is_refused(self) -> bool:
        """True if the server refused the request, and the text is its words."""
        return self.finish_reason in {"context-length", "content-refused", "refused"}
