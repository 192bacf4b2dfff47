"""One exchange with one server over OpenAI's protocol, and the meaning of its failure.

Nothing is retried, but a request that the server wants in another form is sent once more in that.

Only this module knows the `openai` library. No message holds the key or a URL's password.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from copilot.designers.llm.exchange import Reply
from copilot.errors import MissingExtraError
from copilot.units import Seconds
from pipelines.llm.answers import (
    ServedModel,
    ServerEndedError,
    WrongShapeError,
    read_completion,
    read_models,
)
from pipelines.llm.endpoints import Endpoint
from pipelines.llm.flights import TimeLimit, TooSlowError
from pipelines.llm.keys import Key
from renderers.http_environment import check_environment, describe_connection_error
from renderers.openai_client import make_headers
from renderers.openai_errors import holds_error, read_error
from renderers.openai_protocol import CONNECT_S, NO_KEY, FaultError, RefusedError, clean

if TYPE_CHECKING:
    import httpx2
    import openai

_LOOK_S = 5.0
# vLLM closes a connection that was idle for 5 s: one that is used just then would count as a failure.
_KEEP_ALIVE_S = 3.0
# The library looks at every connection of a pool for each request: at 256 that costs more than all the rest.
_POOL_SIZE = 8
_MOST_MISFITS = 4
"""Answers of a server's first requests that are no chat completions, before they count as final."""


class Wire:
    """The connections to all endpoints. Raises UserError for a key that cannot be one."""

    def __init__(self, endpoints: Sequence[Endpoint], key: Key, timeout_s: Seconds) -> None:
        self._endpoints, self._timeout_s = endpoints, timeout_s
        self._keys = {endpoint: key.get_for(endpoint.url) for endpoint in endpoints}
        self._pools: list[httpx2.AsyncClient] = []
        self._clients: dict[Endpoint, Iterator[openai.AsyncOpenAI]] = {}

    def open(self, n_kept: int) -> None:
        """Prepare to keep that many connections alive.

        Raises MissingExtraError without openai, UserError for proxies or certificates that cannot be used.
        """
        try:
            import httpx2  # noqa: PLC0415 - an extra, which takes a second to import
            import openai  # noqa: PLC0415 - so does this
        except ImportError:
            raise MissingExtraError("a language model's server", "llm") from None
        check_environment()
        limits = httpx2.Limits(max_connections=None, keepalive_expiry=_KEEP_ALIVE_S)
        # The time of a reply is limited below: it can start again while the reply is awaited.
        timeout = httpx2.Timeout(None, connect=min(CONNECT_S, self._timeout_s))
        certificates = httpx2.create_ssl_context()
        self._pools = [
            openai.DefaultAsyncHttpxClient(limits=limits, timeout=timeout, verify=certificates)
            for _ in range(math.ceil(n_kept / _POOL_SIZE))
        ]
        for endpoint in self._endpoints:
            headers = make_headers(endpoint.url, self._keys[endpoint])
            if endpoint.authorization:
                headers["Authorization"] = endpoint.authorization
            client = openai.AsyncOpenAI(
                api_key=self._keys[endpoint] or NO_KEY,
                base_url=endpoint.url,
                http_client=self._pools[0],
                timeout=timeout,
                max_retries=0,
                default_headers=headers,
            )
            self._clients[endpoint] = cycle([client.with_options(http_client=pool) for pool in self._pools])

    async def close(self) -> None:
        """Close all connections."""
        self._clients.clear()
        for pool in self._pools:
            await pool.aclose()

    async def complete(
        self, endpoint: Endpoint, body: dict[str, Any], limit: TimeLimit | None = None
    ) -> Reply:
        """Return one chat completion, asked in the server's dialect; the limit can extend its time.

        Raises FaultError, RefusedError.
        """
        while True:
            sent = endpoint.dialect.adapt(body)
            try:
                reply = await self._complete(endpoint, sent, limit)
            except RefusedError as refused:
                if refused.meaning == "reply":
                    # The server has found what the model wrote to be no JSON, and shows it.
                    return Reply(refused.reply, "length" if "max completion" in refused.text else "stop")
                endpoint.dialect.learn(refused, sent)
                if endpoint.dialect.adapt(body) == sent:
                    raise
                continue
            endpoint.n_completions += 1
            endpoint.form = sent.get("response_format")
            return reply

    async def _complete(self, endpoint: Endpoint, body: dict[str, Any], limit: TimeLimit | None) -> Reply:
        response = await self._send(endpoint, "/chat/completions", body, limit=limit)
        try:
            return read_completion(response.content)
        except ServerEndedError as error:
            raise FaultError(clean(str(error), self._keys[endpoint])) from None
        except WrongShapeError as error:
            raise self._make_misfit(endpoint, f"not a chat completion: {error}") from None

    def _make_misfit(self, endpoint: Endpoint, what: str) -> FaultError | RefusedError:
        """Return the failure that a body of another form is: final, if the server never gave a right one."""
        text = clean(what, self._keys[endpoint])
        endpoint.n_misfits += 1
        if not endpoint.n_completions and (not endpoint.n_answers or endpoint.n_misfits >= _MOST_MISFITS):
            return RefusedError(200, text, "address")
        return FaultError(f"200, but {text}")

    async def list_models(self, endpoint: Endpoint) -> list[ServedModel]:
        """Return the models that a server lists. Raises FaultError, RefusedError."""
        response = await self._send(endpoint, "/models")
        try:
            return read_models(endpoint.url, response.content)
        except WrongShapeError as error:
            raise self._make_misfit(endpoint, f"not a list of models: {error}") from None

    async def find_root(self, endpoint: Endpoint) -> str | None:
        """Return the API's root near a URL that is none, if one lists models."""
        path = urlsplit(endpoint.url).path
        base = endpoint.url.removesuffix(path)
        roots = (endpoint.url, base, endpoint.url.removesuffix("/chat/completions").removesuffix("/models"))
        for root in dict.fromkeys(f"{one.removesuffix('/v1')}/v1" for one in roots):
            if root == endpoint.url:
                continue
            try:
                response = await self._send(endpoint, f"{root}/models", timeout_s=_LOOK_S)
                read_models(root, response.content)
            except (FaultError, RefusedError, WrongShapeError):
                continue
            return root
        return None

    async def look(self, endpoint: Endpoint, path: str) -> str | None:
        """Return the text at a path below the server's own root, or None: no failure counts."""
        try:
            return (await self._send(endpoint, f"{endpoint.root}{path}", timeout_s=_LOOK_S)).text
        except (FaultError, RefusedError):
            return None

    async def is_alive(self, endpoint: Endpoint) -> bool:
        """Return whether a server answers a small request, be it by a refusal."""
        try:
            await self._send(endpoint, "/models", timeout_s=_LOOK_S)
        except RefusedError:
            return True
        except FaultError:
            return False
        return True

    async def _send(
        self,
        endpoint: Endpoint,
        path: str,
        body: dict[str, Any] | None = None,
        timeout_s: Seconds | None = None,
        limit: TimeLimit | None = None,
    ) -> httpx2.Response:
        """Return the successful response to a GET, or to a POST of the body."""
        import httpx2  # noqa: PLC0415 - was imported when the wire was opened
        import openai  # noqa: PLC0415

        client, timeout_s = next(self._clients[endpoint]), timeout_s or self._timeout_s
        key, limit = self._keys[endpoint], limit or TimeLimit()
        try:
            # The library's own time-out starts again with every byte. Its models are not used, because
            # making them takes as long as all the rest.
            async with asyncio.timeout(timeout_s) as timeout:
                limit.begin(timeout, timeout_s)
                if body is None:
                    response = await client.get(path, cast_to=httpx2.Response)
                else:
                    response = await client.post(path, cast_to=httpx2.Response, body=body)
        except TimeoutError:
            raise TooSlowError(f"no reply within {timeout_s:g} s") from None
        except openai.APITimeoutError:
            raise FaultError(f"no connection within {min(CONNECT_S, timeout_s):g} s") from None
        except openai.APIConnectionError as error:
            raise FaultError(describe_connection_error(error, key, endpoint.url)) from None
        except openai.APIStatusError as error:
            refused = error.response
            raise read_error(refused.status_code, refused.text, refused.headers, key) from None
        finally:
            limit.end()
        if holds_error(response.content):
            raise read_error(200, response.text, response.headers, key)
        return response
