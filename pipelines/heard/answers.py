"""Answers of listeners as Arrow rows: one row for each sound that a listener was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from copilot.units import Seconds
from listeners.contract import (
    Detection,
    Embedding,
    Heard,
    HeardWord,
    HearingFailure,
    Ratings,
    Scores,
    Transcript,
)

_NUMBERS = pa.list_(pa.float32())

ANSWERS = pa.schema(
    {
        "sample_id": pa.string(),
        "element_id": pa.int64(),
        "turn": pa.int64(),
        "audio_sha256": pa.string(),
        "captions": pa.list_(pa.string()),
        "text": pa.string(),
        "words": pa.list_(
            pa.struct(
                {
                    "text": pa.string(),
                    "start_s": pa.float64(),
                    "end_s": pa.float64(),
                    "probability": pa.float64(),
                }
            )
        ),
        "presence": _NUMBERS,
        "peaks_s": _NUMBERS,
        "scores": _NUMBERS,
        "vector": _NUMBERS,
        "ratings": pa.list_(pa.struct({"name": pa.string(), "value": pa.float64()})),
        "reason": pa.string(),
        "detail": pa.string(),
    }
)
"""The columns of a listener's answers. A stem has an `element_id`, a mix a `turn`.

`presence` and `peaks_s` are, for each caption, the highest probability and the time of it; fields that the
listener's kind does not give are null. A sound that was not heard has a `reason`.
"""


@dataclass(frozen=True, slots=True)
class Content:
    """What a listener answered, in plain values; everything but the place of the sound."""

    text: str | None = None
    words: tuple[HeardWord, ...] | None = None
    presence: tuple[float, ...] | None = None
    peaks_s: tuple[Seconds, ...] | None = None
    scores: tuple[float, ...] | None = None
    vector: tuple[float, ...] | None = None
    ratings: Mapping[str, float] | None = None
    reason: str | None = None
    detail: str | None = None

    @classmethod
    def of(cls, answer: Heard | HearingFailure) -> Content:
        """Return the plain values of an answer."""
        match answer:
            case Transcript():
                return cls(text=answer.text, words=answer.words)
            case Detection():
                peaks = answer.probabilities.argmax(axis=1) * answer.frame_s
                return cls(presence=_to_floats(answer.presence), peaks_s=_to_floats(peaks))
            case Scores():
                return cls(scores=answer.values)
            case Embedding():
                return cls(vector=_to_floats(answer.vector))
            case Ratings():
                return cls(ratings=dict(answer.values))
            case HearingFailure():
                return cls(reason=answer.reason, detail=answer.detail)


def _to_floats(values: Any) -> tuple[float, ...]:  # noqa: ANN401 - an array of any number type
    return tuple(np.asarray(values, dtype=np.float32).tolist())


@dataclass(frozen=True, slots=True)
class Answer:
    """What a listener answered for one sound: a stem, by its element's id, or the mix of a turn.

    `audio_sha256` is the hash of the decoded sound, empty if it could not be decoded.
    """

    sample_id: str
    element_id: int | None
    turn: int | None
    audio_sha256: str
    captions: tuple[str, ...]
    content: Content

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """What the content depends on, for one listener."""
        return self.audio_sha256, self.captions


def answer_row(answer: Answer) -> dict[str, Any]:
    """Return an answer as a row of `ANSWERS`."""
    content = asdict(answer.content)
    ratings = content.pop("ratings")
    return {
        "sample_id": answer.sample_id,
        "element_id": answer.element_id,
        "turn": answer.turn,
        "audio_sha256": answer.audio_sha256,
        "captions": list(answer.captions),
        **content,
        "ratings": ratings and [{"name": name, "value": value} for name, value in sorted(ratings.items())],
    }


def read_answer(row: Mapping[str, Any]) -> Answer:
    """Return the answer that `answer_row` made a row of."""

    def numbers(name: str) -> tuple[float, ...] | None:
        return None if row[name] is None else tuple(row[name])

    words, ratings = row["words"], row["ratings"]
    content = Content(
        text=row["text"],
        words=None if words is None else tuple(HeardWord(**word) for word in words),
        presence=numbers("presence"),
        peaks_s=numbers("peaks_s"),
        scores=numbers("scores"),
        vector=numbers("vector"),
        ratings=None if ratings is None else {entry["name"]: entry["value"] for entry in ratings},
        reason=row["reason"],
        detail=row["detail"],
    )
    place = (row["sample_id"], row["element_id"], row["turn"], row["audio_sha256"], tuple(row["captions"]))
    return Answer(*place, content)
