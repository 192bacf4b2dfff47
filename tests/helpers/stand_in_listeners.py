"""Listeners for tests, which know nothing of sound but its length and level. Entry points like any package's.

They are made for the runs of `helpers.made_runs`: lines of a second, mixes of two.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

import numpy as np

from copilot.errors import CopilotError
from copilot.frozen_model import FrozenModel
from listeners.contract import (
    Clip,
    Detection,
    Embedding,
    Heard,
    HeardWord,
    HearingFailure,
    Kind,
    ListenerInfo,
    Ratings,
    Scores,
    Transcript,
)

RATE_HZ = 16_000
LONGEST_LINE_S = 1.5
"""Longer clips are mixes."""


class _StandIn:
    """A listener that answers at once; it counts what it hears."""

    info: ListenerInfo
    name: str
    kind: Kind
    rate_hz = RATE_HZ

    def __init__(self) -> None:
        self.n_heard = 0

    def fingerprint(self) -> dict[str, str]:
        return {"listener": self.name}

    def prepare(self) -> None:
        pass

    def hear(self, clips: Sequence[Clip]) -> list[Heard | HearingFailure]:
        self.n_heard += len(clips)
        return [self.answer(clip) for clip in clips]

    def answer(self, clip: Clip) -> Heard | HearingFailure:
        raise NotImplementedError

    def close(self) -> None:
        pass


class ShortMemory(_StandIn):
    """A recogniser that hears every line rightly, and one word of it wrongly in mixes."""

    info = ListenerInfo(kinds=("recogniser",), summary="Knows one line", licence="MIT", batch_s=4.0)
    name = "short-memory"
    kind: Kind = "recogniser"

    def answer(self, clip: Clip) -> Transcript:
        is_line = clip.audio.size < LONGEST_LINE_S * RATE_HZ
        texts = ("who", "is" if is_line else "was", "there")
        start_s = 0.1 if is_line else 0.9
        words = [
            HeardWord(text, start_s + 0.25 * k, start_s + 0.25 * k + 0.2) for k, text in enumerate(texts)
        ]
        return Transcript(" ".join(texts), tuple(words))


class LengthDetector(_StandIn):
    """A detector that is as sure of a caption as it is long, and half as sure in mixes."""

    info = ListenerInfo(kinds=("detector",), summary="Counts letters", licence="MIT")
    name = "length"
    kind: Kind = "detector"

    def answer(self, clip: Clip) -> Detection:
        share = 1.0 if clip.audio.size < LONGEST_LINE_S * RATE_HZ else 0.5
        peaks = [share * len(caption) / 20 for caption in clip.captions]
        half_s = clip.audio.size / RATE_HZ / 2
        return Detection(np.array([[0.0, peak] for peak in peaks], dtype=np.float32), half_s)


class LevelRater(_StandIn):
    """A rater that finds loud speech good."""

    info = ListenerInfo(kinds=("rater",), summary="Likes it loud", licence="MIT")
    name = "level"
    kind: Kind = "rater"

    def answer(self, clip: Clip) -> Ratings:
        return Ratings({"ovr": float(np.sqrt(np.mean(clip.audio**2)))})


class Scorer(_StandIn):
    """A scorer to whom everything fits a little."""

    info = ListenerInfo(kinds=("scorer",), summary="Is easy to please", licence="MIT")
    name = "pleased"
    kind: Kind = "scorer"

    def answer(self, clip: Clip) -> Scores:
        return Scores((0.25,) * len(clip.captions))


class Embedder(_StandIn):
    """An embedder into mean and level."""

    info = ListenerInfo(kinds=("embedder",), summary="Two numbers", licence="MIT")
    name = "two-numbers"
    kind: Kind = "embedder"

    def answer(self, clip: Clip) -> Embedding:
        return Embedding(np.array([clip.audio.mean(), clip.audio.std()], dtype=np.float32))


class OddSettings(FrozenModel):
    """What becomes of which clips."""

    fault: str = "dies"


class OddListener(_StandIn):
    """A recogniser that dies at mixes, fails, or hears nothing in them; a deaf one cannot even load."""

    info = ListenerInfo(kinds=("recogniser",), summary="Cannot hear mixes", settings=OddSettings)
    name = "fails-at-mixes"
    kind: Kind = "recogniser"

    def __init__(self, settings: OddSettings) -> None:
        super().__init__()
        self._fault = settings.fault

    def fingerprint(self) -> dict[str, str]:
        return {"listener": self.name, "fault": self._fault}

    def prepare(self) -> None:
        if self._fault == "deaf":
            raise CopilotError("no ears found")

    def answer(self, clip: Clip) -> Heard | HearingFailure:
        if clip.audio.size < LONGEST_LINE_S * RATE_HZ:
            return Transcript("who is there")
        match self._fault:
            case "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            case "fails":
                return HearingFailure("too-loud", "its ears hurt")
        return Transcript("")
