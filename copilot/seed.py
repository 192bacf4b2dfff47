"""A seed: one line of text with a stable id, which inspires a dialogue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seed:
    """One line of text.

    `id` names the source of the text and is the same on every machine, such as
    `librispeech/1089-134686-0000`.
    """

    id: str
    text: str
