"""The record of what a model was asked for one dialogue: counts, and every reply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator

from copilot.designers.account import Usage
from copilot.designers.llm.exchange import Ask, Reply
from copilot.units import Seconds


class Log:
    """Counts requests, and keeps replies."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._replies: list[str] = []

    def count(self, what: str, n: int = 1) -> None:
        """Count one of the fields of `Usage`."""
        self._counts[what] += n

    def ask(self, ask: Ask) -> Generator[Ask, Reply, Reply]:
        """Yield a request, and record the reply."""
        reply = yield ask
        self._replies.append(reply.text)
        self.count("requests")
        for name in ("prompt_tokens", "cached_tokens", "generated_tokens"):
            self.count(name, getattr(reply, name))
        return reply

    @property
    def replies(self) -> tuple[str, ...]:
        """Every reply, in the order of the requests."""
        return tuple(self._replies)

    def usage(self, seconds: Seconds) -> Usage:
        """Return the counts."""
        return Usage(**self._counts, seconds=round(seconds, 3))
