"""The choice of a server for each request: the least loaded of those that answer.

A server that fails is set aside, for 1 s at first and for twice as long each further time, up to 30 s; its
next answer ends that. One that is too slow for the requests in flight gets fewer (`pipelines.llm.flights`).
While no server is free, requests wait, and give up when no server has answered anything for as long as the
patience allows, and none is at work. No message holds a URL's user, password or query.
"""

from __future__ import annotations

import asyncio
import random
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from copilot.errors import CopilotError, UserError
from copilot.server_url import hide_secrets
from copilot.units import Seconds
from pipelines.llm.dialect import Dialect
from pipelines.llm.flights import Flight, Flights
from pipelines.llm.keys import MODEL_KEY
from renderers.openai_protocol import is_server_url

_FIRST_ASIDE_S = 1.0
_LONGEST_ASIDE_S = 30.0
LONGEST_RETRY_AFTER_S: Seconds = 60.0
"""The longest time for which a server is left alone because it says so."""


class ServersGoneError(CopilotError):
    """No server has answered for as long as the run was to wait. Finished samples are committed."""


class ServersSlowError(CopilotError):
    """The servers are there, but none has given a reply in time for as long as the run was to wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The clock, the way to wait, and the randomness of waits, so that no two requests wait equally long."""

    clock: Callable[[], Seconds] = time.monotonic
    sleep: Callable[[Seconds], Awaitable[None]] = asyncio.sleep
    rng: random.Random = field(default_factory=random.Random)


@dataclass(slots=True, eq=False)
class Endpoint:
    """One server. `url` is the API's root without a user; `flights` are its unanswered requests."""

    url: str
    authorization: str | None = field(default=None, repr=False)
    flights: Flights = field(default_factory=Flights, repr=False)
    n_answers: int = 0
    last_error: str = ""
    """Why the last request got no answer; empty after an answer."""
    n_failures: int = 0
    """The number of times that it was set aside since its last answer."""
    times_aside: int = 0
    due: Seconds = float("-inf")
    """The end of its time aside, by the clock."""
    n_completions: int = 0
    """The number of chat completions among its answers."""
    n_misfits: int = 0
    """The number of its answers that were none, before its first completion."""
    form: object = None
    """The `response_format` of its last completion; None if there was none."""
    dialect: Dialect = field(default_factory=Dialect)
    is_slow: bool = False
    """True if the last request got no answer in time, though the server took it."""

    @classmethod
    def parse(cls, given: str, field: str = "llm_url") -> Endpoint:
        """Return the endpoint of a URL, whose user and password become a header.

        Raises UserError with the field if it is not a server's URL.
        """
        if not is_server_url(given):
            raise UserError(
                f"{hide_secrets(given)} is not a server's URL; give one such as http://HOST:8000/v1",
                field=field,
            )
        parts = urlsplit(given)
        if parts.query or parts.fragment:
            raise UserError(
                f"{hide_secrets(given)} has a query; give the API's root alone, and a key as {MODEL_KEY}",
                field=field,
            )
        authorization = None
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = f"Basic {b64encode(user.encode()).decode()}"
        host = str(parts.hostname)
        named = f"[{host}]" if ":" in host else host
        at = named if parts.port is None else f"{named}:{parts.port}"
        return cls(f"{parts.scheme}://{at}{parts.path.rstrip('/')}", authorization)

    @property
    def in_flight(self) -> int:
        """The number of its unanswered requests."""
        return len(self.flights)

    @property
    def root(self) -> str:
        """The server's own root, below which vLLM has the paths that are not OpenAI's."""
        return self.url.removesuffix("/v1")


@dataclass(frozen=True, slots=True)
class Loan:
    """An endpoint that is lent for one request. `times_aside` is that of the endpoint at the start."""

    endpoint: Endpoint
    times_aside: int
    flight: Flight = field(default_factory=Flight)


class Endpoints:
    """The servers of one model. Raises UserError with the field for anything that is not a server's URL."""

    def __init__(
        self, urls: Sequence[str], patience_s: Seconds, timing: Timing, field: str = "llm_url"
    ) -> None:
        self._all = [Endpoint.parse(url, field) for url in dict.fromkeys(urls)]
        if not self._all:
            raise UserError("missing; give a server's URL, such as http://HOST:8000/v1", field=field)
        self._patience_s = patience_s
        self._clock, self._sleep, self._rng = timing.clock, timing.sleep, timing.rng
        self._silent_since: Seconds | None = None
        self._landed = asyncio.Event()

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._all)

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Loan]:
        """Lend the least loaded endpoint for a request. Waits if none is free; raises ServersGoneError."""
        endpoint = await self._find_free()
        flight = endpoint.flights.start(asyncio.get_running_loop().time())
        is_answered = False
        try:
            yield Loan(endpoint, endpoint.times_aside, flight)
            is_answered = not flight.has_failed
        finally:
            endpoint.flights.land(flight, is_answered=is_answered)
            self._landed.set()

    async def _find_free(self) -> Endpoint:
        while True:
            now = self._clock()
            free = [endpoint for endpoint in self._all if endpoint.due <= now and endpoint.flights.has_room]
            if free:
                least = min(endpoint.in_flight for endpoint in free)
                return self._rng.choice([endpoint for endpoint in free if endpoint.in_flight == least])
            aside = [endpoint.due for endpoint in self._all if endpoint.due > now]
            if len(aside) == len(self._all):
                await self.wait(min(aside) - now)
            else:
                await self._wait_for_room(min(aside) - now if aside else None)

    async def _wait_for_room(self, seconds: Seconds | None) -> None:
        """Wait until a request is no longer in flight, or for so many seconds."""
        self._landed.clear()
        waits: list[asyncio.Future[object]] = [asyncio.ensure_future(self._landed.wait())]
        if seconds is not None:
            waits.append(asyncio.ensure_future(self._sleep(seconds)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in waits:
                waiting.cancel()

    async def wait(self, seconds: Seconds) -> None:
        """Wait with a request, for no longer than the patience lasts. Raises ServersGoneError at its end."""
        left_s = self._patience_left_s()
        if left_s > 0:
            seconds = min(seconds, left_s)
        elif not any(endpoint.flights.is_at_work for endpoint in self._all):
            raise self._gone_error()
        if seconds > 0:
            await self._sleep(seconds)

    def note_answer(self, endpoint: Endpoint) -> None:
        """Record that a server gave an answer: it is no longer aside."""
        endpoint.n_answers += 1
        endpoint.n_failures, endpoint.due, endpoint.last_error = 0, float("-inf"), ""
        endpoint.is_slow = False
        self._silent_since = None

    def note_failure(self, loan: Loan, error: str) -> None:
        """Set a server aside that gave no answer, unless it was set aside since the request started."""
        self.note_busy(loan, error)
        endpoint = loan.endpoint
        if endpoint.times_aside == loan.times_aside:
            longest = min(_FIRST_ASIDE_S * 2 ** min(endpoint.n_failures, 10), _LONGEST_ASIDE_S)
            endpoint.n_failures += 1
            endpoint.times_aside += 1
            endpoint.due = self._clock() + longest * self._rng.uniform(0.5, 1.0)

    def note_timeout(self, loan: Loan, error: str) -> None:
        """Record that a server gave no reply in time: it gets fewer requests at once.

        It is set aside if it has answered no other meanwhile.
        """
        if loan.endpoint.flights.shrink(loan.flight):
            self.note_busy(loan, error)
        else:
            self.note_failure(loan, error)
        loan.endpoint.is_slow = True

    def note_limit(self, loan: Loan, error: str, retry_after_s: Seconds | None) -> None:
        """Record that a server gets too many requests: it gets fewer at once, and none before its time."""
        loan.endpoint.flights.halve(loan.flight)
        self.note_busy(loan, error)
        if retry_after_s is not None:
            held_s = min(retry_after_s, LONGEST_RETRY_AFTER_S)
            loan.endpoint.due = max(loan.endpoint.due, self._clock() + held_s)

    def note_busy(self, loan: Loan, error: str) -> None:
        """Record that a server was too busy to answer: no reason to set it aside, but no answer either."""
        loan.endpoint.last_error, loan.endpoint.is_slow = error, False
        loan.endpoint.flights.note_failure(loan.flight)
        if self._silent_since is None:
            self._silent_since = self._clock()

    def _patience_left_s(self) -> Seconds:
        # A server that has not failed since its last answer may be at work on one.
        if self._silent_since is None or not all(endpoint.last_error for endpoint in self._all):
            return float("inf")
        return self._silent_since + self._patience_s - self._clock()

    def _gone_error(self) -> ServersGoneError:
        waited_s = self._clock() - (self._silent_since or 0.0)
        errors = "; ".join(f"{endpoint.url}: {endpoint.last_error}" for endpoint in self._all)
        return ServersGoneError(
            f"no server of the language model has answered for {waited_s:.0f} s ({errors}); finished samples "
            "are committed: start the server, and run the same command again to resume"
        )
