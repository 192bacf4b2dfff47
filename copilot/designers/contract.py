"""What a designer hands over: a dialogue, what it cost to write, and who wrote it."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

from copilot.errors import RowFault
from copilot.units import Seconds

if TYPE_CHECKING:
    from copilot.dialogue import Dialogue
    from copilot.seed import Seed
    from copilot.vocabulary import Check


@dataclass(frozen=True, slots=True)
class Usage:
    """What was asked of a language model. Usages add up.

    `corrections` counts the requests that told the model what was wrong with its reply, `fresh_starts` those
    that began a turn anew, `repairs` the replies that had to be mended before they were JSON. Cached tokens
    are part of the prompt tokens. `seconds` is the time from first request to last reply.
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
    """How a dialogue was written: by which model, from which prompt, at what cost, in which replies.

    `raw_replies` holds every reply, in the order of the requests, those that were of no use included.
    """

    model: str | None = None
    prompt: str | None = None
    prompt_hash: str | None = None
    usage: Usage = field(default_factory=Usage)
    raw_replies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Design:
    """A dialogue with its account. `checks` are the designer's own, such as a judge's verdicts."""

    dialogue: Dialogue
    account: Account = field(default_factory=Account)
    checks: tuple[Check, ...] = ()


class DesignFault(RowFault):
    """No dialogue can be made of a seed; the account says what was tried."""

    def __init__(self, reason: str, detail: str, account: Account) -> None:
        super().__init__(reason, detail)
        self.account = account

    def __reduce__(self) -> tuple[type[DesignFault], tuple[str, str, Account]]:  # type: ignore[override]
        return (type(self), (self.reason, self.detail, self.account))


class Designer(Protocol):
    """A backend which turns a seed into a dialogue."""

    name: str

    def fingerprint(self) -> dict[str, str]:
        """Whatever changes the dialogues: version, model, settings."""
        ...

    def design(self, seed: Seed, run_seed: int) -> Dialogue:
        """The dialogue for a seed. Raises RowFault where none can be made."""
        ...


@runtime_checkable
class AsyncDesigner(Protocol):
    """A designer that waits for a server, and so writes many dialogues at once.

    Entered once, in the event loop that it works in; it holds connections until it is left.
    """

    name: str
    concurrency: int
    """How many dialogues are to be written at once."""

    def fingerprint(self) -> dict[str, str]:
        """Whatever changes the dialogues: version, model, settings; the prompts have hashes of their own."""
        ...

    def prompt_hashes(self) -> dict[str, str]:
        """The content hash of each prompt, by name."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc_info: object) -> None: ...

    async def design_async(self, seed: Seed, run_seed: int) -> Design:
        """The dialogue for a seed. Raises DesignFault where none can be made, CopilotError to end the run."""
        ...
