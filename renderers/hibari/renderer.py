"""Speech by hibari, a small neural model that comes with its package: no network, no GPU.

Each speaker is the model's one voice played at a rate of its own, with a pitch, a pace and a temper set
against that. The sound is float32 (1, samples) at the speaker's rate, without the silence around the speech.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version

from copilot.emotions import NEUTRAL, find_emotion
from copilot.errors import MissingExtraError, RowFault
from copilot.hashing import content_hash, draw
from renderers.contract import RenderedSound, RendererInfo, RenderFailure, RenderRequest, Tool, Voice
from renderers.hibari.engine import Engine, Manner, find_weights
from renderers.hibari.voices import EMOTIONS, VOICES, HibariVoice
from renderers.spoken_text import SpokenText, is_word_part, read_request
from renderers.utterance import Utterance

_SOUND_VERSION = "1"
"""Raised by hand whenever this package gives other samples for the same request."""

_FASTEST = 1.4
"""The limit of speaking faster to fit a slot, as a factor on the natural pace."""

_RESERVE = 1.01
"""Factor on the computed pace, since its effect is known to a frame of 12.5 ms only."""

_BASES = str.maketrans({"Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "Œ": "Oe", "œ": "oe"})
"""Letters that Unicode does not take apart."""

_BY_NAME = {voice.name: voice for voice in VOICES}


class HibariRenderer:
    """A renderer of English speech.

    A request without a voice gets one of its gender, drawn by its seed. An unknown emotion is spoken as
    neutral, and `detail` names it. A text that is too long for its slot is spoken up to 1.4 times faster; the
    caller compares the durations.
    """

    info = RendererInfo(
        summary="Speech by a small neural model, in ten voices; the weights are in its package",
        extra="hibari",
        modules=("hibari",),
        licence="Apache-2.0",
        model="hibari, distilled from Kokoro-82M",
        model_licence="Apache-2.0",
    )
    name = "hibari"
    tool: Tool = "tts"

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def fingerprint(self) -> dict[str, str]:
        """Return the backend, the versions of the packages, hashes of the weights and of the voices."""
        try:
            weights = find_weights().read_bytes()
        except ImportError:
            raise MissingExtraError("the hibari renderer", "hibari") from None
        tables = {
            "voices": [asdict(voice) for voice in VOICES],
            "emotions": {name: asdict(delivery) for name, delivery in EMOTIONS.items()},
        }
        return {
            "backend": self.name,
            "version": version("hibari-tts"),
            "onnxruntime": version("onnxruntime"),
            "sound": _SOUND_VERSION,
            "model": hashlib.sha256(weights).hexdigest()[:16],
            "voices": content_hash(tables)[:16],
        }

    def prepare(self) -> None:
        """Load the model. Raises MissingExtraError, or CopilotError if it cannot be loaded."""
        self._get_engine()

    def voices(self) -> Sequence[Voice]:
        """Return five voices of each gender, in American English, for every emotion."""
        return [Voice(voice.name, voice.gender, tuple(EMOTIONS), languages=("en-US",)) for voice in VOICES]

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return speech for each request, in order. Raises CopilotError only if no model can be loaded."""
        return [self._render(request) for request in requests]

    def close(self) -> None:
        """Release the model."""
        self._engine = None

    def _get_engine(self) -> Engine:
        if self._engine is None:
            try:
                self._engine = Engine()
            except ImportError:
                raise MissingExtraError("the hibari renderer", "hibari") from None
        return self._engine

    def _render(self, request: RenderRequest) -> RenderedSound | RenderFailure:
        try:
            return self._speak(request, _choose_voice(request), read_request(request))
        except RowFault as fault:
            return RenderFailure(fault.reason, fault.detail)

    def _speak(self, request: RenderRequest, voice: HibariVoice, spoken: SpokenText) -> RenderedSound:
        emotion = find_emotion(request.emotion)
        delivery = EMOTIONS[emotion or NEUTRAL]
        natural = voice.pace * delivery.pace
        pace, limit = natural, natural * _FASTEST
        while True:
            manner = Manner(
                stretch=voice.playback / pace,
                pitch=voice.pitch * delivery.pitch / voice.playback,
                range=voice.range * delivery.range,
                whispered=delivery.whispered,
            )
            utterance, events = self._utter(spoken, voice, manner, request.random_seed)
            excess = utterance.duration_s / request.duration_s
            if excess <= 1 or pace == limit:
                break
            pace = min(pace * excess * _RESERVE, limit)
        detail = {"voice": voice.name, "emotion": emotion or NEUTRAL, "pace": f"{pace:.3f}"}
        return RenderedSound(
            audio=utterance.cut(),
            rate_hz=utterance.rate_hz,
            words=utterance.time_words(spoken, events),
            detail=detail if emotion else {**detail, "emotion_unknown": str(request.emotion)},
        )

    def _utter(
        self, spoken: SpokenText, voice: HibariVoice, manner: Manner, random_seed: int
    ) -> tuple[Utterance, list[tuple[int, int]]]:
        """Return an utterance, and (index of a character, sample) of its words. Raises RowFault."""
        engine, pieces = self._get_engine(), spoken.text.split(" ")
        samples, starts = engine.speak([_fold(piece) for piece in pieces], manner, random_seed)
        utterance = Utterance.find(samples, round(engine.rate_hz * voice.playback))
        if utterance is None:
            raise RowFault("no-speech", "nothing in the text has a sound")
        events: list[tuple[int, int]] = []
        position = 0
        for piece, start in zip(pieces, starts, strict=True):
            if start is not None:
                events.append((position, utterance.snap(start)))
            position += len(piece) + 1
        return utterance, events


def _choose_voice(request: RenderRequest) -> HibariVoice:
    if request.voice is None:
        fitting = [voice for voice in VOICES if voice.gender == request.gender]
        return draw(fitting or VOICES, "hibari voice", request.random_seed)
    if request.voice not in _BY_NAME:
        raise RowFault("unknown-voice", f"unknown voice {request.voice!r}; available: {', '.join(_BY_NAME)}")
    return _BY_NAME[request.voice]


def _fold(piece: str) -> str:
    """Return a piece of text in the letters that the model reads: those of English, and small Latin-1 ones.

    Raises RowFault for a letter or digit that has none of these at its base.
    """
    return "".join(map(_fold_character, piece.translate(_BASES)))


def _fold_character(character: str) -> str:
    if character.isascii() or "ß" <= character <= "ÿ" or not is_word_part(character):
        return character
    base = unicodedata.normalize("NFKD", character)[0]
    if base.isascii():
        return base
    if base.isalnum():
        raise RowFault("unknown-characters", f"the voices read Latin letters; the text has {character!r}")
    return ""
