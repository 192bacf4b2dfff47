"""The settings that decide what a language model is asked. Where it is served is not part of them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from copilot.dialogue import Mode
from copilot.frozen_model import FrozenModel

Structured = Literal["json_schema", "json_object", "none"]
"""The way to ask for the form of a reply: by a grammar, by "some JSON object", or by words alone."""


class LlmSettings(FrozenModel):
    """The settings of a designer that asks a language model; part of a run's fingerprint.

    `temperature` and `top_p` are the server's own if they are not given. `max_tokens` is for one reply
    with one turn; a reply that holds a whole dialogue may have as many for each turn.
    """

    model: str = Field(min_length=1)
    mode: Mode = "turnwise"
    structured: Structured = "json_schema"
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int = Field(default=2048, ge=64)
    corrections: int = Field(
        default=2, ge=0, description="How often a turn's fault is reported to the model."
    )
    fresh_starts: int = Field(default=2, ge=0, description="How often a turn is started again after that.")
    correct_hq: bool = Field(
        default=True, description="Report faults that only keep a dialogue out of hq, too."
    )
    examples: int = Field(default=2, ge=0, le=4, description="Replies that each request shows as examples.")
    judge_model: str | None = Field(default=None, description="Judges every edit turn (default: no judge).")
