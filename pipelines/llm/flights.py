"""The requests in flight at one server: how many it gets at once, and from when on the time of each counts.

Servers work on some requests at a time, in the order in which they came, and let the others wait. So the time
of a request starts again with each answer to one that was sent before it, or at about the same time: it may
have waited for that. A time-out halves the number of requests in flight, or makes it one if the server has
answered nothing meanwhile; a rate limit halves it as well. Each answer then allows a little more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import islice
from math import inf

from copilot.units import Seconds
from renderers.openai_protocol import FaultError

_SAME_TIME_S: Seconds = 5.0
"""Requests that are sent within this time may reach the server in any order."""


class TooSlowError(FaultError):
    """A server took the request, but gave no reply within the time for one."""


@dataclass(slots=True)
class TimeLimit:
    """The time that a reply may take, on the clock of the event loop. It can start again."""

    _timeout: asyncio.Timeout | None = None
    _seconds: Seconds = 0.0

    def begin(self, timeout: asyncio.Timeout, seconds: Seconds) -> None:
        """Limit the time by a time-out that begins now."""
        self._timeout, self._seconds = timeout, seconds

    def restart(self) -> None:
        """Let the time start again, unless it is over."""
        if self._timeout is None or self._timeout.expired():
            return
        end, set_to = asyncio.get_running_loop().time() + self._seconds, self._timeout.when()
        # Moving a timer costs: with hundreds of answers a second, small steps are not worth it.
        if set_to is None or end - set_to > self._seconds / 100:
            self._timeout.reschedule(end)

    def end(self) -> None:
        """Limit nothing more."""
        self._timeout = None


@dataclass(slots=True, eq=False)
class Flight:
    """One request in flight. `n_answered` and `n_failed` are the counts of its server when it was sent."""

    sent_at: Seconds = 0.0
    n_answered: int = 0
    n_failed: int = 0
    limit: TimeLimit = field(default_factory=TimeLimit)
    is_first: bool = True
    """True if none that may have come before it was in flight when its time started."""
    is_overtaken: bool = False
    """True if a request that was sent later was answered first."""
    has_failed: bool = False

    @property
    def was_at_work(self) -> bool:
        """True if the server worked on it for its whole time: it did not wait for others."""
        return self.is_first or self.is_overtaken


class Flights:
    """The requests in flight at one server, in the order in which they were sent."""

    def __init__(self) -> None:
        # A dictionary keeps the order, and finds one at once.
        self._flights: dict[Flight, None] = {}
        self._window = inf
        self._n_answered = self._n_failed = 0

    def __len__(self) -> int:
        return len(self._flights)

    @property
    def has_room(self) -> bool:
        """True if the server can get another request."""
        return len(self._flights) + 1 <= self._window

    @property
    def is_at_work(self) -> bool:
        """True if a request is in flight that was sent since the server's last failure."""
        return any(flight.n_failed == self._n_failed for flight in self._flights)

    def start(self, now: Seconds) -> Flight:
        """Add a request that is sent now."""
        flight = Flight(now, self._n_answered, self._n_failed)
        self._flights[flight] = None
        flight.is_first = self._is_first(flight)
        oldest = next(iter(self._flights))
        oldest.is_first = oldest.is_first and self._is_first(oldest)
        return flight

    def land(self, flight: Flight, *, is_answered: bool) -> None:
        """Remove a request that was answered, or failed, or was given up."""
        del self._flights[flight]
        if not is_answered:
            return
        self._n_answered += 1
        self._window += 1 / self._window
        for other in self._flights:
            if other.sent_at < flight.sent_at - _SAME_TIME_S:
                other.is_overtaken = True
            else:
                other.is_first = self._is_first(other)
                other.limit.restart()

    def _is_first(self, flight: Flight) -> bool:
        oldest, *others = islice(self._flights, 2)
        return oldest is flight and all(flight.sent_at < other.sent_at - _SAME_TIME_S for other in others)

    def note_failure(self, flight: Flight) -> None:
        """Record that a request failed."""
        flight.has_failed = True
        self._n_failed += 1

    def halve(self, flight: Flight) -> None:
        """Allow half as many requests, since one was too many: once for those in flight together."""
        if flight.n_failed == self._n_failed:
            self._window = max(1.0, len(self._flights) / 2)

    def shrink(self, flight: Flight) -> bool:
        """Allow fewer requests, since the time of one is over; return whether the server answered meanwhile.

        Time-outs of requests that were in flight together shrink the number once.
        """
        has_answered = self._n_answered > flight.n_answered
        if flight.n_failed == self._n_failed:
            self._window = max(1.0, len(self._flights) / 2) if has_answered else 1.0
        return has_answered
