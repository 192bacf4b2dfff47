"""Reads the answers of a language model's server: a chat completion, or the reason for none."""

from __future__ import annotations

import json
import re

from copilot.designers.llm.exchange import Reply
from renderers.openai_protocol import SHOWN_CHARS, shorten

_CONTEXT = re.compile(
    r"context.{0,3}(length|window|size)|max_model_len|maximum (model|sequence) length|"
    r"completion tokens|max_tokens.{0,20}too large",
    re.IGNORECASE,
)


class NotACompletionError(ValueError):
    """A body with status 200 is not a chat completion."""


def read_completion(body: bytes) -> Reply:
    """Return the first choice of a chat completion. Raises NotACompletionError with the start of the body.

    Missing content becomes an empty text. The text can be written as UTF-8, whatever escapes the body holds.
    """
    try:
        completion = json.loads(body)
        choice = completion["choices"][0]
        text = choice["message"]["content"]
        usage = completion.get("usage") or {}
        details = usage.get("prompt_tokens_details") or {}
        counts = usage.get("prompt_tokens"), details.get("cached_tokens"), usage.get("completion_tokens")
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        raise NotACompletionError(shorten(body[: 4 * SHOWN_CHARS].decode(errors="replace"))) from None
    if not isinstance(text, str | None):
        raise NotACompletionError(f"its content is a {type(text).__name__}")
    writable = (text or "").encode(errors="replace").decode()
    return Reply(writable, str(choice.get("finish_reason") or "unknown"), *map(_count, counts))


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def is_context_length_error(text: str) -> bool:
    """Return if a server's refusal means that the chat does not fit the model's context."""
    return _CONTEXT.search(text) is not None
