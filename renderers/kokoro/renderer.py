"""Speech by Kokoro-82M on onnxruntime, in the voices of a folder of weights.

espeak-ng reads the text to phonemes (GPL, by way of phonemizer), the model speaks them. Emotions have no
control. The sound is float32 (1, samples) at 24 kHz, without the silence around the speech.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from copilot.errors import RowFault, UserError
from copilot.frozen_model import FrozenModel
from copilot.hashing import draw
from copilot.language import ENGLISH
from renderers.contract import (
    RenderedSound,
    RendererInfo,
    RenderFailure,
    RenderRequest,
    Tool,
    Voice,
    list_speakers,
)
from renderers.kokoro.weights import WHERE, KokoroVoice, Weights
from renderers.model_revision import find_model_revision, get_library_versions
from renderers.spoken_text import SpokenText, read_request
from renderers.utterance import Utterance

_SOUND_VERSION = "1"
"""Raised by hand whenever this package gives other samples for the same request."""

_FASTEST = 1.4
"""The limit of speaking faster to fit a slot, as a factor on the natural rate."""

_RESERVE = 1.05


class KokoroSettings(FrozenModel):
    """Settings of `kokoro`."""

    folder: str = Field(min_length=1, description="The folder with the model (.onnx) and its voices (.bin).")


class KokoroRenderer:
    """A renderer of speech. A request without a voice gets one of its gender and language, by its seed."""

    info = RendererInfo(
        summary="Speech by Kokoro-82M, in many voices, from a folder with its weights",
        extra="kokoro",
        modules=("kokoro_onnx",),
        licence="Apache-2.0; kokoro-onnx: MIT; phonemizer, espeak-ng: GPL-3.0-or-later",
        model="Kokoro-82M, as ONNX",
        model_licence="Apache-2.0",
        settings=KokoroSettings,
        target="folder",
        isolated=True,
        batch_s=60.0,
        least_s=1.0,
    )
    name = "kokoro"
    tool: Tool = "tts"

    def __init__(self, settings: KokoroSettings) -> None:
        self._folder = settings.folder
        self._weights = Weights.find(settings.folder)
        self._known: list[KokoroVoice] | None = None
        self._kokoro: Any = None
        self._has_noise = False

    @property
    def problems(self) -> tuple[str, ...]:
        """The voices that are not used, since their names say no language that can be read, or no gender."""
        unknown = [name for name in self._weights.read_voices() if not KokoroVoice(name).is_known]
        return tuple(f"{self._weights.voices.name}: {name} is not used" for name in unknown)

    def fingerprint(self) -> dict[str, str]:
        """Return the backend, a hash of the folder, and the versions of what reads and speaks."""
        return {
            "backend": self.name,
            "sound": _SOUND_VERSION,
            "revision": find_model_revision(str(self._weights.model.parent), None),
            **get_library_versions("kokoro-onnx", "onnxruntime", "phonemizer", "espeakng-loader"),
        }

    def prepare(self) -> None:
        """Load the model. Raises UserError for weights that are not Kokoro's."""
        self._list_voices()
        if self._kokoro is None:
            from kokoro_onnx import Kokoro  # noqa: PLC0415 - an extra

            session = self._weights.open_session(0)
            self._kokoro = Kokoro.from_session(session, str(self._weights.voices))
            self._has_noise = self._weights.has_noise()

    def voices(self) -> Sequence[Voice]:
        """Return the voices of the folder whose names say language and gender. Raises UserError."""
        return [Voice(voice.name, voice.gender, languages=(voice.language,)) for voice in self._list_voices()]

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return speech for each request, in order."""
        self.prepare()
        return [self._render(request) for request in requests]

    def close(self) -> None:
        """Release the model."""
        self._kokoro = None

    def _list_voices(self) -> list[KokoroVoice]:
        if self._known is None:
            named = map(KokoroVoice, sorted(self._weights.read_voices()))
            self._known = [voice for voice in named if voice.is_known]
        if not self._known:
            raise UserError(
                f"kokoro: {self._weights.voices} has no voice with a name like af_heart; {WHERE}", field="tts"
            )
        return self._known

    def _render(self, request: RenderRequest) -> RenderedSound | RenderFailure:
        try:
            return self._speak(request, self._choose_voice(request), read_request(request))
        except RowFault as fault:
            return RenderFailure(fault.reason, fault.detail)

    def _choose_voice(self, request: RenderRequest) -> KokoroVoice:
        if request.voice is None:
            able = list_speakers(self.voices(), request.language or ENGLISH)
            fitting = [voice for voice in able if voice.gender == request.gender]
            return KokoroVoice(
                draw(fitting or able or self.voices(), "kokoro voice", request.random_seed).name
            )
        voice = KokoroVoice(request.voice)
        if voice not in self._list_voices():
            available = ", ".join(known.name for known in self._list_voices())
            raise RowFault("unknown-voice", f"unknown voice {request.voice!r}; available: {available}")
        return voice

    def _speak(self, request: RenderRequest, voice: KokoroVoice, spoken: SpokenText) -> RenderedSound:
        speed = 1.0
        while True:
            utterance = self._utter(spoken, voice, speed, request.random_seed)
            excess = utterance.duration_s / request.duration_s
            if excess <= 1 or speed == _FASTEST:
                break
            speed = min(speed * excess * _RESERVE, _FASTEST)
        detail = {"voice": voice.name, "speed": f"{speed:.3f}"}
        return RenderedSound(utterance.cut(), utterance.rate_hz, detail=detail)

    def _utter(self, spoken: SpokenText, voice: KokoroVoice, speed: float, random_seed: int) -> Utterance:
        if self._has_noise:
            # The generator of a session runs on from call to call; only a new one draws the same noise.
            self._kokoro.sess = self._weights.open_session(random_seed)
        try:
            samples, rate_hz = self._kokoro.create(
                spoken.text, voice.name, speed, voice.espeak_language, trim=False
            )
        except ValueError as error:  # no phoneme that the model knows
            raise RowFault("no-speech", str(error)) from error
        mono: NDArray[np.float32] = np.asarray(samples, np.float32).reshape(-1)
        utterance = Utterance.find(mono, rate_hz) if np.isfinite(mono).all() else None
        if utterance is None:
            raise RowFault("no-speech", "the model gave no sound for the text")
        return utterance
