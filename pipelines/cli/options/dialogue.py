"""The options that decide what is made of which seeds, and what they make of a configuration."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options.values import parse_settings

if TYPE_CHECKING:
    from copilot.scene import SceneLimits
    from pipelines.cli.options.model import Configured

_Option = functools.partial(typer.Option, rich_help_panel="Dialogues")


class KeepOption(StrEnum):
    """What audio a sample stores."""

    mixes = "mixes"
    stems = "stems"
    both = "both"


class BitsOption(StrEnum):
    """Bit depth of the mixes."""

    b16 = "16"
    b24 = "24"


@dataclass(frozen=True)
class DialogueOptions:
    """The options that dialogues follow from, as they were given."""

    seeds: Annotated[
        str,
        _Option(
            help="Where seeds come from: starter, librispeech[:PATH], common-voice[:PATH.tsv], text:PATH, "
            "jsonl:PATH#FIELD, hub:DATASET#COLUMN."
        ),
    ]
    seed: Annotated[int, _Option(min=0, max=2**63 - 1, help="The run's random seed.")] = 0
    turns: Annotated[int, _Option(min=1, help="Turns a dialogue, the story included.")] = 3
    designer: Annotated[str, _Option(help="Writes them: scripted, llm, or a package's own.")] = "scripted"
    designer_set: Annotated[
        list[str] | None,
        _Option(metavar="NAME=VALUE", help="A setting of that designer; may be given several times."),
    ] = None
    limits: Annotated[
        Path | None, _Option(help="JSON file with scene limits, where they differ from the published.")
    ] = None

    def configured(self, model: Configured) -> dict[str, Any]:
        """The fields of a `RunConfig` that the options decide. Raises UserError for limits that are none."""
        return {
            "seeds": self.seeds,
            "run_seed": self.seed,
            "n_turns": self.turns,
            "designer": self.designer,
            "designer_settings": parse_settings(self.designer_set or (), "--designer-set"),
            "task_mix": model.task_mix,
            "llm": model.llm,
            "limits": _read_limits(self.limits),
        }


@dataclass(frozen=True)
class SampleOptions(DialogueOptions):
    """With what is stored of them."""

    keep: Annotated[KeepOption, _Option(help="What audio the samples store.")] = KeepOption.both
    bits: Annotated[BitsOption, _Option(help="Bit depth of the mixes.")] = BitsOption.b16

    def configured(self, model: Configured) -> dict[str, Any]:
        """As of `DialogueOptions`."""
        stored = {"keep": self.keep.value, "mix_bits": 24 if self.bits is BitsOption.b24 else 16}
        return super().configured(model) | stored


def _read_limits(path: Path | None) -> SceneLimits:
    from copilot.scene import SceneLimits
    from pipelines.json_file import read_model

    if path is None:
        return SceneLimits()
    return read_model(SceneLimits, path, "--limits", "see: copilot schema scene-limits")
