"""Scenes and their elements, and the limits that a scene keeps.

A scene's elements stand in the order of their ids, whatever order they came in, so that equal scenes are
equal values. The models enforce the meaning of the fields (a panning lies in [-1, 1]); `SceneLimits` says
what a data set allows, and the rules check scenes against it.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from copilot.emotions import Emotion
from copilot.frozen_model import FrozenModel, Range
from copilot.units import Lufs, Seconds

Role = Literal["ambience", "effect", "music", "speech"]
SoundRole = Literal["ambience", "effect", "music"]
Gender = Literal["female", "male"]


class _MixParameters(FrozenModel):
    id: int = Field(ge=0, lt=2**31, description="Names one sound for the whole dialogue; never used again.")
    loudness: Lufs = Field(ge=-70, le=0, description="Integrated loudness in LUFS (ITU-R BS.1770).")
    panning: float = Field(ge=-1, le=1, description="-1 is left, 0 the centre, 1 right.")
    start_time: Seconds = Field(ge=0, description="Start in the scene, in seconds.")
    duration: Seconds = Field(gt=0, description="Duration, in seconds.")

    @property
    def end_time(self) -> Seconds:
        """The end of the element in the scene, in seconds."""
        return self.start_time + self.duration


class SoundElement(_MixParameters):
    """A sound without words: an ambience, an effect or music."""

    tool: Literal["sfx"] = "sfx"
    role: SoundRole
    text: str = Field(description="What is heard, as a caption.")


class SpeechElement(_MixParameters):
    """Spoken words."""

    tool: Literal["tts"] = "tts"
    role: Literal["speech"] = "speech"
    text: str = Field(description="The words to speak.")
    speaker: str = Field(min_length=1, description="Who speaks; one voice for the whole dialogue.")
    gender: Gender
    emotion: Emotion = "neutral"

    @property
    def speaker_key(self) -> str:
        """The speaker's name without regard to case: "Anna" and "anna" are one."""
        return self.speaker.casefold()


Element = Annotated[SoundElement | SpeechElement, Field(discriminator="tool")]
"""One sound of a scene."""

MIX_FIELDS = ("loudness", "panning", "start_time", "duration")
"""The fields that an edit may change without making it another sound."""


class Scene(FrozenModel):
    """The sounds of one turn, in the order of their ids. Raises ValueError for an id used twice."""

    elements: tuple[Element, ...] = ()

    @field_validator("elements", mode="after")
    @classmethod
    def _order(cls, elements: tuple[Element, ...]) -> tuple[Element, ...]:
        ids = [element.id for element in elements]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"elements: id {', '.join(map(str, twice))} used twice in one scene")
        return tuple(sorted(elements, key=lambda element: element.id))

    def __len__(self) -> int:
        return len(self.elements)

    def get(self, element_id: int) -> Element | None:
        """Return the element with that id, or None."""
        return next((element for element in self.elements if element.id == element_id), None)

    @property
    def ids(self) -> frozenset[int]:
        """The ids that are alive."""
        return frozenset(element.id for element in self.elements)

    @property
    def duration_s(self) -> Seconds:
        """The end of the last element, in seconds; 0 for an empty scene."""
        return max((element.end_time for element in self.elements), default=0.0)


class SceneLimits(FrozenModel):
    """What a data set allows. The defaults are those published for AudioCopilot (arXiv 2602.17097).

    Scenes of 30 s and 20 elements are a configuration: `duration_s=30, n_elements=20`, and ranges for
    `start_time_s` and `element_duration_s`, which are those of 8 s otherwise.
    """

    duration_s: Seconds = Field(default=8.0, gt=0)
    n_elements: int = Field(default=10, ge=1)
    n_turns: int = Field(default=5, ge=1)
    loudness_lufs: Range = Range(low=-30, high=-10)
    panning: Range = Range(low=-1, high=1)
    ambience_panning: Range = Range(low=-0.1, high=0.1)
    start_time_s: Range = Range(low=0, high=4)
    element_duration_s: Range = Range(low=0.2, high=8)
    text_chars: int = Field(default=300, ge=1, description="Longest caption or line.")
    user_chars: int = Field(default=600, ge=1, description="Longest request of the user.")
    description_chars: int = Field(default=1200, ge=1)
    words_per_s: Range = Range(low=0.5, high=5.0)
    """Speakable rates: slower sounds stretched, faster cannot be spoken."""
    loudness_step_lu: float = Field(default=0.1, gt=0, description="Resolution of loudness.")
    panning_step: float = Field(default=0.01, gt=0, description="Resolution of panning.")
    time_step_s: Seconds = Field(default=0.01, gt=0, description="Resolution of times.")

    @model_validator(mode="after")
    def _within_meaning(self) -> Self:
        widest = {
            "loudness_lufs": Range(low=-70, high=0),
            "panning": Range(low=-1, high=1),
            "ambience_panning": Range(low=-1, high=1),
        }
        for name, allowed in widest.items():
            limits = getattr(self, name)
            if limits.low not in allowed or limits.high not in allowed:
                raise ValueError(
                    f"{name}: {limits.low} to {limits.high} reaches past {allowed.low} to {allowed.high}"
                )
        for name in ("start_time_s", "element_duration_s"):
            low = getattr(self, name).low
            if not 0 <= low < self.duration_s:
                raise ValueError(f"{name}: begins at {low}, outside a scene of {self.duration_s} s")
        first_s, shortest_s = self.start_time_s.low, self.element_duration_s.low
        if first_s + shortest_s > self.duration_s:
            raise ValueError(
                f"start_time_s: a sound of {shortest_s} s or more that starts at {first_s} or later has no "
                f"room in a scene of {self.duration_s} s; lower one of them"
            )
        if self.ambience_panning.low > self.panning.high or self.ambience_panning.high < self.panning.low:
            raise ValueError(
                f"ambience_panning: {self.ambience_panning.low} to {self.ambience_panning.high} lies outside "
                f"panning, {self.panning.low} to {self.panning.high}; an ambience has to be in both"
            )
        return self
