"""The choice of a server for each request: the least loaded of those that answer.

A server that fails is set aside, for 1 s at first and for twice as long each further time, up to 30 s; its
next answer ends that. While all servers are aside, requests wait, and give up when no server has answered
anything for as long as the patience allows. No message holds a URL's user, password or query.
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
from pipelines.llm.keys import MODEL_KEY
from renderers.openai_protocol import is_server_url

_FIRST_ASIDE_S = 1.0
_LONGEST_ASIDE_S = 30.0


class ServersGoneError(CopilotError):
    """No server has answered for as long as the run was to wait. Finished samples are committed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The clock, the way to wait, and the randomness of waits, so that no two requests wait equally long."""

    clock: Callable[[], Seconds] = time.monotonic
    sleep: Callable[[Seconds], Awaitable[None]] = asyncio.sleep
    rng: random.Random = field(default_factory=random.Random)


@dataclass(slots=True, eq=False)
class Endpoint:
    """One server. `url` is the API's root without a user; `in_flight` counts its unanswered requests."""

    url: str
    authorization: str | None = field(default=None, repr=False)
    in_flight: int = 0
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
    def root(self) -> str:
        """The server's own root, below which vLLM has the paths that are not OpenAI's."""
        return self.url.removesuffix("/v1")


@dataclass(frozen=True, slots=True)
class Loan:
    """An endpoint that is lent for one request. `times_aside` is that of the endpoint at the start."""

    endpoint: Endpoint
    times_aside: int


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

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._all)

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Loan]:
        """Lend the least loaded endpoint for a request. Waits if all are aside; raises ServersGoneError."""
        endpoint = await self._find_free()
        endpoint.in_flight += 1
        try:
            yield Loan(endpoint, endpoint.times_aside)
        finally:
            endpoint.in_flight -= 1

    async def _find_free(self) -> Endpoint:
        while True:
            now = self._clock()
            free = [endpoint for endpoint in self._all if endpoint.due <= now]
            if free:
                least = min(endpoint.in_flight for endpoint in free)
                return self._rng.choice([endpoint for endpoint in free if endpoint.in_flight == least])
            await self.wait(min(endpoint.due for endpoint in self._all) - now)

    async def wait(self, seconds: Seconds) -> None:
        """Wait with a request, for no longer than the patience lasts. Raises ServersGoneError at its end."""
        left_s = self._patience_left_s()
        if left_s <= 0:
            raise self._gone_error()
        if seconds > 0:
            await self._sleep(min(seconds, left_s))

    def note_answer(self, endpoint: Endpoint) -> None:
        """Record that a server gave an answer: it is no longer aside."""
        endpoint.n_answers += 1
        endpoint.n_failures, endpoint.due, endpoint.last_error = 0, float("-inf"), ""
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

    def note_busy(self, loan: Loan, error: str) -> None:
        """Record that a server was too busy to answer: no reason to set it aside, but no answer either."""
        loan.endpoint.last_error = error
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
