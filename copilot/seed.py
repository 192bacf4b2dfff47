"""A seed: one line of text with a stable id, which inspires a dialogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from copilot.dialogue import Dialogue
    from copilot.sample import CastVoice

STARTER_SEEDS = Path(__file__).with_name("starter_seeds.txt")
"""The sentences that come with the package, one a line."""


@dataclass(frozen=True, slots=True)
class Given:
    """A dialogue or a scene that a user gives, as JSON.

    `place` names it for messages: `mine.jsonl:3`. `fault` says why it cannot be used, if that is known before
    the text is parsed; `reason` is the kebab-case reason of the reject then.
    """

    place: str
    text: str
    reason: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Continued:
    """A sample whose dialogue is continued: its turns, voices, and stems (keys by element id) stay."""

    dialogue: Dialogue
    stem_keys: Mapping[int, str]
    voices: tuple[CastVoice, ...]


@dataclass(frozen=True, slots=True)
class Seed:
    """One line of text.

    `id` names the source of the text and is the same on every machine, such as
    `librispeech/1089-134686-0000`. `given` is the dialogue itself, for a designer that takes it as it is.
    `foreign` is the language of the text if it is surely not that of the run. Such a seed is rejected, unless
    it is `silent`: then its dialogue has no speech, and nothing in it comes from the words of the text.
    `requests` are the user's own, word for word: the first of the story turn, the others of the turns after
    it. If a sample is `continued`, they are those of the new turns.
    """

    id: str
    text: str
    given: Given | None = None
    foreign: str | None = None
    silent: bool = False
    requests: tuple[str, ...] = ()
    continued: Continued | None = None

    @property
    def own_requests(self) -> range:
        """The turns whose requests are not the designer's: the user's own, and those of the sample."""
        n_old = len(self.continued.dialogue.turns) if self.continued is not None else 0
        return range(n_old + len(self.requests))

    def count_turns(self, n_turns: int) -> int:
        """Return the turns of the dialogue: those of several requests, else the `n_turns` of the run."""
        return len(self.requests) if len(self.requests) > 1 and self.continued is None else n_turns
