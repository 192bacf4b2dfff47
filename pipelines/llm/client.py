"""Sends requests to language models over OpenAI's protocol, until there is a reply or no hope of one.

Failed connections, time-outs, 429, 5xx and the like are retried, elsewhere or later. What a server says of
all requests, such as of the key or the model, ends the run with one message. What it says of one, such as of
its content or length, is the reply to that one, and so is a refusal whose words tell neither if the server
has answered others meanwhile, or answers a trivial request. A request that fails again and again on servers
that answer others rejects its row only; time in a server's queue does not count. Keys and passwords are in no
message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from copilot.designers.llm.exchange import Ask, Reply
from copilot.designers.llm.service import LlmLimits
from copilot.designers.llm.settings import LlmSettings, Structured
from copilot.errors import CopilotError, RowFault
from copilot.units import Seconds
from pipelines.llm.answers import ServedModel
from pipelines.llm.endpoints import (
    LONGEST_RETRY_AFTER_S,
    Endpoint,
    Endpoints,
    Loan,
    ServersGoneError,
    ServersSlowError,
    Timing,
)
from pipelines.llm.flights import TooSlowError
from pipelines.llm.keys import get_model_key
from pipelines.llm.refusals import ServerRole, explain_refusal
from pipelines.llm.served import TRIVIAL_MESSAGES, TRIVIAL_TOKENS, look_for_model
from pipelines.llm.wire import Wire
from renderers.openai_protocol import OF_ALL, BusyError, FaultError, RefusedError

_N_BLAMES = 4
"""Failures of a request on servers that answer others meanwhile, before it rejects its row."""
_N_PASSED_OVER = 30
"""The same for servers that are busy: the request may be too large for them."""
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestForm:
    """The form of requests and replies. `temperature` and `top_p` are the server's own if not given."""

    structured: Structured = "json_schema"
    temperature: float | None = None
    top_p: float | None = None

    @classmethod
    def of(cls, settings: LlmSettings) -> Self:
        """Return the form that a designer's settings ask for."""
        return cls(structured=settings.structured, temperature=settings.temperature, top_p=settings.top_p)


class ModelClient:
    """One model at one or more URLs: an async context manager, entered once in the loop that uses it.

    Raises UserError for a URL or key that cannot be one, with the role's setting for a URL; MissingExtraError
    when entered without openai. The role is that of the model that writes if it is not given.
    """

    def __init__(
        self,
        urls: Sequence[str],
        model: str,
        *,
        form: RequestForm | None = None,
        limits: LlmLimits | None = None,
        role: ServerRole | None = None,
        timing: Timing | None = None,
    ) -> None:
        limits, timing = limits or LlmLimits(), timing or Timing()
        self.model = model
        self._form = form or RequestForm()
        self._concurrency, self._timeout_s = limits.concurrency, limits.timeout_s
        self._rng = timing.rng
        self._role = role or ServerRole(get_model_key())
        self._endpoints = Endpoints(urls, limits.patience_s, timing, self._role.urls)
        self._wire = Wire(self.endpoints, self._role.key, limits.timeout_s)
        self._slots = asyncio.Semaphore(limits.concurrency)

    async def __aenter__(self) -> Self:
        self._wire.open(n_kept=self._concurrency)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._wire.close()

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The servers, each with the number of its requests in flight."""
        return tuple(self._endpoints)

    @property
    def in_flight(self) -> int:
        """The number of requests that the servers work on."""
        return sum(endpoint.in_flight for endpoint in self._endpoints)

    async def ask(self, ask: Ask) -> Reply:
        """Return the reply to one request.

        Raises RowFault `server-error` if only this request fails, ModelRefusalError, ServersGoneError and
        ServersSlowError to end the run.
        """
        body = self._body(ask)
        async with self._slots:
            try:
                return await self._retry_until_answered(body)
            except ServersGoneError as gone:
                raise await self._explain_silence(gone) from None

    async def _explain_silence(self, gone: ServersGoneError) -> CopilotError:
        """Return the error that ends the run: that no server is there, or that those there are too slow."""
        slow = [endpoint for endpoint in self._endpoints if endpoint.is_slow]
        alive = await asyncio.gather(*map(self._wire.is_alive, slow))
        if not any(alive):
            return gone
        urls = ", ".join(endpoint.url for endpoint, is_alive in zip(slow, alive, strict=True) if is_alive)
        return ServersSlowError(
            f"{urls}: takes connections, but no request got its reply within {self._timeout_s:g} s; what is "
            "written is kept. Raise `service.timeout_s`, set `service.concurrency` to the number of requests "
            "that the server works on at once, or use a smaller model or a faster server; then run the same "
            "command again to resume"
        )

    def _body(self, ask: Ask) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": message.role, "content": message.content} for message in ask.messages],
            "max_tokens": ask.max_tokens,
        }
        form = self._form
        temperature = form.temperature if ask.temperature is None else ask.temperature
        sampling = {"temperature": temperature, "top_p": form.top_p}
        body |= {name: value for name, value in sampling.items() if value is not None}
        if form.structured == "json_schema":
            grammar = {"name": ask.grammar.name, "schema": ask.grammar.schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": grammar}
        elif form.structured == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    async def _retry_until_answered(self, body: dict[str, Any]) -> Reply:
        n_busy = n_faults = n_timeouts = n_blames = n_passed_over = 0
        # What each server had answered when this request last failed there.
        known: dict[Endpoint, int] = {}
        while True:
            async with self._endpoints.lend() as loan:
                endpoint = loan.endpoint
                before = known.setdefault(endpoint, endpoint.n_answers)
                try:
                    # If no other request was answered since, a trivial one shows if the server or this
                    # request is at fault.
                    if n_faults >= _N_BLAMES and endpoint.n_answers == before:
                        await self._complete(loan, self._trivial_body())
                    return await self._complete(loan, body)
                except FaultError as error:
                    fault = error
            others_answered = endpoint.n_answers > before
            known[endpoint] = endpoint.n_answers
            if isinstance(fault, BusyError):
                n_busy += 1
                n_passed_over += others_answered
            elif isinstance(fault, TooSlowError):
                # A request that may have waited in the server's queue is not to blame for that.
                n_timeouts += 1
                n_blames += others_answered and loan.flight.was_at_work
            else:
                n_faults += 1
                n_blames += others_answered
            if n_blames == _N_BLAMES or n_passed_over == _N_PASSED_OVER:
                raise RowFault("server-error", f"{endpoint.url} answers others, but this request: {fault}")
            await self._endpoints.wait(self._wait_s(fault, n_busy, n_faults + n_timeouts))

    def _wait_s(self, fault: FaultError, n_busy: int, n_faults: int) -> Seconds:
        """Return the wait before a request is sent again: none at first, if another server may answer."""
        if isinstance(fault, BusyError) and fault.retry_after_s is not None:
            return min(fault.retry_after_s, LONGEST_RETRY_AFTER_S) * self._rng.uniform(1.0, 1.2)
        n_waits = n_busy + max(n_faults - 1, 0)
        if n_waits == 0:
            return 0.0
        longest = min(_FIRST_WAIT_S * 2 ** min(n_waits - 1, 10), _LONGEST_WAIT_S)
        return float(longest * self._rng.uniform(0.5, 1.0))

    async def _complete(self, loan: Loan, body: dict[str, Any]) -> Reply:
        """Return one chat completion, and record how it went. Raises FaultError, ModelRefusalError."""
        before = loan.endpoint.n_completions
        try:
            reply = await self._wire.complete(loan.endpoint, body, loan.flight.limit)
        except RefusedError as refused:
            self._endpoints.note_answer(loan.endpoint)
            return await self._read_refusal(loan, body, refused, before)
        except FaultError as fault:
            self._note_fault(loan, fault)
            raise
        self._endpoints.note_answer(loan.endpoint)
        return reply

    def _note_fault(self, loan: Loan, fault: FaultError) -> None:
        if isinstance(fault, BusyError):
            self._endpoints.note_limit(loan, str(fault), fault.retry_after_s)
        elif isinstance(fault, TooSlowError):
            self._endpoints.note_timeout(loan, str(fault))
        else:
            self._endpoints.note_failure(loan, str(fault))

    async def _read_refusal(
        self, loan: Loan, body: dict[str, Any], refused: RefusedError, before: int
    ) -> Reply:
        """Return the refusal of one request as its reply. Raises ModelRefusalError for one of all."""
        if refused.meaning == "context":
            return Reply(refused.text, "context-length")
        if refused.meaning == "content":
            return Reply(str(refused), "content-refused")
        if refused.meaning not in OF_ALL:
            others_answered = loan.endpoint.n_completions > before
            if others_answered or await self._answers_trivial(loan, body):
                return Reply(str(refused), "refused")
        raise await explain_refusal(self._wire, loan.endpoint, refused, self.model, self._role)

    async def _answers_trivial(self, loan: Loan, body: dict[str, Any]) -> bool:
        """Return whether a server accepts a trivial request, in the form that it has accepted before, if any.

        Raises FaultError if it does not answer now.
        """
        endpoint = loan.endpoint
        trivial = {**body, "messages": list(TRIVIAL_MESSAGES), "max_tokens": TRIVIAL_TOKENS}
        if endpoint.form is not None and "response_format" in trivial:
            trivial["response_format"] = endpoint.form
        try:
            await self._wire.complete(endpoint, trivial)
        except RefusedError as refused:
            return refused.meaning in {"context", "content"}
        except FaultError as fault:
            self._note_fault(loan, fault)
            raise
        return True

    def _trivial_body(self) -> dict[str, Any]:
        return {"model": self.model, "messages": list(TRIVIAL_MESSAGES), "max_tokens": TRIVIAL_TOKENS}

    async def find_served_models(self) -> tuple[ServedModel, ...]:
        """Return the model as each URL that answers serves it, in the order of the URLs.

        Raises ModelRefusalError if one does not serve it, ServersGoneError if none answers in time.
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
        try:
            found = await look_for_model(self._wire, loan.endpoint, self.model, self._role)
        except FaultError as fault:
            self._note_fault(loan, fault)
            return None
        self._endpoints.note_answer(loan.endpoint)
        return found

    async def look(self, endpoint: Endpoint, path: str) -> str | None:
        """Return the text at a path below the server's own root, or None: no failure counts."""
        return await self._wire.look(endpoint, path)
