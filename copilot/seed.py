"""A seed: one line of text with a stable id, which inspires a dialogue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seed:
    """One line of text.

    `id` says where the text comes from and is stable across machines, such as
    `librispeech/1089-134686-0000`.
    """

    id: str
    text: str
