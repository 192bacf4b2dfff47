"""The options that decide how sounds are rendered."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from copilot.errors import UserError
from pipelines.options.option import Option
from pipelines.options.values import parse_settings

if TYPE_CHECKING:
    from pipelines.stages.worker_spec import ExecutionSettings

_Option = functools.partial(Option, group="Sound")
_LIBRARY = "library"


@dataclass(frozen=True, kw_only=True)
class SfxOptions:
    """The options that decide what makes all sounds but speech; None for those that were not given."""

    sfx: Annotated[
        str,
        _Option(
            "Renderer of effects, music and ambience: procedural, library:FOLDER, stable-audio[:MODEL], or "
            "another that copilot renderers lists. Of several, such as library:FOLDER,procedural, the first "
            "that has something fitting makes the sound.",
            metavar="NAME[:TARGET],...",
            common=True,
        ),
    ] = "procedural"
    sfx_set: Annotated[
        Sequence[str] | None,
        _Option(
            "Setting of the sfx renderer; of several, RENDERER.NAME=VALUE. Repeat it for several settings.",
            metavar="NAME=VALUE",
        ),
    ] = None
    licences: Annotated[
        str | None,
        _Option(
            "Licences that recordings of the library may have, such as CC0,CC-BY.",
            default="all",
        ),
    ] = None

    def _sfx_fields(self) -> dict[str, Any]:
        """Return the fields of a `RunConfig` that these options decide. Raises UserError."""
        sfx_settings = parse_settings(self.sfx_set or (), "sfx_set")
        if self.licences is not None:
            self._set_licences(sfx_settings, self.licences)
        return {"sfx": self.sfx, "sfx_settings": sfx_settings}

    def _set_licences(self, sfx_settings: dict[str, Any], licences: str) -> None:
        """Add the licences to the settings of the library. Raises UserError if there is none."""
        from renderers.chain import parse_chain

        members = parse_chain(self.sfx, "sfx", sfx_settings)
        if all(member.spec.partition(":")[0] != _LIBRARY for member in members):
            raise UserError(f"has no effect with `sfx` {self.sfx}; use library:FOLDER", field="licences")
        own = sfx_settings if len(members) == 1 else sfx_settings.setdefault(_LIBRARY, {})
        own["licences"] = licences


@dataclass(frozen=True, kw_only=True)
class SoundOptions(SfxOptions):
    """The options of renderers and of the stem store; None for those that were not given."""

    tts: Annotated[
        str,
        _Option(
            "Renderer of speech: hibari, espeak, vibevoice[:MODEL], or another that copilot renderers lists.",
            metavar="NAME[:TARGET]",
            common=True,
        ),
    ] = "hibari"
    tts_set: Annotated[
        Sequence[str] | None,
        _Option("Setting of the tts renderer. Repeat it for several settings.", metavar="NAME=VALUE"),
    ] = None
    voices: Annotated[
        str | None,
        _Option(
            "Voice bank, for a tts renderer that clones voices. See copilot voices.",
            metavar="FOLDER",
            common=True,
        ),
    ] = None
    variants: Annotated[
        int | None,
        _Option(
            "Takes of a caption at each whole second of duration, shared by all dialogues.",
            default="every sound is new",
            low=1,
        ),
    ] = None
    stems: Annotated[
        str | None,
        _Option(
            "Stem store to share between runs: a folder or URI.",
            metavar="PATH",
            default="RUN/stems",
            common=True,
        ),
    ] = None
    at_once: Annotated[
        int | None,
        _Option("Dialogues that each worker processes together.", default="4", low=1, high=64),
    ] = None
    batch_s: Annotated[
        float | None,
        _Option("Seconds of sound in one batch of a model.", default="the model's own", low=1),
    ] = None
    batch_deadline: Annotated[
        float | None,
        _Option("Seconds after which a batch counts as hung.", default="the model's own", low=1),
    ] = None
    device: Annotated[
        str | None,
        _Option("Device of models: cpu, mps, cuda or cuda:N.", default="workers share all GPUs"),
    ] = None

    def _sound_fields(self) -> dict[str, Any]:
        """Return the fields of a `RunConfig` that these options decide. Raises UserError."""
        return self._sfx_fields() | {
            "tts": self.tts,
            "tts_settings": parse_settings(self.tts_set or (), "tts_set"),
            "voices": self.voices,
            "variants": self.variants,
        }

    def create_execution_settings(self) -> ExecutionSettings:
        """Return what the work is done with. Raises UserError for a device that is missing or unused."""
        from pipelines.stages.worker_spec import ExecutionSettings
        from renderers import device, registry
        from renderers.contract import RenderSettings

        if self.device is not None:
            device.require_device(self.device)
            sfx_settings = parse_settings(self.sfx_set or (), "sfx_set")
            is_used = registry.uses_device(self.sfx, "sfx", sfx_settings)
            if not (is_used or registry.uses_device(self.tts, "tts")):
                raise UserError(
                    f"{self.device}: no renderer of this run uses a device; leave it out", field="device"
                )
        work = RenderSettings(self.batch_s, self.batch_deadline, self.device)
        return ExecutionSettings(self.stems, self.at_once, work)
