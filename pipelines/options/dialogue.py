"""The options that dialogues follow from: seeds, turns, tasks, and who writes them."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from copilot.designers.contract import DEFAULT_SPEECH_SHARE
from copilot.errors import UserError
from pipelines.options.limits import read_limits
from pipelines.options.llm import LlmOptions
from pipelines.options.option import Option, refuse
from pipelines.options.values import parse_settings

if TYPE_CHECKING:
    from copilot.designers.llm.service import LlmLimits, LlmService
    from copilot.dialogue import Task
    from pipelines.config import RunConfig

OPTION_NAMES: Mapping[str, str] = {
    "run_seed": "random_seed",
    "n_turns": "turns",
    "designer_settings": "designer_set",
    "sfx_settings": "sfx_set",
    "tts_settings": "tts_set",
    "mix_bits": "bits",
}
"""The option of each field of `RunConfig` that has another name."""

_Option = functools.partial(Option, group="Dialogues")


@dataclass(frozen=True, kw_only=True)
class DialogueOptions(LlmOptions):
    """The options that dialogues follow from, with those of a language model."""

    seeds: Annotated[
        str | None,
        _Option(
            "Source of seed texts: starter, librispeech[:PATH], common-voice[:PATH.tsv], text:PATH, "
            "jsonl:PATH#FIELD, hub:DATASET#COLUMN, or what users ask for, requests:PATH#FIELD. Not with "
            "--designer given:FILE.",
            group="",
            metavar="SOURCE",
            required=True,
        ),
    ] = None
    language: Annotated[
        str | None,
        _Option(
            "Language of seeds, requests and speech, as a tag such as de or pt-BR.",
            default="English, and seeds of any language for the designer llm",
            metavar="TAG",
        ),
    ] = None
    foreign_seeds: Annotated[
        Literal["reject", "silent"],
        _Option(
            "Treatment of seeds that are surely in another language: reject, or silent for dialogues without "
            "speech and without the seed's words."
        ),
    ] = "reject"
    random_seed: Annotated[
        int, _Option("Number that seeds every random draw of the run.", low=0, common=True)
    ] = 0
    turns: Annotated[int, _Option("Turns of a dialogue, the story included.", low=1, common=True)] = 3
    designer: Annotated[
        str,
        _Option(
            "Writer of dialogues: scripted, llm, given:FILE (dialogues or scenes of your own, as JSON), or "
            "that of an installed package.",
            common=True,
        ),
    ] = "scripted"
    designer_set: Annotated[
        Sequence[str] | None,
        _Option("Setting of the designer. Repeat it for several settings.", metavar="NAME=VALUE"),
    ] = None
    captions: Annotated[
        Literal["own", "library"],
        _Option("Sounds of the dialogues: own (of the designer's choice), or library, those that --sfx has."),
    ] = "own"
    task_mix: Annotated[
        str | None,
        _Option(
            "Weights of the edit tasks, such as add=2,open=0.5.",
            default="all alike",
            metavar="TASK=WEIGHT,...",
        ),
    ] = None
    speech_share: Annotated[
        float, _Option("Share of dialogues with speech, from 0 to 1.", low=0, high=1, common=True)
    ] = DEFAULT_SPEECH_SHARE
    limits: Annotated[
        Path | None,
        _Option(
            "JSON file with scene limits. See copilot schema scene-limits.",
            default="the published",
            metavar="FILE",
        ),
    ] = None
    limit: Annotated[
        Sequence[str] | None,
        _Option(
            "Limit of scenes by name, such as duration_s=30 or loudness_lufs=-40..-10. Repeat it for several "
            "limits.",
            metavar="NAME=VALUE",
        ),
    ] = None

    def create_run_config(self) -> RunConfig:
        """Return the configuration of dialogues. Raises UserError for a setting that is missing or wrong."""
        from pydantic import ValidationError

        from pipelines.config import RunConfig

        values = self._config_fields()
        try:
            return RunConfig(**values)
        except ValidationError as error:
            refuse(error, OPTION_NAMES)

    def create_service(self) -> LlmService | None:
        """Return where the language model is served, for a designer that asks one. Raises UserError."""
        if not self._asks_model():
            return None
        urls = self._service_urls()
        if not urls:
            raise UserError(f"the designer {self.designer} needs the URL of a server", field="llm_url")
        return self.create_llm_service(urls)

    def create_service_limits(self) -> LlmLimits | None:
        """Return how servers may be used, for a designer that asks a language model. Raises UserError."""
        return self.create_llm_limits() if self._asks_model() else None

    def _config_fields(self) -> dict[str, Any]:
        """Return the fields of a `RunConfig` that these options decide."""
        designer_settings = parse_settings(self.designer_set or (), "designer_set")
        self._check_seeds(designer_settings)
        model = self._model_name()
        asks_model = self._asks_model()
        if asks_model and model is None:
            raise UserError(f"the designer {self.designer} needs the name of a model", field="llm_model")
        return {
            "seeds": self.seeds or "",
            "language": self.language,
            "foreign_seeds": self.foreign_seeds,
            "run_seed": self.random_seed,
            "n_turns": self.turns,
            "designer": self.designer,
            "designer_settings": designer_settings,
            "captions": self.captions,
            "task_mix": None if self.task_mix is None else _read_task_mix(self.task_mix),
            "llm": self.create_llm_settings(model) if asks_model and model else None,
            "speech_share": self.speech_share,
            "limits": read_limits(self.limits, self.limit or ()),
        }

    def _check_seeds(self, designer_settings: Mapping[str, Any]) -> None:
        from pipelines.config import GIVEN, find_given

        source = find_given(self.designer, designer_settings)
        if source is not None and self.seeds is not None:
            raise UserError(
                f"{self.seeds}: leave it out, as the dialogues of {source} are the seeds", field="seeds"
            )
        if source is None and self.designer.partition(":")[0] == GIVEN:
            raise UserError("its file is missing; give given:FILE", field="designer")
        if source is None and self.seeds is None:
            raise UserError("missing; for a first try give starter", field="seeds")

    def _model_name(self) -> str | None:
        return self.llm_model

    def _service_urls(self) -> Sequence[str]:
        return self.llm_url or ()

    def _asks_model(self) -> bool:
        """Return if the designer asks a language model. Raises UserError for options that have no effect."""
        from copilot.designers import registry

        if registry.find_info(self.designer).asks_model:
            return True
        if useless := self.list_llm_options():
            raise UserError(
                f"the designer {self.designer} does not use a language model; use `designer` llm",
                field=useless[0],
            )
        return False


def _read_task_mix(text: str) -> dict[Task, float]:
    from copilot.dialogue import EDIT_TASKS

    weights: dict[Task, float] = {}
    for part in text.split(","):
        name, _, figure = (piece.strip() for piece in part.partition("="))
        task = next((task for task in EDIT_TASKS if task == name), None)
        weight = _read_weight(figure)
        if task is None or weight is None or task in weights:
            raise UserError(
                f"{text}: {part.strip()!r} is not a task with its weight, or is given twice; "
                f"write add=2,open=0.5; tasks: {', '.join(EDIT_TASKS)}",
                field="task_mix",
            )
        weights[task] = weight
    if not sum(weights.values()):
        raise UserError(f"{text}: give at least one task a weight above 0", field="task_mix")
    return weights


def _read_weight(figure: str) -> float | None:
    try:
        weight = float(figure)
    except ValueError:
        return None
    return weight if math.isfinite(weight) and weight >= 0 else None
