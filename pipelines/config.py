"""The configuration of a run: everything that decides its samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from copilot.designers.llm.settings import LlmSettings
from copilot.dialogue import Task
from copilot.frozen_model import FrozenModel
from copilot.scene import SceneLimits
from copilot.server_url import hide_secrets_within
from copilot.vocabulary import BitDepth, Keep


class RunConfig(FrozenModel):
    """The configuration of a run. The number of samples and of workers is not part of it.

    `task_mix` weighs the tasks of edit turns (default: evenly). `llm` is for designers that ask a language
    model, `designer_settings` for those with settings of their own. `sfx` and `tts` are `NAME` or
    `NAME:TARGET`, with settings of those renderers; `voices` is the folder of a voice bank. With `variants` a
    caption has so many takes, shared by all dialogues.
    """

    seeds: str
    run_seed: int = Field(default=0, ge=0, lt=2**63)
    n_turns: int = Field(default=3, ge=1)
    designer: str = "scripted"
    designer_settings: Mapping[str, Any] = Field(default_factory=dict)
    task_mix: Mapping[Task, float] | None = None
    llm: LlmSettings | None = None
    sfx: str = "procedural"
    sfx_settings: Mapping[str, Any] = Field(default_factory=dict)
    tts: str = "espeak"
    tts_settings: Mapping[str, Any] = Field(default_factory=dict)
    voices: str | None = None
    variants: int | None = Field(default=None, ge=1)
    keep: Keep = "both"
    mix_bits: BitDepth = 16
    limits: SceneLimits = SceneLimits()

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Name the fields that differ from their defaults, URLs without users and passwords."""
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if field.is_required() or value != field.get_default(call_default_factory=True):
                yield name, value if name == "seeds" else hide_secrets_within(value)

    @model_serializer(mode="wrap")
    def _leave_out_unset(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Fingerprints from before `designer_settings` existed stay equal.
        content: dict[str, Any] = serialize(self)
        if not self.designer_settings:
            content.pop("designer_settings", None)
        return content
