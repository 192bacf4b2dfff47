"""Where requests go: to the least loaded of the servers that answer.

A server that fails is set aside, for 1 s at first and for twice as long each further time, up to 30 s; its
next answer ends that. While all are aside requests wait, and give up when no server has answered anything
for as long as the patience allows. What is shown of a URL never holds a user, a password or a query.
"""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from copilot.errors import CopilotError, UserError
from copilot.units import Seconds

_FIRST_ASIDE_S = 1.0
_LONGEST_ASIDE_S = 30.0


class ServersGoneError(CopilotError):
    """No server has answered for as long as the run was to wait. What was made is committed."""


@dataclass(slots=True, eq=False)
class Endpoint:
    """One server. `url` is the API's root without a user; `in_flight` are the requests that it works on."""

    url: str
    authorization: str | None = field(default=None, repr=False)
    in_flight: int = 0
    n_answers: int = 0
    last_error: str = ""
    """Why it gave no answer when it was last asked; empty after an answer."""
    n_failures: int = 0
    """How often it was set aside since its last answer."""
    times_aside: int = 0
    due: Seconds = float("-inf")
    """Until when it is set aside, by the clock."""

    @classmethod
    def parse(cls, given: str) -> Endpoint:
        """The endpoint of a URL, whose user and password become a header. Raises UserError."""
        try:
            parts = urlsplit(given)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if host is None or parts.scheme not in {"http", "https"}:
            raise UserError(f"{shown_url(given)}: not a URL of a server, such as http://HOST:8000/v1")
        if parts.query or parts.fragment:
            raise UserError(
                f"{shown_url(given)}: a query cannot be given with it; give the API's root alone, "
                "and a key as COPILOT_LLM_API_KEY"
            )
        authorization = None
        if parts.username is not None:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = f"Basic {b64encode(user.encode()).decode()}"
        named = f"[{host}]" if ":" in host else host
        at = named if port is None else f"{named}:{port}"
        return cls(f"{parts.scheme}://{at}{parts.path.rstrip('/')}", authorization)

    @property
    def root(self) -> str:
        """The server's own root, below which vLLM has what is not OpenAI's."""
        return self.url.removesuffix("/v1")


def shown_url(given: str) -> str:
    """A URL as it may be shown: without user, password, query and fragment, whatever it looks like."""
    scheme, separator, rest = given.partition("://") if "://" in given else ("", "", given)
    # A password may hold any sign, so that only what follows the last @ is surely none.
    place = rest.rpartition("@")[2].split("?", 1)[0].split("#", 1)[0]
    return f"{scheme}{separator}{place}"


@dataclass(frozen=True, slots=True)
class Loan:
    """An endpoint, lent for one request; and how often it was aside when the request began."""

    endpoint: Endpoint
    times_aside: int


class Endpoints:
    """The servers of one model. Raises UserError for what is not a server's URL."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        patience_s: Seconds,
        clock: Callable[[], Seconds],
        sleep: Callable[[Seconds], Awaitable[None]],
        rng: random.Random,
    ) -> None:
        self._all = [Endpoint.parse(url) for url in dict.fromkeys(urls)]
        if not self._all:
            raise UserError("no server's URL is given, such as --llm-url http://HOST:8000/v1")
        self._patience_s, self._clock, self._sleep, self._rng = patience_s, clock, sleep, rng
        self._silent_since: Seconds | None = None

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._all)

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Loan]:
        """The least loaded endpoint, for one request. Waits while all are aside; raises ServersGoneError."""
        endpoint = await self._free()
        endpoint.in_flight += 1
        try:
            yield Loan(endpoint, endpoint.times_aside)
        finally:
            endpoint.in_flight -= 1

    async def _free(self) -> Endpoint:
        while True:
            now = self._clock()
            free = [endpoint for endpoint in self._all if endpoint.due <= now]
            if free:
                least = min(endpoint.in_flight for endpoint in free)
                return self._rng.choice([endpoint for endpoint in free if endpoint.in_flight == least])
            await self.wait(min(endpoint.due for endpoint in self._all) - now)

    async def wait(self, seconds: Seconds) -> None:
        """Let a request wait, for no longer than the patience lasts. Raises ServersGoneError at its end."""
        left_s = self._patience_left_s()
        if left_s <= 0:
            raise self._gone()
        if seconds > 0:
            await self._sleep(min(seconds, left_s))

    def answered(self, endpoint: Endpoint) -> None:
        """The server gave an answer, so that it is no longer aside."""
        endpoint.n_answers += 1
        endpoint.n_failures, endpoint.due, endpoint.last_error = 0, float("-inf"), ""
        self._silent_since = None

    def failed(self, loan: Loan, error: str) -> None:
        """The server gave no answer: it is set aside, unless that was known since the request began."""
        self.busy(loan, error)
        endpoint = loan.endpoint
        if endpoint.times_aside == loan.times_aside:
            longest = min(_FIRST_ASIDE_S * 2 ** min(endpoint.n_failures, 10), _LONGEST_ASIDE_S)
            endpoint.n_failures += 1
            endpoint.times_aside += 1
            endpoint.due = self._clock() + longest * self._rng.uniform(0.5, 1.0)

    def busy(self, loan: Loan, error: str) -> None:
        """The server would not answer now: no reason to set it aside, but no answer either."""
        loan.endpoint.last_error = error
        if self._silent_since is None:
            self._silent_since = self._clock()

    def _patience_left_s(self) -> Seconds:
        # A server that has not failed since its last answer may be at work on one.
        if self._silent_since is None or not all(endpoint.last_error for endpoint in self._all):
            return float("inf")
        return self._silent_since + self._patience_s - self._clock()

    def _gone(self) -> ServersGoneError:
        waited_s = self._clock() - (self._silent_since or 0.0)
        errors = "; ".join(f"{endpoint.url}: {endpoint.last_error}" for endpoint in self._all)
        return ServersGoneError(
            f"no server of the language model has answered for {waited_s:.0f} s ({errors}); what was made "
            "is committed: start the server, and run the same command again to go on"
        )
