"""Reads the answers of a language model's server: chat completions, and lists of models.

What servers spell differently becomes one spelling here; a reply's text stays as it came.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from copilot.designers.llm.exchange import Reply
from copilot.text.shorten import SHOWN_CHARS, shorten

_ENDINGS = {
    "stop": ("stop", "eos", "eos_token", "end", "end_turn", "end_of_turn", "stop_sequence", "stop_token"),
    "length": ("length", "max_tokens", "max_length", "max_output_tokens", "model_length", "token_limit"),
    "content_filter": (
        "content_filter",
        "safety",
        "recitation",
        "blocklist",
        "prohibited_content",
        "sensitive",
    ),
    "error": ("error", "abort", "aborted", "cancelled", "network_error", "malformed_response"),
}
_ENDING_OF = {spelling: ending for ending, spellings in _ENDINGS.items() for spelling in spellings}
_CONTEXTS = (
    "max_model_len",  # vLLM, SGLang
    "n_ctx",  # llama.cpp, below `meta`
    "loaded_context_length",  # LM Studio
    "context_length",  # OpenRouter, Together
    "context_window",  # Groq
    "max_context_length",  # Mistral
)
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")


class WrongShapeError(ValueError):
    """A body with status 200 is not what the protocol has there. Holds the start of the body."""


class ServerEndedError(Exception):
    """A server ended a reply because of a failure or a stop of its own."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model at one URL. `max_model_len` is its context in tokens, if the server reports it."""

    url: str
    id: str
    root: str | None
    max_model_len: int | None


def read_completion(body: bytes) -> Reply:
    """Return the first choice of a chat completion. Raises WrongShapeError, ServerEndedError.

    Missing content becomes an empty text. The text can be written as UTF-8, whatever escapes the body holds.
    """
    try:
        completion = json.loads(body)
        choice = completion["choices"][0]
        message = choice["message"]
        text, ending = _read_message(message, _read_ending(choice))
        usage = completion.get("usage") or {}
        details = usage.get("prompt_tokens_details") or {}
        counts = usage.get("prompt_tokens"), details.get("cached_tokens"), usage.get("completion_tokens")
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        raise WrongShapeError(show_start(body)) from None
    writable = text.encode(errors="replace").decode()
    return Reply(writable, ending, *map(_count, counts))


def _read_ending(choice: dict[str, Any]) -> str:
    """Return the reason of the end, in one spelling; `unknown` if there is none."""
    said = str(choice.get("finish_reason") or "unknown")
    ending = _ENDING_OF.get(said.lower(), said)
    if ending == "error" or choice.get("error"):
        failure = json.dumps(choice["error"]) if choice.get("error") else repr(said)
        raise ServerEndedError(f"it ended the reply with {failure}")
    return ending


def _read_message(message: dict[str, Any], ending: str) -> tuple[str, str]:
    """Return the text of a reply and its ending: `refusal` or `thoughts` if it is only one of these."""
    text = _read_text(message.get("content"))
    if text.strip() or ending in {"length", "content_filter"}:
        return text, ending
    if isinstance(refusal := message.get("refusal"), str) and refusal.strip():
        return refusal, "refusal"
    thoughts = next((said for name in _THOUGHTS if isinstance(said := message.get(name), str)), "")
    if thoughts.strip():
        # Some servers take a reply in the form of a grammar for thoughts.
        return thoughts, ending if _is_object(thoughts) else "thoughts"
    return text, ending


def _read_text(content: object) -> str:
    """Return a message's content, whose text may come in parts. Raises TypeError for any other."""
    if isinstance(content, str | None):
        return content or ""
    if isinstance(content, list):
        return "".join(_read_parts(content))
    raise TypeError


def _read_parts(parts: list[Any]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif part.get("type", "text") in {"text", "output_text"}:
            yield part["text"]


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def read_models(url: str, body: bytes) -> list[ServedModel]:
    """Return the models that a server lists: below `data` or `models`, or without either.

    Raises WrongShapeError.
    """
    try:
        listed = json.loads(body)
        if isinstance(listed, dict):
            listed = listed["data"] if "data" in listed else listed["models"]
        return [_read_model(url, model) for model in listed or ()]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise WrongShapeError(show_start(body)) from None


def _read_model(url: str, model: dict[str, Any] | str) -> ServedModel:
    if isinstance(model, str):
        return ServedModel(url, model, None, None)
    root = model.get("root")
    return ServedModel(
        url,
        str(model["id"] if "id" in model else model["name"]),
        root if isinstance(root, str) else None,
        _read_context(model),
    )


def _read_context(model: dict[str, Any]) -> int | None:
    """Return the context of one request in tokens, by whatever name a server tells it."""
    meta = model.get("meta")
    told = {**model, **meta} if isinstance(meta, dict) else model
    return next((told[name] for name in _CONTEXTS if isinstance(told.get(name), int)), None)


def show_start(body: bytes) -> str:
    """Return the start of a body in one line, for a message."""
    return shorten(body[: 4 * SHOWN_CHARS].decode(errors="replace"))
