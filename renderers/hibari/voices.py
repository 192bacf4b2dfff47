"""The speakers and emotions of hibari, as data. Their hash is part of the renderer's fingerprint.

The package has the voice of one woman. Played at another rate, it has a longer or shorter vocal tract; its
pitch and pace are set against that. A man's tract is about a sixth longer than a woman's, and his voice more
than half an octave lower.
"""

from __future__ import annotations

from dataclasses import dataclass

from copilot.emotions import NEUTRAL
from copilot.scene import Gender


@dataclass(frozen=True, slots=True)
class HibariVoice:
    """A speaker. `playback` is the rate at which the voice is played, as a factor on the model's own.

    `pitch` is the factor of the fundamental that is heard, `pace` that of the rate of speaking, and `range`
    the exponent of the pitch's movement around its mean: the temper.
    """

    name: str
    gender: Gender
    playback: float
    pitch: float
    pace: float = 1.0
    range: float = 1.0


VOICES: tuple[HibariVoice, ...] = (
    HibariVoice("agnes", "female", 0.93, 0.86, pace=0.94, range=0.85),
    HibariVoice("hazel", "female", 1.0, 1.0),
    HibariVoice("ivy", "female", 1.04, 1.14, pace=1.05, range=1.2),
    HibariVoice("june", "female", 1.08, 1.05),
    HibariVoice("wren", "female", 1.13, 1.25, range=1.1),
    HibariVoice("amos", "male", 0.80, 0.52, pace=0.94, range=0.85),
    HibariVoice("basil", "male", 0.83, 0.60),
    HibariVoice("conrad", "male", 0.86, 0.66, pace=1.05, range=1.2),
    HibariVoice("dean", "male", 0.88, 0.56, range=0.9),
    HibariVoice("eli", "male", 0.90, 0.74, range=1.1),
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery of an emotion: factors on the speaker's pace, pitch and range of pitch.

    A whisper has no pitch: what the voice cords would sound is breath.
    """

    pace: float
    pitch: float
    range: float
    whispered: bool = False


EMOTIONS: dict[str, Delivery] = {
    NEUTRAL: Delivery(1.0, 1.0, 1.0),
    "happy": Delivery(1.05, 1.08, 1.3),
    "sad": Delivery(0.88, 0.94, 0.65),
    "angry": Delivery(1.08, 1.04, 1.35),
    "excited": Delivery(1.12, 1.12, 1.45),
    "calm": Delivery(0.92, 0.97, 0.8),
    "fearful": Delivery(1.1, 1.12, 0.75),
    "whispered": Delivery(0.95, 1.0, 1.0, whispered=True),
    "surprised": Delivery(1.02, 1.12, 1.55),
    "tired": Delivery(0.84, 0.92, 0.6),
}
