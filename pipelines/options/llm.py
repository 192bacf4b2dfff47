"""The options of a language model that writes dialogues: the model's settings, and where it is served."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from copilot.errors import UserError
from pipelines.options.option import Option, refuse

if TYPE_CHECKING:
    from pydantic import BaseModel

    from copilot.designers.llm.service import LlmLimits, LlmService
    from copilot.designers.llm.settings import LlmSettings

M = TypeVar("M", bound="BaseModel")

_Option = functools.partial(Option, group="Language model")

_SETTINGS: Mapping[str, str] = {
    "model": "llm_model",
    "mode": "mode",
    "structured": "llm_structured",
    "temperature": "llm_temperature",
    "top_p": "llm_top_p",
    "max_tokens": "llm_max_tokens",
    "corrections": "llm_corrections",
    "fresh_starts": "llm_fresh_starts",
    "examples": "llm_examples",
    "judge_model": "judge_model",
}
"""The option of each field of `LlmSettings`."""

_LIMITS: Mapping[str, str] = {
    "concurrency": "llm_concurrency",
    "timeout_s": "llm_timeout",
    "patience_s": "llm_patience",
}
_SERVICE: Mapping[str, str] = {"urls": "llm_url", "judge_urls": "judge_url", **_LIMITS}
"""The option of each field of `LlmService`."""


@dataclass(frozen=True, kw_only=True)
class LlmOptions:
    """The options of a language model; None for those that were not given."""

    llm_url: Annotated[
        Sequence[str] | None,
        _Option(
            "API of a server, such as http://HOST:8000/v1. Repeat it for several servers.",
            metavar="URL",
            common=True,
        ),
    ] = None
    llm_model: Annotated[
        str | None, _Option("Model, by the name that the server lists.", metavar="NAME", common=True)
    ] = None
    mode: Annotated[
        Literal["turnwise", "whole"] | None,
        _Option("One request for each turn (turnwise), or one for the dialogue (whole).", default="turnwise"),
    ] = None
    llm_concurrency: Annotated[int | None, _Option("Requests in flight, over all servers.", default="64")] = (
        None
    )
    llm_patience: Annotated[
        float | None, _Option("Seconds to wait while no server answers.", default="600")
    ] = None
    llm_timeout: Annotated[
        float | None,
        _Option("Seconds that one request may take, without the wait in the server's queue.", default="600"),
    ] = None
    llm_structured: Annotated[
        Literal["json_schema", "json_object", "none"] | None,
        _Option("How to ask for the form of a reply: by a grammar, or by less.", default="json_schema"),
    ] = None
    llm_temperature: Annotated[float | None, _Option("Sampling temperature.", default="the server's own")] = (
        None
    )
    llm_top_p: Annotated[float | None, _Option("Nucleus sampling.", default="the server's own")] = None
    llm_max_tokens: Annotated[
        int | None, _Option("Most tokens of a reply that holds one turn.", default="2048")
    ] = None
    llm_corrections: Annotated[
        int | None, _Option("How often a fault in a turn is reported to the model.", default="2")
    ] = None
    llm_fresh_starts: Annotated[
        int | None, _Option("How often a turn is started again after that.", default="2")
    ] = None
    llm_correct: Annotated[
        Literal["hq", "valid"] | None,
        _Option(
            "Faults to report to the model: all that keep a dialogue out of hq, or only those that reject it "
            "(valid).",
            default="hq",
        ),
    ] = None
    llm_examples: Annotated[
        int | None, _Option("Replies that each request shows as examples.", default="2")
    ] = None
    judge: Annotated[bool, _Option("Let a model judge every edit turn.")] = False
    judge_model: Annotated[str | None, _Option("Model that judges.", default="--llm-model")] = None
    judge_url: Annotated[
        Sequence[str] | None, _Option("Server of the judge.", default="--llm-url", metavar="URL")
    ] = None

    def list_llm_options(self) -> list[str]:
        """Return the names of the options of a language model that are set."""
        values = {f.name: getattr(self, f.name) for f in fields(LlmOptions)}
        return [name for name, value in values.items() if value is not None and value is not False]

    def create_llm_settings(self, model: str) -> LlmSettings:
        """Return the settings for a model. Raises UserError."""
        from copilot.designers.llm.settings import LlmSettings

        if not self.judge:
            for name in ("judge_model", "judge_url"):
                if getattr(self, name):
                    raise UserError("has no effect without `judge`", field=name)
        judge_model = (self.judge_model or model) if self.judge else None
        correct_hq = None if self.llm_correct is None else self.llm_correct == "hq"
        others = {"model": model, "judge_model": judge_model, "correct_hq": correct_hq}
        return self._create(LlmSettings, _SETTINGS, others)

    def create_llm_service(self, urls: Sequence[str]) -> LlmService:
        """Return the service of the model at these URLs. Raises UserError."""
        from copilot.designers.llm.service import LlmService

        return self._create(LlmService, _SERVICE, {"urls": tuple(urls)})

    def create_llm_limits(self) -> LlmLimits:
        """Return how the servers may be used, wherever they are. Raises UserError."""
        from copilot.designers.llm.service import LlmLimits

        return self._create(LlmLimits, _LIMITS)

    def _create(
        self, model: type[M], options: Mapping[str, str], others: Mapping[str, object] | None = None
    ) -> M:
        """Create a model from the options of its fields; `others` go before the options."""
        from pydantic import ValidationError

        values = {field: getattr(self, option) for field, option in options.items()}
        values |= others or {}
        try:
            return model(**{name: value for name, value in values.items() if value is not None})
        except ValidationError as error:
            refuse(error, options)
