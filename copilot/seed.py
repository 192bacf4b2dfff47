"""A seed: one line of text with a stable id, which inspires a dialogue."""

from __future__ import annotations

from dataclasses import dataclass


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
class Seed:
    """One line of text.

    `id` names the source of the text and is the same on every machine, such as
    `librispeech/1089-134686-0000`. `given` is the dialogue itself, for a designer that takes it as it is.
    `foreign` is the language of the text if it is surely not that of the run; such a seed is rejected.
    """

    id: str
    text: str
    given: Given | None = None
    foreign: str | None = None
