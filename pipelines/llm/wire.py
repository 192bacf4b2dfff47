"""One exchange with one server over OpenAI's protocol, and the meaning of its failure. Nothing is retried.

Only this module knows the `openai` library. No message holds the key or a URL's password.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

from copilot.designers.llm.exchange import Reply
from copilot.errors import MissingExtraError
from copilot.units import Seconds
from pipelines.llm.answers import NotACompletionError, read_completion
from pipelines.llm.endpoints import Endpoint
from pipelines.llm.keys import MODEL_KEY
from renderers.openai_protocol import (
    CONNECT_S,
    NO_KEY,
    FaultError,
    RefusedError,
    check_key,
    clean,
    describe_connection_error,
    read_status_error,
)

if TYPE_CHECKING:
    import httpx2
    import openai

_LOOK_S = 5.0
# vLLM closes a connection that was idle for 5 s: one that is used just then would count as a failure.
_KEEP_ALIVE_S = 3.0
# The library looks at every connection of a pool for each request: at 256 that costs more than all the rest.
_POOL_SIZE = 8


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model at one URL. `max_model_len` is its context in tokens, if the server reports it."""

    url: str
    id: str
    root: str | None
    max_model_len: int | None


class Wire:
    """The connections to all endpoints. Raises UserError for a key that cannot be one."""

    def __init__(self, endpoints: Sequence[Endpoint], key: str | None, timeout_s: Seconds) -> None:
        self._endpoints, self._key, self._timeout_s = endpoints, check_key(key, MODEL_KEY), timeout_s
        self._pools: list[httpx2.AsyncClient] = []
        self._clients: dict[Endpoint, Iterator[openai.AsyncOpenAI]] = {}

    def open(self, n_kept: int) -> None:
        """Prepare to keep that many connections alive. Raises MissingExtraError without openai."""
        try:
            import httpx2  # noqa: PLC0415 - an extra, which takes a second to import
            import openai  # noqa: PLC0415 - so does this
        except ImportError:
            raise MissingExtraError("a language model's server", "llm") from None
        limits = httpx2.Limits(max_connections=None, keepalive_expiry=_KEEP_ALIVE_S)
        timeout = httpx2.Timeout(self._timeout_s, connect=min(CONNECT_S, self._timeout_s))
        certificates = httpx2.create_ssl_context()
        self._pools = [
            openai.DefaultAsyncHttpxClient(limits=limits, timeout=timeout, verify=certificates)
            for _ in range(math.ceil(n_kept / _POOL_SIZE))
        ]
        client = openai.AsyncOpenAI(
            api_key=self._key or NO_KEY,
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
        """Return one chat completion. Raises FaultError, RefusedError."""
        response = await self._send(endpoint, "/chat/completions", body)
        try:
            reply = read_completion(response.content)
        except NotACompletionError as error:
            raise FaultError(clean(f"200, but not a chat completion: {error}", self._key)) from None
        if reply.finish_reason == "abort":
            raise FaultError("it ended the reply with 'abort', as a server that is stopping does")
        return reply

    async def list_models(self, endpoint: Endpoint) -> list[ServedModel]:
        """Return the models that a server lists. Raises FaultError, RefusedError."""
        response = await self._send(endpoint, "/models")
        try:
            return [_read_model(endpoint.url, model) for model in json.loads(response.content)["data"]]
        except (ValueError, TypeError, KeyError, AttributeError):
            raise FaultError(clean(f"200, but not a list of models: {response.text}", self._key)) from None

    async def look(self, endpoint: Endpoint, path: str) -> str | None:
        """Return the text at a path below the server's own root, or None: no failure counts."""
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
        """Return the successful response to a GET, or to a POST of the body."""
        import httpx2  # noqa: PLC0415 - was imported when the wire was opened
        import openai  # noqa: PLC0415

        client, timeout_s = next(self._clients[endpoint]), timeout_s or self._timeout_s
        try:
            # The library's own time-out starts again with every byte. Its models are not used, because
            # making them takes as long as all the rest.
            async with asyncio.timeout(timeout_s):
                if body is None:
                    return await client.get(path, cast_to=httpx2.Response)
                return await client.post(path, cast_to=httpx2.Response, body=body)
        except (TimeoutError, openai.APITimeoutError):
            raise FaultError(f"no reply within {timeout_s:g} s") from None
        except openai.APIConnectionError as error:
            raise FaultError(describe_connection_error(error, self._key)) from None
        except openai.APIStatusError as error:
            raise read_status_error(error, self._key) from None


def _read_model(url: str, model: dict[str, Any]) -> ServedModel:
    root, length = model.get("root"), model.get("max_model_len")
    return ServedModel(
        url,
        str(model["id"]),
        root if isinstance(root, str) else None,
        length if isinstance(length, int) else None,
    )
