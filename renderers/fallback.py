"""A renderer behind another one, for texts that the first has nothing for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import Field

from copilot.frozen_model import FrozenModel
from renderers.contract import (
    RenderedSound,
    Renderer,
    RenderFailure,
    RenderRequest,
    Tool,
    Voice,
    get_info,
    list_problems,
)


class FallbackSettings(FrozenModel):
    """Settings of a renderer that may have another one behind it. The registry puts the two together."""

    fallback: str | None = Field(
        default=None, description="The renderer of what nothing fits, as NAME or NAME:TARGET; default: none."
    )
    fallback_settings: Mapping[str, Any] = Field(
        default_factory=dict, description="Settings of that renderer: fallback_settings.NAME=VALUE."
    )


class FallbackRenderer:
    """Renders with `first`; what that has no match for, with `second`, whose name the sound then carries.

    Closes both. The stems' keys hold the fingerprints of both.
    """

    def __init__(self, first: Renderer, second: Renderer) -> None:
        self.first, self.second = first, second
        self.name = first.name
        self.tool: Tool = first.tool
        own, other = get_info(first), get_info(second)
        self.info = replace(
            own,
            batch_s=min(own.batch_s, other.batch_s),
            least_s=max(own.least_s, other.least_s),
            deadline_s=max(own.deadline_s, other.deadline_s),
        )

    @property
    def problems(self) -> tuple[str, ...]:
        """Problems of both. Raises as they do."""
        return (*list_problems(self.first), *list_problems(self.second))

    def fingerprint(self) -> dict[str, str]:
        """Return the first one's fingerprint, and the second one's with `fallback.` before its names."""
        others = {f"fallback.{name}": text for name, text in self.second.fingerprint().items()}
        return {**self.first.fingerprint(), **others}

    def prepare(self) -> None:
        """Prepare both. Raises CopilotError as they do."""
        self.first.prepare()
        self.second.prepare()

    def voices(self) -> Sequence[Voice]:
        """Return the first one's voices."""
        return self.first.voices()

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return one answer per request: the second one's for those that the first could not match."""
        answers = list(self.first.render(requests))
        unmatched = [
            place
            for place, answer in enumerate(answers)
            if isinstance(answer, RenderedSound) and not answer.matched
        ]
        if unmatched:
            others = self.second.render([requests[place] for place in unmatched])
            for place, other in zip(unmatched, others, strict=True):
                answers[place] = self._name_backend(other)
        return answers

    def _name_backend(self, answer: RenderedSound | RenderFailure) -> RenderedSound | RenderFailure:
        if isinstance(answer, RenderFailure):
            return answer
        return replace(answer, backend=answer.backend or self.second.name)

    def close(self) -> None:
        """Close both."""
        try:
            self.first.close()
        finally:
            self.second.close()
