"""Reads what a server of a language model answers: a chat completion, or why there is none."""

from __future__ import annotations

import json
import re

from copilot.designers.llm.exchange import Reply

_SHOWN_CHARS = 300
_CONTEXT = re.compile(
    r"context.{0,3}(length|window|size)|max_model_len|maximum (model|sequence) length|"
    r"completion tokens|max_tokens.{0,20}too large",
    re.IGNORECASE,
)


class NotACompletionError(ValueError):
    """A body with status 200 is no chat completion."""


def read_completion(body: bytes) -> Reply:
    """The first choice of a chat completion. Raises NotACompletionError with the body's beginning.

    No content is an empty text. The text can be written as UTF-8, whatever escapes the body holds.
    """
    try:
        completion = json.loads(body)
        choice = completion["choices"][0]
        text = choice["message"]["content"]
        usage = completion.get("usage") or {}
        details = usage.get("prompt_tokens_details") or {}
        counts = usage.get("prompt_tokens"), details.get("cached_tokens"), usage.get("completion_tokens")
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        raise NotACompletionError(shortened(body[: 4 * _SHOWN_CHARS].decode(errors="replace"))) from None
    if not isinstance(text, str | None):
        raise NotACompletionError(f"its content is a {type(text).__name__}")
    writable = (text or "").encode(errors="replace").decode()
    return Reply(writable, str(choice.get("finish_reason") or "unknown"), *map(_count, counts))


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def context_length_exceeded(said: str) -> bool:
    """Whether a server's refusal means that the chat does not fit the model's context."""
    return _CONTEXT.search(said) is not None


def shortened(said: str) -> str:
    """What a server said, in one line of 300 characters at most."""
    line = " ".join(said.split())
    return line if len(line) <= _SHOWN_CHARS else f"{line[:_SHOWN_CHARS]}..."
