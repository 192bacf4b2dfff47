"""The options that decide how sounds are rendered, and what they make of a configuration."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from copilot.errors import UserError
from pipelines.cli.options.values import parse_settings

if TYPE_CHECKING:
    from pipelines.stages.worker_spec import ExecutionSettings

_Option = functools.partial(typer.Option, rich_help_panel="Sound")


@dataclass(frozen=True)
class SoundOptions:
    """The options as they were given; None for those that were not."""

    sfx: Annotated[
        str,
        _Option(
            metavar="NAME[:TARGET]",
            help="Renders effects, music and ambience: procedural, library:FOLDER, stable-audio[:MODEL], or "
            "another that copilot renderers lists.",
        ),
    ] = "procedural"
    sfx_set: Annotated[
        list[str] | None,
        _Option(metavar="NAME=VALUE", help="A setting of that renderer; may be given several times."),
    ] = None
    tts: Annotated[
        str,
        _Option(metavar="NAME[:TARGET]", help="Renders speech: espeak, vibevoice[:MODEL], or another."),
    ] = "espeak"
    tts_set: Annotated[
        list[str] | None,
        _Option(metavar="NAME=VALUE", help="A setting of that renderer; may be given several times."),
    ] = None
    licences: Annotated[
        str | None, _Option(help="Licences that recordings of the library may have, such as CC0,CC-BY.")
    ] = None
    voices: Annotated[str | None, _Option(metavar="FOLDER", help="A voice bank: see copilot voices.")] = None
    variants: Annotated[
        int | None,
        _Option(
            min=1,
            help="Takes of a caption at each whole second of duration, shared by all dialogues; without it "
            "every sound is new.",
        ),
    ] = None
    stems: Annotated[
        str | None,
        _Option(help="Stem store to share between runs: a folder or a URI; RUN/stems without it."),
    ] = None
    at_once: Annotated[
        int | None,
        _Option(min=1, max=64, help="Dialogues that a worker takes through the stages together; 4 without."),
    ] = None
    batch_s: Annotated[
        float | None, _Option(min=1, help="Seconds of sound in one batch of a model; its own without it.")
    ] = None
    batch_deadline: Annotated[
        float | None, _Option(min=1, help="Seconds after which a batch counts as hung; the model's own.")
    ] = None
    device: Annotated[
        str | None, _Option(help="For models: cpu, cuda:1; without it workers share the GPUs that are there.")
    ] = None

    def configured(self) -> dict[str, Any]:
        """The fields of a `RunConfig` that the options decide. Raises UserError, which names the option."""
        sfx_settings = parse_settings(self.sfx_set or (), "--sfx-set")
        if self.licences is not None:
            if self.sfx.partition(":")[0] != "library":
                raise UserError(f"--licences: is for --sfx library:FOLDER, not for {self.sfx}; leave it out")
            sfx_settings["licences"] = self.licences
        return {
            "sfx": self.sfx,
            "sfx_settings": sfx_settings,
            "tts": self.tts,
            "tts_settings": parse_settings(self.tts_set or (), "--tts-set"),
            "voices": self.voices,
            "variants": self.variants,
        }

    def execution_settings(self) -> ExecutionSettings:
        """What the work is done with. Raises UserError for a device that is not there, or of no use."""
        from pipelines.stages.worker_spec import ExecutionSettings
        from renderers import device, registry
        from renderers.contract import RenderSettings

        if self.device is not None:
            device.require_device(self.device)
            if not (registry.uses_device(self.sfx, "sfx") or registry.uses_device(self.tts, "tts")):
                raise UserError(f"--device {self.device}: no renderer of this run uses one; leave it out")
        work = RenderSettings(self.batch_s, self.batch_deadline, self.device)
        return ExecutionSettings(self.stems, self.at_once, work)
