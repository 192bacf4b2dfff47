"""The account of a dialogue: the way it was written, and its cost.

Light to import: ledgers and counts are made of it.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, field

from copilot.units import Seconds


@dataclass(frozen=True, slots=True)
class Usage:
    """The use that was made of a language model. Usages add up.

    `corrections` counts the requests that reported a fault of the reply to the model, `fresh_starts` those
    that started a turn again, `repairs` the replies that had to be mended before they were JSON. Cached
    tokens are part of the prompt tokens. `seconds` is the time from first request to last reply.
    """

    requests: int = 0
    corrections: int = 0
    fresh_starts: int = 0
    repairs: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    generated_tokens: int = 0
    seconds: Seconds = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(ours + theirs for ours, theirs in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Account:
    """The record of how a dialogue was written: by which model, from which prompt, at what cost.

    `raw_replies` holds every reply in the order of the requests, useless ones included.
    """

    model: str | None = None
    prompt: str | None = None
    prompt_hash: str | None = None
    usage: Usage = field(default_factory=Usage)
    raw_replies: tuple[str, ...] = field(default=(), repr=False)
