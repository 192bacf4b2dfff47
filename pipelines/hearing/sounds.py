"""The sounds of a sample that a listener is given: stems, and the mixes of its turns.

| kind | speech stems | other stems | mixes |
|---|---|---|---|
| recogniser | yes | | yes |
| detector, scorer | | yes, with their caption | yes, with all captions of the dialogue |
| rater | yes | | |
| embedder | | | yes |
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from copilot.audio.pcm import decode_flac, to_float
from copilot.dialogue import Dialogue
from copilot.errors import CorruptDataError
from copilot.sample import Sample, StoredStem
from copilot.scene import SpeechElement
from copilot.units import Audio
from listeners.contract import HearingFailure, Kind

NOT_KEPT = "not-kept"
"""The reason why a stem is not heard in a run that keeps mixes alone."""
CORRUPT = "corrupt-audio"


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound to hear: `audio` is (channels, samples) at 48 kHz, or the reason why there is none.

    `sha256` is the hash of the decoded samples; the channels are in it.
    """

    sample_id: str
    element_id: int | None
    turn: int | None
    captions: tuple[str, ...]
    audio: Audio | HearingFailure = field(repr=False)
    sha256: str


class SampleSounds:
    """The sounds of one sample, each decoded once, whatever listeners hear it."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self._stems: dict[int, tuple[Audio | HearingFailure, str]] = {}

    def select(self, kind: Kind) -> Iterator[Sound]:
        """Yield the sounds that a listener of this kind is given."""
        spoken = {element.id for element in self._sample.dialogue.elements() if is_speech(element)}
        for stem in self._sample.stems:
            is_spoken = stem.element_id in spoken
            if kind in {"recogniser", "rater"} and is_spoken:
                yield self._make(*self._decode_stem(stem), element_id=stem.element_id)
            elif kind in {"detector", "scorer"} and not is_spoken:
                own = (self._captions[stem.element_id],)
                yield self._make(*self._decode_stem(stem), own, element_id=stem.element_id)
        if kind == "rater":
            return
        captions = tuple(sorted(set(self._captions.values()))) if kind in {"detector", "scorer"} else ()
        if kind in {"detector", "scorer"} and not captions:
            return
        for turn, (audio, sha256) in enumerate(self._mixes):
            yield self._make(audio, sha256, captions, turn=turn)

    def _make(
        self,
        audio: Audio | HearingFailure,
        sha256: str,
        captions: tuple[str, ...] = (),
        element_id: int | None = None,
        turn: int | None = None,
    ) -> Sound:
        return Sound(self._sample.id, element_id, turn, captions, audio, sha256)

    @cached_property
    def _captions(self) -> dict[int, str]:
        return list_captions(self._sample.dialogue)

    def _decode_stem(self, stem: StoredStem) -> tuple[Audio | HearingFailure, str]:
        """Decode a stem when the first listener is given it."""
        if stem.element_id not in self._stems:
            self._stems[stem.element_id] = _decode(stem.flac)
        return self._stems[stem.element_id]

    @cached_property
    def _mixes(self) -> list[tuple[Audio | HearingFailure, str]]:
        """The mixes as they are stored, or mixed again if only stems are kept."""
        if self._sample.mixes:
            return [_decode(flac) for flac in self._sample.mixes]
        try:
            return [(turn.audio, _hash(turn.audio)) for turn in self._sample.mix_again().turns]
        except CorruptDataError as error:
            failure = HearingFailure(CORRUPT, str(error))
            return [(failure, "")] * len(self._sample.dialogue.turns)


def is_speech(element: object) -> bool:
    """Return whether an element is spoken."""
    return isinstance(element, SpeechElement)


def list_captions(dialogue: Dialogue) -> dict[int, str]:
    """Return the captions of the sounds of a dialogue that are not speech, by element id."""
    return {element.id: element.text for element in dialogue.elements() if not is_speech(element)}


def _decode(flac: bytes | None) -> tuple[Audio | HearingFailure, str]:
    if flac is None:
        return HearingFailure(NOT_KEPT, "the run keeps no stems"), ""
    try:
        audio = to_float(*decode_flac(flac))
    except CorruptDataError as error:
        return HearingFailure(CORRUPT, str(error)), ""
    return audio, _hash(audio)


def _hash(audio: Audio) -> str:
    digest = hashlib.sha256(f"{audio.shape}\0".encode())
    digest.update(np.ascontiguousarray(audio, dtype="<f4").data)
    return digest.hexdigest()
