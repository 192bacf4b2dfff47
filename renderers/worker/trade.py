"""The messages of one kind of work, such as rendering, as `renderers.worker.client` needs them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from renderers.worker.messages import AnyGreeting

G = TypeVar("G", bound=AnyGreeting)
R = TypeVar("R")
P = TypeVar("P")
F = TypeVar("F", bound="Failure")


class Failure(Protocol):
    """The reason (kebab-case) why one request has no product, and a detail for people."""

    def __init__(self, reason: str, detail: str) -> None: ...

    @property
    def reason(self) -> str: ...  # noqa: D102

    @property
    def detail(self) -> str: ...  # noqa: D102


class Trade(ABC, Generic[G, R, P, F]):
    """The messages of one kind of work: of renderers that make sounds, of listeners that hear clips."""

    op: str
    """The operation of a batch: `render`."""
    product: str
    """The word for a good answer, in messages: `sound`."""
    own_error: str
    """The reason of the failure of a request that breaks the child: `renderer-error`."""
    failure: type[F]

    @abstractmethod
    def parse_greeting(self, header: Mapping[str, Any]) -> G:
        """Return a worker's greeting. Raises BadAnswerError."""

    @abstractmethod
    def write_requests(self, requests: Sequence[R], folder: Path) -> list[dict[str, Any]]:
        """Return the requests as the protocol has them; write their files into the folder."""

    @abstractmethod
    def read_answer(self, answer: object, request: R, folder: Path) -> P | F:
        """Return one answer. Raises BadAnswerError for one that breaks the protocol."""
