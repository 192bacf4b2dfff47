"""The configuration of a run: everything that decides its samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from copilot.designers.contract import DEFAULT_SPEECH_SHARE
from copilot.designers.llm.settings import LlmSettings
from copilot.dialogue import Task
from copilot.edit import Operation
from copilot.frozen_model import FrozenModel
from copilot.language import ENGLISH, normalise_tag
from copilot.scene import SceneLimits
from copilot.server_url import hide_secrets_within
from copilot.vocabulary import BitDepth, ForeignSeeds, Keep

GIVEN = "given"
"""The designer that takes dialogues from a file, which is then the source of the seeds as well."""


Captions = Literal["own", "library"]
"""The sounds that a designer writes about: those of its own choice, or those that the library has."""


class Continuation(FrozenModel):
    """The sample that a run continues, with the requests or operations that were given for its new turns.

    `content` is the hash of the sample's dialogue, stems and voices.
    """

    sample: str
    content: str
    requests: tuple[str, ...] = ()
    operations: tuple[tuple[Operation, ...], ...] = ()


class RunConfig(FrozenModel):
    """The configuration of a run. The number of samples and of workers is not part of it.

    `seeds` is needed unless the designer is `given:FILE`, whose file is the source.
    With `captions` "library" the designer writes about the sounds that the renderer `sfx` lists.
    `language` is that of seeds, requests, descriptions and speech, as a BCP-47 tag (default: English, but
    seeds of any language for a designer that is not bound to one). `foreign_seeds` in other languages are
    rejected, or become dialogues without speech.
    `task_mix` weighs the tasks of edit turns (default: evenly). `speech_share` is the share of dialogues with
    speech. `llm` is for designers that ask a language
    model, `designer_settings` for those with settings of their own. `sfx` and `tts` are `NAME` or
    `NAME:TARGET`, with settings of those renderers; `voices` is the folder of a voice bank. With `variants` a
    caption has so many takes, shared by all dialogues. `continues` is for `pipelines.continue_dialogue`.
    """

    seeds: str = ""
    language: str | None = None
    foreign_seeds: ForeignSeeds = "reject"
    run_seed: int = Field(default=0, ge=0, lt=2**63)
    n_turns: int = Field(default=3, ge=1)
    designer: str = "scripted"
    designer_settings: Mapping[str, Any] = Field(default_factory=dict)
    captions: Captions = "own"
    task_mix: Mapping[Task, float] | None = None
    speech_share: float = Field(default=DEFAULT_SPEECH_SHARE, ge=0, le=1)
    llm: LlmSettings | None = None
    sfx: str = "procedural"
    sfx_settings: Mapping[str, Any] = Field(default_factory=dict)
    tts: str = "hibari"
    tts_settings: Mapping[str, Any] = Field(default_factory=dict)
    voices: str | None = None
    variants: int | None = Field(default=None, ge=1)
    keep: Keep = "both"
    mix_bits: BitDepth = 16
    limits: SceneLimits = SceneLimits()
    continues: Continuation | None = None

    @model_validator(mode="before")
    @classmethod
    def _take_seeds_from_given(cls, values: Any) -> Any:  # noqa: ANN401 - whatever the caller gives
        if not isinstance(values, dict):
            return values
        source = find_given(values.get("designer"), values.get("designer_settings"))
        if source is not None and values.get("seeds") in {None, "", source}:
            return values | {"seeds": source}
        return values

    @model_validator(mode="after")
    def _check_seeds(self) -> Self:
        source = find_given(self.designer, self.designer_settings)
        if source is not None and self.seeds != source:
            raise ValueError(f"seeds: {self.seeds}: leave it out, as the dialogues of {source} are the seeds")
        if source is None and self.designer_name == GIVEN and self.continues is None:
            raise ValueError("designer: its file is missing; give given:FILE")
        if not self.seeds:
            raise ValueError("seeds: missing; for a first try give starter")
        return self

    @field_validator("language")
    @classmethod
    def _normalise_language(cls, given: str | None) -> str | None:
        return None if given is None else normalise_tag(given)

    @property
    def spoken_language(self) -> str:
        """The language of speech."""
        return self.language or ENGLISH

    @property
    def designer_name(self) -> str:
        """The designer without its target."""
        return self.designer.partition(":")[0]

    @model_validator(mode="before")
    @classmethod
    def _find_speech_share(cls, content: Any) -> Any:  # noqa: ANN401 - any input
        """Take the share of speech from the place where runs have it in their fingerprints."""
        llm = content.get("llm") if isinstance(content, dict) else None
        if not isinstance(llm, dict) or "speech_share" not in llm:
            return content
        others = {name: value for name, value in llm.items() if name != "speech_share"}
        return {"speech_share": llm["speech_share"], **content, "llm": others}

    def with_seeds(self, seeds: str) -> Self:
        """Return the configuration with the same source under another name, such as a file that has moved."""
        update = {"seeds": seeds}
        if find_given(self.designer) is not None:
            update["designer"] = seeds
        return self.model_copy(update=update)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Name the fields that differ from their defaults, URLs without users and passwords."""
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value != field.get_default(call_default_factory=True):
                yield name, value if name == "seeds" else hide_secrets_within(value)

    @model_serializer(mode="wrap")
    def _leave_out_unset(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # Fingerprints from before these settings existed, or had their own place, stay equal.
        content: dict[str, Any] = serialize(self)
        if self.continues is None:
            content.pop("continues", None)
        if not self.designer_settings:
            content.pop("designer_settings", None)
        if self.language is None:
            content.pop("language", None)
        if self.captions == "own":
            content.pop("captions", None)
        if self.foreign_seeds == "reject":
            content.pop("foreign_seeds", None)
        share = content.pop("speech_share", DEFAULT_SPEECH_SHARE)
        if self.llm is not None:
            content["llm"]["speech_share"] = share
        elif share != DEFAULT_SPEECH_SHARE:
            content["speech_share"] = share
        return content


def find_given(designer: object, settings: object = None) -> str | None:
    """Return `given:FILE`, the source of the seeds, if that is the designer with its file; else None."""
    name, _, file = designer.partition(":") if isinstance(designer, str) else ("", "", "")
    if name != GIVEN:
        return None
    file = file or (settings.get("file", "") if isinstance(settings, Mapping) else "")
    return f"{GIVEN}:{file}" if file else None
