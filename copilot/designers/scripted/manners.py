"""The manners of users: terse, polite, rambling or casual, and what they say around a request."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from copilot.designers.scripted.dice import Dice
from copilot.frozen_model import FrozenModel

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_QUOTED = re.compile(r'("[^"]*")')
_POLITE = re.compile(r"\b(?:please|could|would|can|may|kindly|mind|thanks?)\b", re.IGNORECASE)
_MOST_DRAWN = 2


class Manner(FrozenModel):
    """The manner of one user.

    `share` is its part of the dialogues, `before` and `behind` are the chances of a sentence around a
    request, and `takes` is the phrasing that the user takes out of several.
    """

    share: float = Field(default=1.0, gt=0)
    before: float = Field(default=0.35, ge=0, le=1)
    behind: float = Field(default=0.0, ge=0, le=1)
    takes: Literal["any", "shortest", "longest", "politest"] = "any"
    lower_case: bool = False

    @property
    def n_drawn(self) -> int:
        """The number of phrasings out of which the user takes one."""
        return 1 if self.takes == "any" else _MOST_DRAWN

    def choose(self, texts: Sequence[str]) -> int:
        """Return the position of the text that the user takes; the first of equal ones."""
        scores = [self._score(text) for text in texts]
        return scores.index(max(scores))

    def _score(self, text: str) -> int:
        if self.takes == "politest":
            return len(_POLITE.findall(text))
        return {"any": 0, "shortest": -len(text), "longest": len(text)}[self.takes]

    def write(self, request: str) -> str:
        """Return a request as the user writes it."""
        if not self.lower_case:
            return request
        parts = _QUOTED.split(request)
        lower = "".join(part if part.startswith('"') else part.lower() for part in parts)
        return lower.removesuffix(".")


def draw_manner(manners: Mapping[str, Manner], dice: Dice) -> Manner:
    """Draw a manner by the shares."""
    return manners[dice.pick_weighted({name: manner.share for name, manner in manners.items()})]


def expand(text: str, dice: Dice) -> str:
    """Return the text with one part drawn of each choice: `[Add|Put in] some rain`."""
    while found := _CHOICE.search(text):
        text = text[: found.start()] + dice.pick(found[1].split("|")) + text[found.end() :]
    return text
