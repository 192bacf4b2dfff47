"""Common parts of the clients of servers with OpenAI's protocol: failures, texts for messages, and keys.

A failure is a fault, which may pass, or a refusal, which will not. Nothing is tried twice here, and nothing
imports the `openai` library. No message holds the key or a URL's user, password or query.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlsplit

from copilot.errors import UserError
from copilot.text.shorten import shorten
from copilot.units import Seconds

CONNECT_S: Seconds = 10.0
"""Limit for connecting, within the limit for a request."""

NO_KEY = "EMPTY"
"""Stands for a missing key: the library sends no request without one; servers that need none accept any."""

ANY_KEY = "OPENAI_API_KEY"

_MOST_NAMES = 5

Meaning = Literal[
    "key", "quota", "model", "address", "context", "content", "reply", "system", "parameter", "unsure"
]
"""The subject of a refusal.

Of all requests: the key, the quota, the model, the address. Of this one: its length (`context`), its content,
or the model's reply to it, which another try may change. `system` and `parameter`: it can be sent otherwise.
`unsure`: the words do not tell.
"""
OF_ALL: frozenset[Meaning] = frozenset({"key", "quota", "model", "address"})


class FaultError(Exception):
    """A server gave no answer; it may give one later, `retry_after_s` from now if it says so."""

    def __init__(self, message: str, retry_after_s: Seconds | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class BusyError(FaultError):
    """A server gave no answer because it gets too many requests."""


class UnreachableError(FaultError):
    """There is no server to connect to."""


class RefusedError(Exception):
    """A server answers that it does not accept the request. `text` is its answer without the status.

    `param` is the field of the request that it names, and `reply` what the model wrote, if it tells.
    """

    def __init__(
        self, status: int, text: str, meaning: Meaning = "unsure", *, param: str = "", reply: str = ""
    ) -> None:
        super().__init__(f"{status}, {text}")
        self.status, self.text, self.meaning, self.param, self.reply = status, text, meaning, param, reply


def check_key(given: str | None, variable: str) -> str | None:
    """Return the key from an environment variable without white space; None if it is empty.

    Raises UserError, without the key, for characters that no header can hold.
    """
    key = (given or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UserError(f"the API key holds characters that no key can hold; set {variable} again")
    return key or None


def clean(text: str, key: str | None) -> str:
    """Return what a server said in one line of 300 characters at most, without the key if it repeats that."""
    return shorten(text.replace(key, "***") if key else text)


def is_server_url(url: str) -> bool:
    """Return whether a text is the URL of a server: `http` or `https`, a host and at most a valid port."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return host is not None and parts.scheme in {"http", "https"}


def list_nearest(names: Sequence[str], wanted: str | None = None) -> str:
    """Return names for a message: all if they are few, else those that resemble the wanted one most."""
    if not names:
        return "none"
    if len(names) <= 2 * _MOST_NAMES:
        return ", ".join(names)
    near = difflib.get_close_matches(wanted or "", names, _MOST_NAMES, cutoff=0.0) if wanted else names
    shown = near[:_MOST_NAMES]
    return f"{', '.join(shown)} and {len(names) - len(shown)} others"


def is_openais(url: str) -> bool:
    """Return whether OPENAI_API_KEY and the like are meant for a server.

    It is OpenAI's own, over an encrypted connection, or the one that OPENAI_BASE_URL names.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" and (host == "api.openai.com" or host.endswith(".api.openai.com")):
        return True
    named = os.environ.get("OPENAI_BASE_URL", "").strip().rstrip("/")
    return bool(named) and named == url.rstrip("/")
