"""Whisper through faster-whisper (CTranslate2): a recogniser, and its encoder as an embedder.

The recogniser decodes with beams at temperature 0, hears only what Silero's detector takes for speech, and
does not let one part of a clip influence the next: figures can be repeated, and silence is not filled with
invented words. What the decoder repeats in a loop, as on laughter, counts as nothing. One thread: more
workers hear more clips at once, and no figure depends on the processors.
"""

from __future__ import annotations

import math
import os
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from copilot.frozen_model import FrozenModel
from copilot.units import Seconds
from listeners.clip_listener import ClipListener
from listeners.contract import Clip, Embedding, HeardWord, Kind, ListenerInfo, Transcript
from renderers.torch_support import DEVICE_VARIABLE

_RATE_HZ = 16_000
_SIZES = ("tiny", "tiny.en", "base", "base.en", "small", "small.en", "medium", "medium.en", "large-v3")
_WINDOW = 30 * _RATE_HZ
_FRAME = _RATE_HZ // 50
"""Samples of one frame of the encoder's output."""

_DECODING = {
    "beam_size": 5,
    "temperature": 0.0,
    "condition_on_previous_text": False,
    "vad_filter": True,
    # The first word after silence begins where the detector's speech does: by default 0.4 s too early.
    "vad_parameters": {"speech_pad_ms": 100},
}

_LOOP = 2.4
"""Text that compresses better repeats itself: the decoder was caught in a loop. Whisper's own limit."""


class WhisperEncoderSettings(FrozenModel):
    """Settings of `whisper-encoder`."""

    model: str = Field(
        "small.en",
        description=f"A folder in the form of CTranslate2, OWNER/NAME on the hub, or {', '.join(_SIZES)}.",
    )
    compute_type: Literal["int8", "int8_float16", "int8_bfloat16", "float16", "bfloat16", "float32"] = Field(
        "int8", description="Precision of the weights in use."
    )


class FasterWhisperSettings(WhisperEncoderSettings):
    """Settings of `faster-whisper`."""

    language: str = Field("en", description="The tag of the language that is spoken.")


class _Whisper(ClipListener):
    """The loading of a Whisper."""

    rate_hz = _RATE_HZ
    libraries = ("faster-whisper", "ctranslate2", "onnxruntime")

    def __init__(self, settings: WhisperEncoderSettings) -> None:
        size = settings.model in _SIZES
        super().__init__(settings.model, f"Systran/faster-whisper-{settings.model}" if size else None)
        self._compute_type = settings.compute_type

    def load(self) -> Any:  # noqa: ANN401
        """Return a `faster_whisper.WhisperModel`."""
        from faster_whisper import WhisperModel  # noqa: PLC0415 - an extra

        device = os.environ.get(DEVICE_VARIABLE) or "auto"
        folder = self.find_folder()
        return WhisperModel(
            folder or self._repository,
            device="cpu" if device == "mps" else device,
            compute_type=self._compute_type,
            cpu_threads=1,
            revision=None if folder else self.get_revision(),
        )


class FasterWhisperListener(_Whisper):
    """A recogniser that gives each word a time and a probability."""

    name = "faster-whisper"
    kind: Kind = "recogniser"
    version = "1"
    info = ListenerInfo(
        kinds=("recogniser",),
        summary="Speech in many languages, by Whisper; words with times",
        extra="faster-whisper",
        modules=("faster_whisper",),
        licence="MIT",
        model="Whisper (small.en)",
        model_licence="MIT",
        settings=FasterWhisperSettings,
        target="model",
        batch_s=30.0,
    )

    def __init__(self, settings: FasterWhisperSettings | None = None) -> None:
        given = settings or FasterWhisperSettings()
        super().__init__(given)
        self._language = given.language

    def describe_hearing(self) -> dict[str, str]:
        """Return language, precision and decoding."""
        decoding = ",".join(f"{name}={value}" for name, value in {**_DECODING, "loop": _LOOP}.items())
        return {"language": self._language, "compute_type": self._compute_type, "decoding": decoding}

    def hear_clip(self, clip: Clip) -> Transcript:
        """Return the words of a clip; none if nobody speaks."""
        segments, _ = self._model.transcribe(
            clip.audio, language=self._language, word_timestamps=True, **_DECODING
        )
        found = [segment for segment in segments if segment.compression_ratio <= _LOOP]
        text = " ".join(stripped for segment in found if (stripped := segment.text.strip()))
        spoken = [word for segment in found for word in segment.words or () if word.word.strip()]
        return Transcript(text, _order_words(spoken, clip.audio.size / _RATE_HZ))


def _order_words(spoken: list[Any], duration_s: Seconds) -> tuple[HeardWord, ...]:
    """Return the words with times inside the clip, no word before the one it follows."""
    words: list[HeardWord] = []
    earliest_s = 0.0
    for word in spoken:
        start_s = min(max(float(word.start), earliest_s), duration_s)
        end_s = min(max(float(word.end), start_s), duration_s)
        probability = min(max(float(word.probability), 0.0), 1.0)
        words.append(HeardWord(word.word.strip(), start_s, end_s, probability))
        earliest_s = start_s
    return tuple(words)


class WhisperEncoderListener(_Whisper):
    """An embedder: the mean of the encoder's frames that lie in the clip."""

    name = "whisper-encoder"
    kind: Kind = "embedder"
    version = "1"
    info = ListenerInfo(
        kinds=("embedder",),
        summary="A vector for speech and other sound: the mean of Whisper's encoder over time",
        extra="faster-whisper",
        modules=("faster_whisper",),
        licence="MIT",
        model="Whisper (small.en)",
        model_licence="MIT",
        settings=WhisperEncoderSettings,
        target="model",
        batch_s=30.0,
    )

    def __init__(self, settings: WhisperEncoderSettings | None = None) -> None:
        super().__init__(settings or WhisperEncoderSettings())

    def describe_hearing(self) -> dict[str, str]:
        """Return precision and windows."""
        return {"compute_type": self._compute_type, "windows": "30 s, silence after the end, frames averaged"}

    def hear_clip(self, clip: Clip) -> Embedding:
        """Return the mean of all windows' frames, shape (dimensions,)."""
        parts = range(0, clip.audio.size, _WINDOW)
        frames = [self._encode(clip.audio[start : start + _WINDOW]) for start in parts]
        return Embedding(np.concatenate(frames).mean(axis=0, dtype=np.float64).astype(np.float32))

    def _encode(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the frames of at most 30 s, without those of the silence after it: (frames, dimensions)."""
        from faster_whisper.audio import pad_or_trim  # noqa: PLC0415 - an extra

        features = pad_or_trim(self._model.feature_extractor(audio))
        encoded = np.asarray(self._model.encode(features).to_device(_get_cpu()), np.float32)
        heard: NDArray[np.float32] = encoded[0, : math.ceil(audio.size / _FRAME)]
        return heard


def _get_cpu() -> Any:  # noqa: ANN401
    from ctranslate2 import Device  # noqa: PLC0415 - an extra

    return Device.cpu
