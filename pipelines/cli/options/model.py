"""The options that decide how a language model writes dialogues, and what they make of a configuration.

They are told once, as the fields of `ModelOptions`, and are the same for every command that takes them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from copilot.errors import UserError
from copilot.validation import first_fault

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    from copilot.designers.llm.service import LlmService
    from copilot.designers.llm.settings import LlmSettings
    from copilot.dialogue import Task

M = TypeVar("M", bound="BaseModel")

_PANEL = "Language model"
_Option = functools.partial(typer.Option, rich_help_panel=_PANEL)


class ModeOption(StrEnum):
    """How a dialogue is written."""

    turnwise = "turnwise"
    whole = "whole"


class StructuredOption(StrEnum):
    """How the form of a reply is asked for."""

    json_schema = "json_schema"
    json_object = "json_object"
    none = "none"


@dataclass(frozen=True)
class ModelOptions:
    """The options as they were given; None for those that were not. The names are those of the options."""

    task_mix: Annotated[
        str | None, _Option(help="How often each edit task comes, such as add=2,open=0.5; evenly without it.")
    ] = None
    mode: Annotated[
        ModeOption | None, _Option(help="One request a turn (turnwise, the default), or one a dialogue.")
    ] = None
    llm_url: Annotated[
        list[str] | None,
        _Option(help="A server's API, such as http://HOST:8000/v1; may be given several times."),
    ] = None
    llm_model: Annotated[str | None, _Option(help="The model, by the name that the server gives it.")] = None
    llm_concurrency: Annotated[
        int | None, _Option(help="Requests in flight, over all servers; 64 without it.")
    ] = None
    llm_patience: Annotated[
        float | None, _Option(help="Seconds to wait while no server answers; 600 without it.")
    ] = None
    llm_timeout: Annotated[
        float | None, _Option(help="Seconds that one request may take; 600 without it.")
    ] = None
    llm_structured: Annotated[
        StructuredOption | None,
        _Option(help="Ask for the form of replies by a grammar (json_schema, the default), or by less."),
    ] = None
    llm_temperature: Annotated[float | None, _Option(help="The server's own without it.")] = None
    llm_top_p: Annotated[float | None, _Option(help="The server's own without it.")] = None
    llm_max_tokens: Annotated[
        int | None, _Option(help="Most tokens of a reply with one turn; 2048 without it.")
    ] = None
    llm_speech_share: Annotated[
        float | None, _Option(help="Share of dialogues with speech; 0.5 without it.")
    ] = None
    llm_corrections: Annotated[
        int | None, _Option(help="How often a turn's fault is told to the model; 2 without it.")
    ] = None
    llm_fresh_starts: Annotated[
        int | None, _Option(help="How often a turn begins anew after that; 2 without it.")
    ] = None
    judge: Annotated[bool, _Option("--judge", help="Let a model judge every edit turn.")] = False
    judge_model: Annotated[str | None, _Option(help="The judge; --llm-model without it.")] = None
    judge_url: Annotated[
        list[str] | None, _Option(help="Where the judge is served; at --llm-url without it.")
    ] = None

    def configured(self, designer: str) -> Configured:
        """What the options make of a run's configuration, and of its service.

        Raises UserError, which names the option, for one that is missing, wrong, or of no use.
        """
        from copilot.designers import registry

        task_mix = None if self.task_mix is None else _task_mix(self.task_mix)
        if not registry.find_info(designer).asks_model:
            if useless := [name for name in self._given() if name != "task_mix"]:
                raise UserError(
                    f"{_flag(useless[0])}: the designer {designer} asks no language model; use --designer llm"
                )
            return Configured(task_mix, None, None)
        if not self.llm_url:
            raise UserError(f"--designer {designer}: where is the model served? give --llm-url")
        if self.llm_model is None:
            raise UserError(f"--designer {designer}: which model? give --llm-model")
        if not self.judge and (self.judge_model or self.judge_url):
            raise UserError(f"--judge-{'model' if self.judge_model else 'url'}: is of no use without --judge")
        return Configured(task_mix, self._settings(), self._service())

    def _given(self) -> list[str]:
        """The names of the options that were given."""
        missing = (None, False)
        return [f.name for f in fields(self) if not any(getattr(self, f.name) is value for value in missing)]

    def _settings(self) -> LlmSettings:
        from copilot.designers.llm.settings import LlmSettings

        return _checked(
            LlmSettings,
            {
                "model": ("llm_model", self.llm_model),
                "mode": ("mode", self.mode and self.mode.value),
                "structured": ("llm_structured", self.llm_structured and self.llm_structured.value),
                "temperature": ("llm_temperature", self.llm_temperature),
                "top_p": ("llm_top_p", self.llm_top_p),
                "max_tokens": ("llm_max_tokens", self.llm_max_tokens),
                "speech_share": ("llm_speech_share", self.llm_speech_share),
                "corrections": ("llm_corrections", self.llm_corrections),
                "fresh_starts": ("llm_fresh_starts", self.llm_fresh_starts),
                "judge_model": ("judge_model", (self.judge_model or self.llm_model) if self.judge else None),
            },
        )

    def _service(self) -> LlmService:
        from copilot.designers.llm.service import LlmService

        return _checked(
            LlmService,
            {
                "urls": ("llm_url", self.llm_url),
                "concurrency": ("llm_concurrency", self.llm_concurrency),
                "timeout_s": ("llm_timeout", self.llm_timeout),
                "patience_s": ("llm_patience", self.llm_patience),
                "judge_urls": ("judge_url", self.judge_url),
            },
        )


@dataclass(frozen=True)
class Configured:
    """What the options come to. Without a designer that asks a model there is only the task mix."""

    task_mix: Mapping[Task, float] | None
    llm: LlmSettings | None
    service: LlmService | None


def _checked(model: type[M], given: Mapping[str, tuple[str, Any]]) -> M:
    """The model of its fields, each given with the option that it comes from."""
    from pydantic import ValidationError

    try:
        return model(**{name: value for name, (_, value) in given.items() if value is not None})
    except ValidationError as error:
        _refuse(error, {name: option for name, (option, _) in given.items()})


def _refuse(error: ValidationError, options: Mapping[str, str]) -> NoReturn:
    fault = first_fault(error)
    option = _flag(options[str(fault.path[0])])
    raise UserError(f"{option} {fault.value}: {fault.message[:1].lower()}{fault.message[1:]}") from error


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _task_mix(text: str) -> dict[Task, float]:
    from copilot.dialogue import EDIT_TASKS

    weights: dict[Task, float] = {}
    for part in text.split(","):
        name, _, figure = (piece.strip() for piece in part.partition("="))
        task = next((task for task in EDIT_TASKS if task == name), None)
        weight = _weight(figure)
        if task is None or weight is None or task in weights:
            raise UserError(
                f"--task-mix {text}: {part.strip()!r} is no task with its weight, or comes twice; "
                f"give such as add=2,open=0.5 of {', '.join(EDIT_TASKS)}"
            )
        weights[task] = weight
    if not sum(weights.values()):
        raise UserError(f"--task-mix {text}: no task is left; give one a weight above 0")
    return weights


def _weight(figure: str) -> float | None:
    try:
        weight = float(figure)
    except ValueError:
        return None
    return weight if math.isfinite(weight) and weight >= 0 else None
