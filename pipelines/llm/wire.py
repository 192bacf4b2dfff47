"""One exchange with one server over OpenAI's protocol, and what its failure means. Nothing is tried twice.

Only this module knows the `openai` library. No message holds the key or a URL's password.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any, NoReturn

from copilot.designers.llm.exchange import Reply
from copilot.errors import MissingExtraError, UserError
from copilot.units import Seconds
from pipelines.llm.answers import NotACompletionError, read_completion, shortened
from pipelines.llm.endpoints import Endpoint

if TYPE_CHECKING:
    import httpx2
    import openai

_CONNECT_S = 10.0
_LOOK_S = 5.0
# vLLM closes a connection that was idle for 5 s: one that is used just then would count as a failure.
_KEEP_ALIVE_S = 3.0
# The library looks at every connection of a pool for each request: at 256 that costs more than all the rest.
_POOL_SIZE = 8
_RETRIED = frozenset({408, 409})


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model at one URL. `max_model_len` is its context in tokens, where the server tells."""

    url: str
    id: str
    root: str | None
    max_model_len: int | None


class FaultError(Exception):
    """A server gave no answer; it may give one later."""


class BusyError(FaultError):
    """A server gave no answer because it was asked too much."""

    def __init__(self, message: str, retry_after_s: Seconds | None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RefusedError(Exception):
    """A server's answer is that it does not accept what it is asked."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status, self.said = status, said


class Wire:
    """The connections to all endpoints. Raises UserError for a key that cannot be one."""

    def __init__(self, endpoints: Sequence[Endpoint], key: str | None, timeout_s: Seconds) -> None:
        self._endpoints, self._key, self._timeout_s = endpoints, _checked_key(key), timeout_s
        self._pools: list[httpx2.AsyncClient] = []
        self._clients: dict[Endpoint, Iterator[openai.AsyncOpenAI]] = {}

    def open(self, n_kept: int) -> None:
        """Make ready, to keep that many connections alive. Raises MissingExtraError without openai."""
        try:
            import httpx2  # noqa: PLC0415 - an extra, which takes a second to import
            import openai  # noqa: PLC0415 - so does this
        except ImportError:
            raise MissingExtraError("a language model's server", "llm") from None
        limits = httpx2.Limits(max_connections=None, keepalive_expiry=_KEEP_ALIVE_S)
        timeout = httpx2.Timeout(self._timeout_s, connect=min(_CONNECT_S, self._timeout_s))
        certificates = httpx2.create_ssl_context()
        self._pools = [
            openai.DefaultAsyncHttpxClient(limits=limits, timeout=timeout, verify=certificates)
            for _ in range(math.ceil(n_kept / _POOL_SIZE))
        ]
        client = openai.AsyncOpenAI(
            # The library sends no request without a key; servers that need none take any.
            api_key=self._key or "EMPTY",
            base_url=self._endpoints[0].url,
            http_client=self._pools[0],
            timeout=timeout,
            max_retries=0,
        )
        for endpoint in self._endpoints:
            header = {"Authorization": endpoint.authorization} if endpoint.authorization else None
            here = client.with_options(base_url=endpoint.url, default_headers=header)
            self._clients[endpoint] = cycle([here.with_options(http_client=pool) for pool in self._pools])

    async def close(self) -> None:
        """Close all connections."""
        self._clients.clear()
        for pool in self._pools:
            await pool.aclose()

    async def complete(self, endpoint: Endpoint, body: dict[str, Any]) -> Reply:
        """One chat completion. Raises FaultError, RefusedError."""
        response = await self._send(endpoint, "/chat/completions", body)
        try:
            reply = read_completion(response.content)
        except NotACompletionError as error:
            raise FaultError(self._clean(f"200, but no chat completion: {error}")) from None
        if reply.finish_reason == "abort":
            raise FaultError("it ended the reply with 'abort', as a server that is stopping does")
        return reply

    async def models(self, endpoint: Endpoint) -> list[ServedModel]:
        """The models that a server lists. Raises FaultError, RefusedError."""
        response = await self._send(endpoint, "/models")
        try:
            return [_served(endpoint.url, model) for model in json.loads(response.content)["data"]]
        except (ValueError, TypeError, KeyError, AttributeError):
            raise FaultError(self._clean(f"200, but no list of models: {response.text}")) from None

    async def look(self, endpoint: Endpoint, path: str) -> str | None:
        """What stands at a path below the server's own root, or None; whatever happens, it is no failure."""
        try:
            return (await self._send(endpoint, f"{endpoint.root}{path}", timeout_s=_LOOK_S)).text
        except (FaultError, RefusedError):
            return None

    async def _send(
        self,
        endpoint: Endpoint,
        path: str,
        body: dict[str, Any] | None = None,
        timeout_s: Seconds | None = None,
    ) -> httpx2.Response:
        """The response, of status 200 or so, to a GET, or to a POST of the body."""
        import httpx2  # noqa: PLC0415 - was imported when the wire was opened
        import openai  # noqa: PLC0415

        client, timeout_s = next(self._clients[endpoint]), timeout_s or self._timeout_s
        try:
            # The library's own time-out begins anew with every byte. Its models are not used, because
            # making them takes as long as all the rest.
            async with asyncio.timeout(timeout_s):
                if body is None:
                    return await client.get(path, cast_to=httpx2.Response)
                return await client.post(path, cast_to=httpx2.Response, body=body)
        except (TimeoutError, openai.APITimeoutError):
            raise FaultError(f"no reply within {timeout_s:g} s") from None
        except openai.APIConnectionError as error:
            cause = error.__cause__ or error
            raise FaultError(self._clean(f"no connection ({type(cause).__name__}: {cause})")) from None
        except openai.APIStatusError as error:
            self._raise_status(error)

    def _raise_status(self, error: openai.APIStatusError) -> NoReturn:
        status, body = error.status_code, error.body
        said = body.get("message") if isinstance(body, dict) else body
        text = self._clean(said if isinstance(said, str) and said else error.response.text)
        if status == 429:
            raise BusyError(f"429, {text}", _seconds(error.response.headers.get("retry-after"))) from None
        if status >= 500 or status in _RETRIED:
            raise FaultError(f"{status}, {text}") from None
        raise RefusedError(status, text) from None

    def _clean(self, said: str) -> str:
        """What a server said, in one short line, without the key if it says that too."""
        return shortened(said.replace(self._key, "***") if self._key else said)


def _checked_key(given: str | None) -> str | None:
    key = (given or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UserError("the API key: holds characters that no key can hold; set COPILOT_LLM_API_KEY anew")
    return key or None


def _served(url: str, model: dict[str, Any]) -> ServedModel:
    root, length = model.get("root"), model.get("max_model_len")
    return ServedModel(
        url,
        str(model["id"]),
        root if isinstance(root, str) else None,
        length if isinstance(length, int) else None,
    )


def _seconds(retry_after: str | None) -> Seconds | None:
    # It may be a date as well: then the usual wait has to do.
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
