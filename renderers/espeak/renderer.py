"""Speech by espeak-ng: no weights, no network, and always the same bytes for the same request.

The library lives in a child process (`renderers.espeak.engine_process`), which uses a pristine copy of it for
each utterance. This module chooses voice, emotion and rate, and turns the answer into float32 (1, samples) at
the library's own rate, without the silence around the speech, and into the times of the words.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pedalboard import HighpassFilter

from copilot.emotions import NEUTRAL, find_emotion
from copilot.errors import CopilotError, MissingExtraError, RowFault
from copilot.hashing import content_hash, derive_random_seed, draw
from copilot.language import ENGLISH, is_among
from copilot.units import Seconds
from renderers.child_process import ChildDiedError, ChildProcess, ChildTimeoutError
from renderers.contract import RenderedSound, RendererInfo, RenderFailure, RenderRequest, Tool, Voice
from renderers.espeak.voices import EMOTIONS, OTHER_VOICES, VOICES, WHISPER_VARIANTS, Delivery, EspeakVoice
from renderers.spoken_text import SpokenText, read_request
from renderers.utterance import Utterance

_LOWEST_HZ = 40.0
_SOUND_VERSION = "1"
"""Raised by hand whenever the code below gives other samples for the same request."""

_NATURAL_RATE_WPM = 165
_FASTEST = 1.4
"""The limit of speaking faster to fit a slot, as a factor on the natural rate of the emotion."""

_VOLUME = 60
"""Out of espeak's 100, at which the louder variants reach full scale."""

_RATE_SPREAD_WPM = 4
_PITCH_SPREAD = 3
_RESERVES = (1.02, 1.05)
"""Factors on the computed rate for further tries, since pauses shrink less than words; then the limit."""

_BY_NAME = {voice.name: voice for voice in (*VOICES, *OTHER_VOICES)}


class EspeakRenderer:
    """A renderer of speech. `deadline_s` is the longest time that the library may take for one utterance.

    A request without a voice gets one of its gender, drawn by its seed. An unknown emotion is spoken as
    neutral, and `detail` names it. A text that is too long for its slot is spoken up to 1.4 times faster; the
    caller compares the durations.
    """

    info = RendererInfo(
        summary="Speech by espeak-ng's formant synthesis, without weights",
        extra="espeak",
        modules=("espeakng_loader",),
        licence="Apache-2.0; espeak-ng: GPL-3.0-or-later",
    )
    name = "espeak"
    tool: Tool = "tts"

    def __init__(self, *, deadline_s: Seconds = 30.0) -> None:
        self._deadline_s = deadline_s
        self._child: ChildProcess | None = None

    def fingerprint(self) -> dict[str, str]:
        """Return the backend, the versions of library and module, and a hash of voices and emotions."""
        tables = {
            "voices": [asdict(voice) for voice in VOICES],
            "whisper": WHISPER_VARIANTS,
            "emotions": {name: asdict(delivery) for name, delivery in EMOTIONS.items()},
        }
        return {
            "backend": self.name,
            "version": str(self._get_child().start()["version"]),
            "sound": _SOUND_VERSION,
            "voices": content_hash(tables)[:16],
        }

    def prepare(self) -> None:
        """Start the child process. Raises MissingExtraError, or CopilotError if it cannot work."""
        self._get_child().start()

    def voices(self) -> Sequence[Voice]:
        """Return twelve English voices of each gender and three of each other language, for every emotion."""
        return [
            Voice(voice.name, voice.gender, tuple(EMOTIONS), languages=(voice.language,))
            for voice in (*VOICES, *OTHER_VOICES)
        ]

    def render(self, requests: Sequence[RenderRequest]) -> list[RenderedSound | RenderFailure]:
        """Return speech for each request, in order. Raises CopilotError only if no child can be started."""
        return [self._render(request) for request in requests]

    def close(self) -> None:
        """End the child process at once."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def _get_child(self) -> ChildProcess:
        if self._child is None:
            library, data = _find_library()
            _require_voice_files(data)
            limit_s = str(math.ceil(self._deadline_s) + 1)
            script = str(Path(__file__).with_name("engine_process.py"))
            command = [sys.executable, "-I", "-S", script, str(library), str(data), limit_s]
            self._child = ChildProcess("espeak", command, deadline_s=self._deadline_s)
        return self._child

    def _render(self, request: RenderRequest) -> RenderedSound | RenderFailure:
        try:
            return self._speak(request, _choose_voice(request), read_request(request))
        except RowFault as fault:
            return RenderFailure(fault.reason, fault.detail)
        except ChildDiedError as error:
            return RenderFailure("worker-died", str(error))
        except ChildTimeoutError as error:
            return RenderFailure("worker-timeout", str(error))

    def _speak(self, request: RenderRequest, voice: EspeakVoice, spoken: SpokenText) -> RenderedSound:
        emotion = find_emotion(request.emotion)
        delivery = EMOTIONS[emotion or NEUTRAL]
        settings = _make_settings(delivery, request.random_seed)
        heard = voice.to_whisper() if delivery.whispered else voice
        limit_wpm = math.floor(settings["rate_wpm"] * _FASTEST)
        reserves = iter(_RESERVES)
        while True:
            answer, samples = self._utter({"text": spoken.text, "voice": heard.identifier, **settings})
            utterance = Utterance.find(samples, int(self._get_child().start()["rate_hz"]))
            if utterance is None:
                raise RowFault("no-speech", "espeak-ng gave only silence for the text")
            excess = utterance.duration_s / request.duration_s
            if excess <= 1 or settings["rate_wpm"] == limit_wpm:
                break
            faster_wpm = settings["rate_wpm"] * excess * next(reserves, math.inf)
            settings["rate_wpm"] = math.ceil(min(faster_wpm, limit_wpm))
        return RenderedSound(
            audio=utterance.cut(),
            rate_hz=utterance.rate_hz,
            words=utterance.time_words(spoken, answer["words"]),
            detail=_describe(voice, emotion, request.emotion, settings),
        )

    def _utter(self, utterance: Mapping[str, str | int]) -> tuple[Mapping[str, Any], NDArray[np.float32]]:
        """Return the library's answer to one utterance, and its samples. Raises RowFault if it refuses."""
        answer = self._get_child().ask({**utterance, "volume": _VOLUME})
        if "error" in answer.header:
            raise RowFault("espeak-error", str(answer.header["error"]))
        samples = np.frombuffer(answer.payload, np.int16).astype(np.float32) / np.float32(32_768)
        # The library's whispers have a constant offset.
        return answer.header, HighpassFilter(_LOWEST_HZ)(samples, self._get_child().start()["rate_hz"])


def _find_library() -> tuple[Path, Path]:
    """Return library and data folder. Raises MissingExtraError, or CopilotError if either is not found."""
    try:
        import espeakng_loader  # noqa: PLC0415 - an extra
    except ImportError:
        raise MissingExtraError("the espeak renderer", "espeak") from None
    try:
        library, data = Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
    except RuntimeError as error:
        raise CopilotError(f"espeak: {error}; install espeakng-loader again") from error
    if not library.is_file():
        raise CopilotError(f"espeak: no library at {library}; install espeakng-loader again")
    return library, data


def _require_voice_files(data: Path) -> None:
    """Raise CopilotError for a missing file, in place of which espeak-ng would use its default voice."""
    for own in (VOICES, OTHER_VOICES):
        bank = {*own, *(voice.to_whisper() for voice in own)}
        missing = sorted({str(file) for voice in bank for file in voice.files if not (data / file).is_file()})
        if missing:
            raise CopilotError(f"espeak: no {', '.join(missing)} in {data}; install espeakng-loader again")


def _choose_voice(request: RenderRequest) -> EspeakVoice:
    if request.voice is None:
        spoken = [voice for voice in OTHER_VOICES if is_among(request.language or ENGLISH, (voice.language,))]
        able = spoken or VOICES
        fitting = [voice for voice in able if voice.gender == request.gender]
        return draw(fitting or able, "espeak voice", request.random_seed)
    if request.voice not in _BY_NAME:
        raise RowFault("unknown-voice", f"unknown voice {request.voice!r}; available: {', '.join(_BY_NAME)}")
    return _BY_NAME[request.voice]


def _make_settings(delivery: Delivery, seed: int) -> dict[str, int]:
    """Return the emotion as espeak's parameters, a little different from seed to seed."""
    rate_offset = derive_random_seed("espeak rate", seed) % (2 * _RATE_SPREAD_WPM + 1) - _RATE_SPREAD_WPM
    pitch_offset = derive_random_seed("espeak pitch", seed) % (2 * _PITCH_SPREAD + 1) - _PITCH_SPREAD
    return {
        "rate_wpm": round(_NATURAL_RATE_WPM * delivery.rate_factor) + rate_offset,
        "pitch": delivery.pitch + pitch_offset,
        "pitch_range": delivery.pitch_range,
    }


def _describe(
    voice: EspeakVoice, emotion: str | None, requested: str | None, settings: Mapping[str, Any]
) -> dict[str, str]:
    detail = {"voice": voice.name, "emotion": emotion or NEUTRAL, **{k: str(v) for k, v in settings.items()}}
    return detail if emotion else {**detail, "emotion_unknown": str(requested)}
