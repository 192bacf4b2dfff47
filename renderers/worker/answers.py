"""Messages of renderers in the worker protocol (docs/worker.md): requests as JSON; greetings and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from copilot.frozen_model import FrozenModel
from copilot.units import Seconds
from copilot.vocabulary import Word
from renderers.contract import Reference, RenderedSound, RenderFailure, RenderRequest, Tool, Voice
from renderers.recordings.reading import UnreadableError, read_recording
from renderers.worker.messages import AnyGreeting, BadAnswerError, FailureMessage, FileName, parse_answer
from renderers.worker.trade import Trade

Answer = RenderedSound | RenderFailure


class _Voice(FrozenModel):
    name: str = Field(min_length=1)
    gender: str
    emotions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


class Greeting(AnyGreeting):
    """The first line of a renderer."""

    tool: Tool
    clones: bool = False
    languages: tuple[str, ...] = ()
    voices: tuple[_Voice, ...] = ()

    @property
    def identity(self) -> dict[str, str]:
        """Everything that would change stems' keys."""
        return {"name": self.name, "tool": self.tool, **self.fingerprint}

    def list_voices(self) -> list[Voice]:
        """Return the voices in the contract's form."""
        return [
            Voice(voice.name, voice.gender, voice.emotions, languages=voice.languages)
            for voice in self.voices
        ]


class _Word(FrozenModel):
    text: str
    start_s: Seconds = Field(ge=0)
    end_s: Seconds = Field(ge=0)


class _Sound(FrozenModel):
    file: FileName
    matched: bool = True
    words: tuple[_Word, ...] = ()
    detail: dict[str, str] = Field(default_factory=dict)


class RenderTrade(Trade[Greeting, RenderRequest, RenderedSound, RenderFailure]):
    """The messages of renderers, for `renderers.worker.client.WorkerClient`."""

    op = "render"
    product = "sound"
    own_error = "renderer-error"
    failure = RenderFailure

    def parse_greeting(self, header: Mapping[str, Any]) -> Greeting:
        """Return a renderer's greeting. Raises BadAnswerError."""
        return Greeting.parse(header)

    def write_requests(self, requests: Sequence[RenderRequest], folder: Path) -> list[dict[str, Any]]:
        """Return the requests as JSON; they need no files."""
        del folder
        return [request_to_json(request) for request in requests]

    def read_answer(self, answer: object, request: RenderRequest, folder: Path) -> Answer:
        """Return one answer. Raises BadAnswerError."""
        del request
        if isinstance(answer, dict) and "reason" in answer:
            failure = parse_answer(FailureMessage, answer)
            return RenderFailure(failure.reason, failure.detail)
        sound = parse_answer(_Sound, answer)
        try:
            audio, rate_hz = read_recording(folder / sound.file)
        except UnreadableError as error:
            raise BadAnswerError(f"{sound.file} {error}") from None
        return RenderedSound(
            audio=audio,
            rate_hz=rate_hz,
            matched=sound.matched,
            words=tuple(Word(word.text, word.start_s, word.end_s) for word in sound.words),
            detail=sound.detail,
        )


def request_to_json(request: RenderRequest) -> dict[str, Any]:
    """Return a request as the protocol has it."""
    reference = request.reference
    # Only for a run that declares one, so that programs from before the key existed work.
    language = {} if request.language is None else {"language": request.language}
    return {
        **language,
        "text": request.text,
        "duration_s": request.duration_s,
        "seed": request.random_seed,
        "voice": request.voice,
        "gender": request.gender,
        "emotion": request.emotion,
        "reference": reference
        and {
            "path": str(reference.path),
            "transcript": reference.transcript,
            "sha256": reference.sha256,
            "emotion": reference.emotion,
            "licence": reference.licence,
        },
    }


def request_from_json(message: Mapping[str, Any]) -> RenderRequest:
    """Return the request that `request_to_json` wrote."""
    reference = message["reference"]
    return RenderRequest(
        text=message["text"],
        duration_s=message["duration_s"],
        random_seed=message["seed"],
        voice=message["voice"],
        gender=message["gender"],
        emotion=message["emotion"],
        reference=Reference(**{**reference, "path": Path(reference["path"])}) if reference else None,
    )
