"""The connection to a speech server: requests with retries, and the meaning of their failure.

Faults that may pass (no connection, too busy, an error of the server) are retried. No message holds the key.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from copilot.errors import MissingExtraError
from copilot.units import Seconds
from renderers.http_environment import check_environment, describe_connection_error
from renderers.openai_client import make_headers
from renderers.openai_errors import holds_error, read_error
from renderers.openai_protocol import (
    ANY_KEY,
    CONNECT_S,
    NO_KEY,
    BusyError,
    FaultError,
    UnreachableError,
    check_key,
    is_openais,
)
from renderers.speech_api.settings import KEY, SpeechApiSettings

if TYPE_CHECKING:
    import openai

T = TypeVar("T")

_TRIES = 4
_FIRST_WAIT_S: Seconds = 0.5
_LONGEST_OWN_WAIT_S: Seconds = 30.0
_LONGEST_WAIT_S: Seconds = 60.0
_PATIENCE_S: Seconds = 600.0
"""Waits of a request for a server that is too busy, before its tries count."""


class SpeechConnection:
    """The connection, opened with the first request. `sleep` waits between tries.

    Raises UserError for a key, proxy or certificates that cannot be used.
    """

    def __init__(self, settings: SpeechApiSettings, sleep: Callable[[Seconds], object]) -> None:
        check_environment()
        self._settings = settings
        self._sleep = sleep
        self._rng = random.Random()  # noqa: S311 - waits, not secrets
        self.key = _find_key(settings.url)
        self._client: openai.OpenAI | None = None

    def open(self) -> openai.OpenAI:
        """Return the client. Raises MissingExtraError."""
        if self._client is None:
            try:
                import httpx2  # noqa: PLC0415 - an extra, which takes a second to import
                import openai  # noqa: PLC0415 - so does this
            except ImportError:
                raise MissingExtraError("the renderer speech-api", "speech-api") from None
            check_environment()
            n_most, timeout_s = self._settings.concurrency, self._settings.timeout_s
            timeout = httpx2.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s), pool=None)
            limits = httpx2.Limits(max_connections=n_most, max_keepalive_connections=n_most)
            self._client = openai.OpenAI(
                api_key=self.key or NO_KEY,
                base_url=self._settings.url,
                http_client=openai.DefaultHttpxClient(limits=limits, timeout=timeout),
                timeout=timeout,
                max_retries=0,
                default_headers=make_headers(self._settings.url, self.key),
            )
        return self._client

    def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def list_models(self) -> list[str]:
        """Return the models that the server lists; none if it answers something else.

        Raises FaultError, RefusedError.
        """
        return self._retry(self._list_models)

    def request_speech(self, body: Mapping[str, Any]) -> tuple[str, bytes]:
        """Return the answer's content type and content. Raises FaultError, RefusedError."""
        return self._retry(lambda: self._request_speech(body))

    def _list_models(self) -> list[str]:
        import httpx2  # noqa: PLC0415 - was installed with openai

        response = self.open().get("/models", cast_to=httpx2.Response)
        try:
            said = response.json()
            return [str(model["id"]) for model in (said["data"] if isinstance(said, dict) else said)]
        except (ValueError, TypeError, KeyError):
            return []

    def _request_speech(self, body: Mapping[str, Any]) -> tuple[str, bytes]:
        ends_at = time.monotonic() + self._settings.timeout_s
        data = bytearray()
        with self.open().audio.speech.with_streaming_response.create(**body) as response:
            for chunk in response.iter_bytes():
                data += chunk
                # The library's own time-out starts again with every byte.
                if time.monotonic() > ends_at:
                    raise FaultError(self._too_slow)
            content_type = response.headers.get("content-type", "")
            if "json" in content_type and holds_error(data):
                raise read_error(200, data.decode(errors="replace"), response.headers, self.key)
            return content_type, bytes(data)

    def _retry(self, ask: Callable[[], T]) -> T:
        """Return the result of `ask`, after a few tries, or, if the server is too busy, after minutes.

        Raises FaultError, RefusedError.
        """
        n_tried, n_busy, waited_s = 0, 0, 0.0
        while True:
            try:
                return self._try_once(ask)
            except FaultError as error:
                if isinstance(error, BusyError) and waited_s < _PATIENCE_S:
                    n_busy += 1
                else:
                    n_tried += 1
                if n_tried == _TRIES:
                    raise
                given_s = min(error.retry_after_s or 0.0, _LONGEST_WAIT_S)
                # No two requests wait equally long: they would come back together.
                longest_s = min(_FIRST_WAIT_S * 2 ** (n_tried + n_busy - 1), _LONGEST_OWN_WAIT_S)
                wait_s = given_s + longest_s * self._rng.uniform(0.5, 1.0)
                self._sleep(wait_s)
                waited_s += wait_s

    def _try_once(self, ask: Callable[[], T]) -> T:
        import httpx2  # noqa: PLC0415 - was imported when the client was opened
        import openai  # noqa: PLC0415

        try:
            return ask()
        except (openai.APITimeoutError, httpx2.TimeoutException) as error:
            if isinstance(error.__cause__, httpx2.ConnectTimeout):
                raise UnreachableError("no connection in time") from None
            raise FaultError(self._too_slow) from None
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            cause = error.__cause__ or error
            gone = isinstance(cause, httpx2.ConnectError | httpx2.ProxyError)
            kind = UnreachableError if gone else FaultError
            raise kind(describe_connection_error(error, self.key, self._settings.url)) from None
        except openai.APIStatusError as error:
            response = error.response
            raise read_error(response.status_code, response.text, response.headers, self.key) from None

    @property
    def _too_slow(self) -> str:
        return f"no answer within {self._settings.timeout_s:g} s"


def _find_key(url: str) -> str | None:
    """Return the key for a server: OpenAI's own only for OpenAI, and only over an encrypted connection."""
    given = os.environ.get(KEY) or (os.environ.get(ANY_KEY) if is_openais(url) else None)
    return check_key(given, KEY)
