"""The meaning of a server's error over OpenAI's protocol, by its status, its `code` and its words.

Servers agree on little more than the status. A row of `_MEANINGS` holds the words of one meaning, as OpenAI,
Azure, OpenRouter, Groq, Together, Gemini, Anthropic, TGI, SGLang, LM Studio, Ollama, llama.cpp and vLLM write
them; the first row that fits decides. Nothing is tried twice here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from copilot.units import Seconds
from renderers.openai_protocol import BusyError, FaultError, Meaning, RefusedError, clean
from renderers.retry_after import read_retry_after

_PASSING = frozenset({408, 409, 423, 424, 425, 460, 499})
_BUSY = frozenset({429, 498, 529})
_REPEATS = frozenset({"failed_generation", "flagged_input", "input"})


@dataclass(frozen=True, slots=True)
class _Row:
    """Words that have a meaning, with any status or, if there are some, with one of these."""

    meaning: Meaning | None
    """None: the server is too busy."""
    words: re.Pattern[str]
    statuses: frozenset[int] = frozenset()

    def fits(self, status: int, said: str) -> bool:
        return (not self.statuses or status in self.statuses) and self.words.search(said) is not None


def _row(meaning: Meaning | None, words: str, *statuses: int) -> _Row:
    return _Row(meaning, re.compile(words, re.IGNORECASE | re.MULTILINE), frozenset(statuses))


_PARAMETERS = "max_tokens|temperature|top_p"
_MEANINGS = (
    # The chat template of a model without a system role, which some servers report as their own error.
    _row(
        "system",
        r"system role not supported|only user and assistant roles|roles must alternate|"
        r"developer instruction is not enabled|does not support '?system|"
        r"system (role|message|prompt|instruction)s?\b.{0,20}\bnot (supported|enabled|allowed)",
    ),
    _row("quota", r"", 402),
    _row(
        "quota",
        r"insufficient[_ ](quota|balance|credits?|funds)|billing_(hard_limit|not_active)|credit balance|"
        r"exceeded_current_quota|out of credits|credit limit|PrepaidBillOverdue|prepayment credits|"
        r"free-models-per-day|RequestsPerDay",
    ),
    _row("model", r"model_not_found|DeploymentNotFound|model_not_available|model_decommissioned"),
    _row("key", r"", 401),
    _row(
        "key",
        r"api key not valid|API_KEY_INVALID|api key expired|multiple authentication credentials|"
        r"(organization|account|key)\b.{0,30}\b(disabled|deactivated|suspended)",
    ),
    # What the model wrote was not JSON: another try may be.
    _row("reply", r"json_validate_failed|output_parse_failed|tool_use_failed|failed to generate json"),
    _row(
        "content",
        r"content[_ ]?filter|ResponsibleAIPolicy|content (management|policy)|content_policy|usage polic|"
        r"invalid_prompt|\bflagged\b|moderation|PROHIBITED_CONTENT|data_inspection_failed|"
        r"(content|prompt|input)\b.{0,40}\b(blocked|filtered|inappropriate)|blocked by .{0,30}safety|"
        r"guardrail_blocked",
        *(400, 403, 422, 451, 500, 200),
    ),
    _row(
        "parameter",
        rf"unsupported (parameter|value)\W+({_PARAMETERS})\b|"
        rf"\b({_PARAMETERS})\b\W.{{0,40}}(not support|unsupported|deprecated|not allowed|not permitted|"
        r"cannot both)",
        *(400, 422),
    ),
    _row(
        "context",
        r"context_length_exceeded|exceed_context_size|string_above_max_length|"
        r"context.{0,3}(length|window|size|limit)|context the overflows|max_model_len|"
        r"max(imum)? (model|sequence) length|completion tokens|max_tokens.{0,20}too large|"
        r"(prompt|input|message)s? (is |are )?too (long|large)|request too large|too many tokens|"
        r"token count.{0,20} exceeds|inputs?`? (tokens )?(\+|must have less)|payload too large|"
        r"reduce (the length|your (prompt|message))",
        *(400, 403, 413, 422, 500, 200),
    ),
    _row("context", r"", 413),
    # A request with more tokens than may be sent in a minute.
    _row("context", r"request too large", 429),
    _row(
        "model",
        r"model.{0,80}(not? (found|exist|supported|available)|does not exist|not a valid|unknown|unloaded)|"
        r"^model: |(unknown|invalid|not a valid|unable to access|no) models?\b|no endpoints|not a chat model|"
        r"(deployment|adapter).{0,30}not (found|exist)|model_permission",
        *(400, 403, 404, 422, 200),
    ),
    _row("address", r"", 404, 405, 410, 501),
    _row(
        "key",
        r"api[ _-]?key|permission|access denied|unauthori[sz]ed|authenti|credential|"
        r"country|region|territory|subscription|\b(key|token)\b",
        403,
    ),
    _row("address", r"unexpected endpoint", 200),
    _row(None, r"overloaded|server busy|too many requests|queue is full|no slots|pending requests", 503, 500),
)


@dataclass(frozen=True, slots=True)
class _Said:
    """An error as a server writes it: its message, everything that it says, and the model's reply, if any."""

    message: str
    everything: str
    reply: str
    param: str


def read_error(
    status: int, text: str, headers: Mapping[str, str], key: str | None
) -> FaultError | RefusedError:
    """Return the fault or refusal that an answer stands for, with the server's own message.

    An answer with status 200 holds its true status as `code`, if any.
    """
    body = _parse(text)
    status = _find_status(status, body)
    said = _read(body, text)
    message = clean(said.message, key)
    row = next((row for row in _MEANINGS if row.fits(status, said.everything)), None)
    retry_after_s = read_retry_after(headers) or _read_delay(said.everything)
    if (row is not None and row.meaning is None) or (status in _BUSY and _may_pass(row)):
        return BusyError(f"{status}, {message}", retry_after_s)
    if row is not None and row.meaning is not None:
        return RefusedError(status, message, row.meaning, param=said.param, reply=said.reply)
    if status >= 500 or status == 200 or status in _PASSING:
        return FaultError(f"{status}, {message}", retry_after_s)
    return RefusedError(status, message, "unsure")


def holds_error(content: bytes | bytearray) -> bool:
    """Return whether the body of an answer with status 200 is the JSON of an error."""
    if b'"error"' not in content:
        return False
    body = _parse(content.decode(errors="replace"))
    return _is_gemini(body) or (isinstance(body, dict) and bool(body.get("error")) and "choices" not in body)


def _may_pass(row: _Row | None) -> bool:
    return row is None or not (row.meaning in {"quota", "reply", "content"} or 429 in row.statuses)


def _find_status(status: int, body: object) -> int:
    if status != 200:
        return status
    error = _get_error(body)
    code = error.get("code", error.get("status")) if isinstance(error, dict) else None
    told = int(code) if isinstance(code, int | str) and str(code).isdecimal() else status
    return told if 400 <= told < 600 else status


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_gemini(body: object) -> bool:
    return isinstance(body, list) and bool(body) and isinstance(body[0], dict) and "error" in body[0]


def _get_error(body: object) -> object:
    """Return what is said of the error: the value of `error`, or the body itself."""
    if _is_gemini(body) and isinstance(body, list):
        body = body[0]
    if isinstance(body, dict) and body.get("error"):
        return body["error"]
    return body


def _read(body: object, text: str) -> _Said:
    error = _get_error(body)
    outer = body if isinstance(body, dict) else {}
    fields: Mapping[str, Any] = error if isinstance(error, dict) else {}
    message = _first_text(
        error, fields.get("message"), outer.get("message"), outer.get("detail"), _read_detail(outer)
    )
    metadata = fields.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if isinstance(raw, str) and raw:
        message = f"{message}: {raw}"
    # One text a line: no words are found across two.
    everything = "\n".join(_list_texts(body)) if body is not None else text
    reply, param = fields.get("failed_generation"), fields.get("param")
    return _Said(
        message or text,
        everything,
        reply if isinstance(reply, str) else "",
        param if isinstance(param, str) else "",
    )


def _read_detail(body: Mapping[str, Any]) -> str:
    """Return what FastAPI says of each faulty field; empty if the body is not of its form."""
    detail = body.get("detail")
    faults = [one for one in detail if isinstance(one, dict)] if isinstance(detail, list) else []
    return "; ".join(f"{'.'.join(map(str, one.get('loc', ())))}: {one.get('msg')}" for one in faults)


def _first_text(*values: object) -> str:
    return next((value for value in values if isinstance(value, str) and value.strip()), "")


def _list_texts(value: object) -> Iterator[str]:
    """Yield the texts in an error's JSON, but those that repeat the request or the reply."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in _REPEATS:
                yield from _list_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _list_texts(inner)
    elif isinstance(value, str):
        yield value


def _read_delay(said: str) -> Seconds | None:
    """Return the delay that some servers write into the message: `Please try again in 7.2s`."""
    found = re.search(r"(?:try again in|retry (?:in|after)) ([0-9]+(?:\.[0-9]+)?) ?s(?:econds)?\b", said)
    return float(found[1]) if found else None
