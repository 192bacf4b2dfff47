"""The beginning of a clause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["statement", "question", "command", "exclamation"]


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a clause: the places of its first word and its finite verb.

    `cost` is what may be held against it. If it is `fronted`, the object stands before the verb: "what do you
    want".
    """

    first: int
    verb: int
    kind: Kind
    cost: float = 0.0
    fronted: bool = False
