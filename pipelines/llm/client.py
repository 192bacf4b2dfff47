"""Asks language models that are served over OpenAI's protocol, until there is a reply or no hope of one.

Connections that fail, time-outs, 408, 409, 429 and 5xx are tried again, elsewhere or later, and so are
`abort`, with which a server that is told to stop ends its replies, and a body that is no chat completion.
What a server will never accept ends the run with one message. A request that fails time and again on
servers that answer others rejects its row only. Keys and passwords are in no message.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NoReturn, Self

from copilot.designers.llm.exchange import Ask, Reply
from copilot.designers.llm.settings import Structured
from copilot.errors import RowFault, UserError
from copilot.units import Seconds
from pipelines.llm.answers import context_length_exceeded
from pipelines.llm.endpoints import Endpoint, Endpoints, Loan
from pipelines.llm.wire import BusyError, FaultError, RefusedError, ServedModel, Wire

_N_BLAMES = 4
"""How often a request may fail on servers that answer others meanwhile."""
_N_PASSED_OVER = 30
"""How often it may hear that a server is busy which answers others meanwhile: it may be too large for it."""
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_LONGEST_RETRY_AFTER_S = 60.0
_API_ROOT = "--llm-url, which ends with the API's root, such as http://HOST:8000/v1"


class ModelRefusalError(UserError):
    """A server will never accept what it is asked: another key, model or form of request is needed."""


class ModelClient:
    """One model at one or more URLs: an async context manager, entered once in the loop that uses it.

    At most `concurrency` requests are in flight. A request may take `timeout_s`; `patience_s` is how long to
    wait while no server answers anything. `temperature` and `top_p` are the server's own where not given.
    Raises UserError for a URL or key that cannot be one, MissingExtraError when entered without openai.
    """

    def __init__(
        self,
        urls: Sequence[str],
        model: str,
        *,
        structured: Structured = "json_schema",
        temperature: float | None = None,
        top_p: float | None = None,
        timeout_s: Seconds = 600.0,
        patience_s: Seconds = 600.0,
        api_key: str | None = None,
        concurrency: int = 64,
        clock: Callable[[], Seconds] = time.monotonic,
        sleep: Callable[[Seconds], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self.model = model
        self._structured = structured
        self._sampling = {"temperature": temperature, "top_p": top_p}
        self._concurrency = concurrency
        self._rng = rng or random.Random()  # noqa: S311 - waits, not secrets
        self._endpoints = Endpoints(urls, patience_s=patience_s, clock=clock, sleep=sleep, rng=self._rng)
        self._wire = Wire(self.endpoints, api_key, timeout_s)
        self._slots = asyncio.Semaphore(concurrency)

    async def __aenter__(self) -> Self:
        self._wire.open(n_kept=self._concurrency)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._wire.close()

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The servers, each with its requests in flight."""
        return tuple(self._endpoints)

    @property
    def in_flight(self) -> int:
        """How many requests the servers work on."""
        return sum(endpoint.in_flight for endpoint in self._endpoints)

    async def ask(self, ask: Ask) -> Reply:
        """The reply to one request.

        Raises RowFault `server-error` where only this request fails, ModelRefusalError and ServersGoneError
        to end the run.
        """
        body = self._body(ask)
        async with self._slots:
            return await self._until_answered(body)

    def _body(self, ask: Ask) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": message.role, "content": message.content} for message in ask.messages],
            "max_tokens": ask.max_tokens,
            **{name: value for name, value in self._sampling.items() if value is not None},
        }
        if self._structured == "json_schema":
            form = {"name": ask.grammar.name, "schema": ask.grammar.schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        elif self._structured == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    async def _until_answered(self, body: dict[str, Any]) -> Reply:
        n_busy = n_faults = n_blames = n_passed_over = 0
        # What each server had answered when this request last failed there.
        known: dict[Endpoint, int] = {}
        while True:
            async with self._endpoints.lend() as loan:
                endpoint = loan.endpoint
                before = known.setdefault(endpoint, endpoint.n_answers)
                try:
                    # Where nobody else has been answered since, something else has to be asked, or it
                    # could never be told whether it is the server or the request.
                    if n_faults >= _N_BLAMES and endpoint.n_answers == before:
                        await self._complete(loan, self._trifle())
                    return await self._complete(loan, body)
                except FaultError as error:
                    fault = error
            others_answered = endpoint.n_answers > before
            known[endpoint] = endpoint.n_answers
            if isinstance(fault, BusyError):
                n_busy += 1
                n_passed_over += others_answered
            else:
                n_faults += 1
                n_blames += others_answered
            if n_blames == _N_BLAMES or n_passed_over == _N_PASSED_OVER:
                raise RowFault("server-error", f"{endpoint.url} answers others, but to this: {fault}")
            await self._endpoints.wait(self._wait_s(fault, n_busy, n_faults))

    def _wait_s(self, fault: FaultError, n_busy: int, n_faults: int) -> Seconds:
        """How long a request waits to be sent again: not at all at first, if another server is there."""
        if isinstance(fault, BusyError) and fault.retry_after_s is not None:
            return min(fault.retry_after_s, _LONGEST_RETRY_AFTER_S) * self._rng.uniform(1.0, 1.2)
        n_waits = n_busy + max(n_faults - 1, 0)
        if n_waits == 0:
            return 0.0
        longest = min(_FIRST_WAIT_S * 2 ** min(n_waits - 1, 10), _LONGEST_WAIT_S)
        return float(longest * self._rng.uniform(0.5, 1.0))

    def _trifle(self) -> dict[str, Any]:
        return {"model": self.model, "messages": [{"role": "user", "content": "Say yes."}], "max_tokens": 16}

    async def _complete(self, loan: Loan, body: dict[str, Any]) -> Reply:
        """One chat completion; the endpoints are told how it went. Raises FaultError, ModelRefusalError."""
        try:
            reply = await self._wire.complete(loan.endpoint, body)
        except RefusedError as refused:
            self._endpoints.answered(loan.endpoint)
            if refused.status == 400 and context_length_exceeded(refused.said):
                return Reply(refused.said, "context-length")
            await self._refuse(loan.endpoint, refused)
        except BusyError as fault:
            self._endpoints.busy(loan, str(fault))
            raise
        except FaultError as fault:
            self._endpoints.failed(loan, str(fault))
            raise
        self._endpoints.answered(loan.endpoint)
        return reply

    async def _refuse(self, endpoint: Endpoint, refused: RefusedError) -> NoReturn:
        match refused.status:
            case 400 | 422:
                see = f"see what it accepts with: copilot check-llm --llm-url {endpoint.url}"
                remedy = f"{see}; another --llm-structured may do"
            case 401 | 403:
                remedy = "set COPILOT_LLM_API_KEY to a key that it takes"
            case 404:
                remedy = await self._names_served(endpoint)
            case _:
                remedy = f"check {_API_ROOT}"
        raise ModelRefusalError(f"{endpoint.url}: {refused.status}, {refused.said}; {remedy}") from None

    async def _names_served(self, endpoint: Endpoint) -> str:
        try:
            names = ", ".join(model.id for model in await self._wire.models(endpoint))
        except (FaultError, RefusedError):
            return f"check --llm-model, and {_API_ROOT}"
        return f"check --llm-model: it serves {names or 'no model'}"

    async def served_models(self) -> tuple[ServedModel, ...]:
        """The model as each URL that answers serves it, in the order of the URLs.

        Raises ModelRefusalError where one does not serve it, ServersGoneError where none answers in time.
        """
        while True:
            async with self._endpoints.lend() as first:
                others = [Loan(e, e.times_aside) for e in self._endpoints if e is not first.endpoint]
                looks = (self._look_for_model(loan) for loan in (first, *others))
                found = await asyncio.gather(*looks, return_exceptions=True)
            served = {}
            for model in found:
                if isinstance(model, BaseException):
                    raise model
                if model is not None:
                    served[model.url] = model
            if served:
                return tuple(served[e.url] for e in self._endpoints if e.url in served)

    async def _look_for_model(self, loan: Loan) -> ServedModel | None:
        endpoint = loan.endpoint
        try:
            models = await self._wire.models(endpoint)
        except RefusedError as refused:
            if refused.status != 404:
                await self._refuse(endpoint, refused)
            raise ModelRefusalError(
                f"{endpoint.url}: 404, {refused.said}; it lists no models: check {_API_ROOT}"
            ) from None
        except FaultError as fault:
            self._endpoints.failed(loan, str(fault))
            return None
        self._endpoints.answered(endpoint)
        for model in models:
            if model.id == self.model:
                return model
        names = ", ".join(model.id for model in models) or "no model"
        raise ModelRefusalError(
            f"{endpoint.url}: does not serve {self.model}; give --llm-model one that it serves: {names}"
        )

    async def look(self, endpoint: Endpoint, path: str) -> str | None:
        """What stands at a path below the server's own root, or None; whatever happens, it is no failure."""
        return await self._wire.look(endpoint, path)
