"""Common parts of the clients of servers with OpenAI's protocol: keys, and the meaning of failures.

A failure is a fault, which may pass, or a refusal, which will not. Nothing is tried twice here, and nothing
imports the `openai` library. No message holds the key or a URL's user, password or query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from copilot.errors import UserError
from copilot.units import Seconds

if TYPE_CHECKING:
    import openai

CONNECT_S: Seconds = 10.0
"""Limit for connecting, within the limit for a request."""

NO_KEY = "EMPTY"
"""Stands for a missing key: the library sends no request without one; servers that need none accept any."""

SHOWN_CHARS = 300

_RETRIED = frozenset({408, 409})


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
    """A server answers that it does not accept the request. `text` is its answer without the status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}, {text}")
        self.status, self.text = status, text


def check_key(given: str | None, variable: str) -> str | None:
    """Return the key from an environment variable without white space; None if it is empty.

    Raises UserError, without the key, for characters that no header can hold.
    """
    key = (given or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UserError(f"the API key holds characters that no key can hold; set {variable} again")
    return key or None


def read_status_error(error: openai.APIStatusError, key: str | None) -> FaultError | RefusedError:
    """Return the fault or refusal that an answer's status stands for, with the server's own message."""
    status, body = error.status_code, error.body
    message = body.get("message") if isinstance(body, dict) else body
    text = clean(message if isinstance(message, str) and message else error.response.text, key)
    retry_after_s = parse_retry_after(error.response.headers.get("retry-after"))
    if status == 429:
        return BusyError(f"429, {text}", retry_after_s)
    if status >= 500 or status in _RETRIED:
        return FaultError(f"{status}, {text}", retry_after_s)
    return RefusedError(status, text)


def describe_connection_error(error: BaseException, key: str | None) -> str:
    """Describe why there is no connection, by the error below that of the library."""
    cause = error.__cause__ or error
    return clean(f"no connection ({type(cause).__name__}: {cause})", key)


def parse_retry_after(value: str | None) -> Seconds | None:
    """Return the seconds in a header `retry-after`; None for a date, for which the usual wait has to do."""
    return float(value) if value is not None and value.isdecimal() else None


def clean(text: str, key: str | None) -> str:
    """Return what a server said in one line of 300 characters at most, without the key if it repeats that."""
    return shorten(text.replace(key, "***") if key else text)


def shorten(text: str) -> str:
    """Return a text in one line of 300 characters at most."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARS else f"{line[:SHOWN_CHARS]}..."


def is_server_url(url: str) -> bool:
    """Return whether a text is the URL of a server: `http` or `https`, a host and at most a valid port."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return host is not None and parts.scheme in {"http", "https"}
