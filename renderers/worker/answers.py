"""Messages of the worker protocol (docs/worker.md): requests as JSON; greetings and answers, validated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from copilot.frozen_model import FrozenModel
from copilot.units import Seconds
from copilot.validation import first_fault
from copilot.vocabulary import Word
from renderers.contract import Reference, RenderedSound, RenderFailure, RenderRequest, Tool, Voice
from renderers.recordings.reading import UnreadableError, read_recording

PROTOCOL = 1

BAD_ANSWER = "worker-answer"
"""The reason of the failure that an answer against the protocol is."""

Answer = RenderedSound | RenderFailure


class BadAnswerError(Exception):
    """An answer that breaks the protocol. Concerns one request or one batch, never the run."""


class _Voice(FrozenModel):
    name: str = Field(min_length=1)
    gender: str
    emotions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


class Greeting(FrozenModel):
    """The first line of a worker. `places`: options that only name the place of a file or folder."""

    protocol: Literal[1]
    name: str = Field(min_length=1)
    tool: Tool
    fingerprint: dict[str, str]
    clones: bool = False
    languages: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    voices: tuple[_Voice, ...] = ()

    def find_difference(self, known: Greeting) -> str:
        """Return the first difference that would change stems' keys, for messages; empty if there is none."""
        before, now = ({"name": one.name, "tool": one.tool, **one.fingerprint} for one in (known, self))
        names = (name for name in {**before, **now} if before.get(name) != now.get(name))
        return next((f"{name} is {now.get(name)!r} and was {before.get(name)!r}" for name in names), "")

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
    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    matched: bool = True
    words: tuple[_Word, ...] = ()
    detail: dict[str, str] = Field(default_factory=dict)


class _Failure(FrozenModel):
    reason: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
    detail: str = ""


_SOUND, _FAILURE = TypeAdapter(_Sound), TypeAdapter(_Failure)


def parse_greeting(header: Mapping[str, Any]) -> Greeting:
    """Return a worker's greeting. Raises BadAnswerError."""
    try:
        return Greeting.model_validate(header)
    except ValidationError as error:
        raise BadAnswerError(f"its greeting: {_describe_fault(error)}") from None


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


def read_answers(header: Mapping[str, Any], folder: Path, n_requests: int) -> list[Answer]:
    """Return the answers to a batch; a bad one is the failure of its request, `worker-answer`.

    Raises BadAnswerError if it is unknown which answer belongs to which request.
    """
    answers = header.get("answers")
    if not isinstance(answers, list):
        raise BadAnswerError("its answer holds neither a list of answers nor an error")
    if len(answers) != n_requests:
        raise BadAnswerError(f"it gave {len(answers)} answers to {n_requests} requests")
    return [_read_answer(answer, folder) for answer in answers]


def _read_answer(answer: object, folder: Path) -> Answer:
    try:
        if isinstance(answer, dict) and "reason" in answer:
            failure = _FAILURE.validate_python(answer)
            return RenderFailure(failure.reason, failure.detail)
        sound = _SOUND.validate_python(answer)
    except ValidationError as error:
        return RenderFailure(BAD_ANSWER, _describe_fault(error))
    try:
        audio, rate_hz = read_recording(folder / sound.file)
    except UnreadableError as error:
        return RenderFailure(BAD_ANSWER, f"{sound.file} {error}")
    return RenderedSound(
        audio=audio,
        rate_hz=rate_hz,
        matched=sound.matched,
        words=tuple(Word(word.text, word.start_s, word.end_s) for word in sound.words),
        detail=sound.detail,
    )


def _describe_fault(error: ValidationError) -> str:
    fault = first_fault(error)
    where = fault.where or "answer"
    return f"no {where}" if fault.kind == "missing" else f"{where}={fault.value!r}: {fault.message}"
