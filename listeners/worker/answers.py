"""Messages of listeners in the worker protocol (docs/worker.md): clips, greetings and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from numpy.typing import NDArray
from pydantic import Field

from copilot.frozen_model import FrozenModel
from copilot.units import Seconds
from listeners.contract import (
    Clip,
    Detection,
    Embedding,
    Heard,
    HeardWord,
    HearingFailure,
    Kind,
    Ratings,
    Scores,
    Transcript,
)
from renderers.worker.messages import AnyGreeting, BadAnswerError, FailureMessage, FileName, parse_answer
from renderers.worker.trade import Trade

_LATEST_S: Seconds = 0.05
"""A word may end that much after its clip."""


class Greeting(AnyGreeting):
    """The first line of a listener."""

    kind: Kind
    rate_hz: int = Field(gt=0)

    @property
    def identity(self) -> dict[str, str]:
        """Everything that would change what it hears."""
        return {"name": self.name, "kind": self.kind, "rate_hz": str(self.rate_hz), **self.fingerprint}


class _Word(FrozenModel):
    text: str
    start_s: Seconds = Field(ge=0)
    end_s: Seconds = Field(ge=0)
    probability: float | None = Field(default=None, ge=0, le=1)


class _Transcript(FrozenModel):
    text: str
    words: tuple[_Word, ...] = ()


class _Detection(FrozenModel):
    frames: FileName
    frame_s: Seconds = Field(gt=0)


class _Embedding(FrozenModel):
    vector: FileName


class _Scores(FrozenModel):
    scores: tuple[float, ...]


class _Ratings(FrozenModel):
    ratings: dict[str, float] = Field(min_length=1)


class HearTrade(Trade[Greeting, Clip, Heard, HearingFailure]):
    """The messages of a listener of one kind, for `renderers.worker.client.WorkerClient`."""

    op = "hear"
    product = "heard clip"
    own_error = "listener-error"
    failure = HearingFailure

    def __init__(self, kind: Kind) -> None:
        self._read = _READERS[kind]
        self.rate_hz = 0  # known from the greeting, which comes before any batch

    def parse_greeting(self, header: Mapping[str, Any]) -> Greeting:
        """Return a listener's greeting. Raises BadAnswerError."""
        greeting = Greeting.parse(header)
        self.rate_hz = greeting.rate_hz
        return greeting

    def write_requests(self, requests: Sequence[Clip], folder: Path) -> list[dict[str, Any]]:
        """Return the clips as JSON; each one's audio is in a WAV file of 32 bit floats, bit by bit."""
        return [self._write_clip(clip, folder, f"{n}.wav") for n, clip in enumerate(requests)]

    def _write_clip(self, clip: Clip, folder: Path, name: str) -> dict[str, Any]:
        sf.write(folder / name, clip.audio, self.rate_hz, format="WAV", subtype="FLOAT")
        return {"file": name, "captions": list(clip.captions)}

    def read_answer(self, answer: object, request: Clip, folder: Path) -> Heard | HearingFailure:
        """Return one answer. Raises BadAnswerError."""
        if isinstance(answer, dict) and "reason" in answer:
            failure = parse_answer(FailureMessage, answer)
            return HearingFailure(failure.reason, failure.detail)
        return self._read(answer, request, request.audio.size / self.rate_hz, folder)


def read_clip(message: Mapping[str, Any], folder: Path) -> Clip:
    """Return the clip that `HearTrade.write_requests` wrote."""
    audio, _ = sf.read(folder / message["file"], dtype="float32")
    return Clip(audio, tuple(message["captions"]))


def write_answer(answer: Heard | HearingFailure, folder: Path, name: str) -> dict[str, Any]:
    """Return an answer as JSON; an array is in the file NAME.npy of the folder."""
    match answer:
        case HearingFailure():
            return {"reason": answer.reason, "detail": answer.detail}
        case Transcript():
            words = [
                {"text": w.text, "start_s": w.start_s, "end_s": w.end_s, "probability": w.probability}
                for w in answer.words
            ]
            return {"text": answer.text, "words": words}
        case Detection():
            np.save(folder / f"{name}.npy", answer.probabilities)
            return {"frames": f"{name}.npy", "frame_s": answer.frame_s}
        case Embedding():
            np.save(folder / f"{name}.npy", answer.vector)
            return {"vector": f"{name}.npy"}
        case Scores():
            return {"scores": list(answer.values)}
        case Ratings():
            return {"ratings": dict(answer.values)}


def _read_transcript(answer: object, clip: Clip, duration_s: Seconds, folder: Path) -> Transcript:
    del clip, folder
    found = parse_answer(_Transcript, answer)
    last_s = 0.0
    for number, word in enumerate(found.words):
        if not last_s <= word.start_s <= word.end_s <= duration_s + _LATEST_S:
            raise BadAnswerError(
                f"words.{number} from {word.start_s:g} to {word.end_s:g} s: not in order, or outside the clip"
            )
        last_s = word.start_s
    words = (HeardWord(word.text, word.start_s, word.end_s, word.probability) for word in found.words)
    return Transcript(found.text, tuple(words))


def _read_detection(answer: object, clip: Clip, duration_s: Seconds, folder: Path) -> Detection:
    found = parse_answer(_Detection, answer)
    frames = _read_array(folder, found.frames)
    if frames.ndim != 2 or frames.shape[0] != len(clip.captions):
        raise BadAnswerError(
            f"{found.frames} has the shape {frames.shape}; expected ({len(clip.captions)} captions, frames)"
        )
    n_frames = frames.shape[1]
    if abs(n_frames * found.frame_s - duration_s) > found.frame_s * 1.001:
        raise BadAnswerError(
            f"{found.frames} has {n_frames} frames of {found.frame_s:g} s for a clip of {duration_s:g} s"
        )
    if frames.size and (frames.min() < 0 or frames.max() > 1):
        raise BadAnswerError(f"{found.frames} holds probabilities outside 0 to 1")
    return Detection(frames, found.frame_s)


def _read_embedding(answer: object, clip: Clip, duration_s: Seconds, folder: Path) -> Embedding:
    del clip, duration_s
    name = parse_answer(_Embedding, answer).vector
    vector = _read_array(folder, name)
    if vector.ndim != 1 or not vector.size:
        raise BadAnswerError(f"{name} has the shape {vector.shape}; expected (dimensions,)")
    return Embedding(vector)


def _read_scores(answer: object, clip: Clip, duration_s: Seconds, folder: Path) -> Scores:
    del duration_s, folder
    scores = parse_answer(_Scores, answer).scores
    if len(scores) != len(clip.captions):
        raise BadAnswerError(f"{len(scores)} scores for {len(clip.captions)} captions")
    if any(abs(score) > 1 for score in scores):
        raise BadAnswerError("scores holds one outside -1 to 1")
    return Scores(scores)


def _read_ratings(answer: object, clip: Clip, duration_s: Seconds, folder: Path) -> Ratings:
    del clip, duration_s, folder
    return Ratings(parse_answer(_Ratings, answer).ratings)


_READERS: Mapping[Kind, Callable[[object, Clip, Seconds, Path], Heard]] = {
    "recogniser": _read_transcript,
    "detector": _read_detection,
    "embedder": _read_embedding,
    "scorer": _read_scores,
    "rater": _read_ratings,
}


def _read_array(folder: Path, name: str) -> NDArray[np.float32]:
    """Return the finite floats of a file. Raises BadAnswerError."""
    try:
        array = np.load(folder / name, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise BadAnswerError(f"{name}: {error}") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise BadAnswerError(f"{name} is not an array of floats")
    if not np.isfinite(array).all():
        raise BadAnswerError(f"{name} holds NaN or infinity")
    return array.astype(np.float32)
