"""Speech recognition by ONNX models through onnx-asr: Parakeet by default, a transducer.

A transducer says nothing where nobody speaks more reliably than Whisper does. The models give tokens, each
with the time of its first frame: a word begins with its first token, and ends one frame after its last one.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from copilot.frozen_model import FrozenModel
from copilot.units import Seconds
from listeners.clip_listener import ClipListener
from listeners.contract import Clip, HeardWord, HearingFailure, Kind, ListenerInfo, Transcript
from renderers.torch_support import DEVICE_VARIABLE

_RATE_HZ = 16_000
_FRAME_S: Seconds = 0.08
"""The longest step between two frames of the models."""

_SHORTEST_S: Seconds = 0.1
"""No word is shorter. The models' input is normalised over time, and is NaN for a single frame."""

_WHISPER_S: Seconds = 30.0
_REPOSITORIES = {
    "nemo-parakeet-tdt-0.6b-v2": "istupakov/parakeet-tdt-0.6b-v2-onnx",
    "nemo-parakeet-tdt-0.6b-v3": "istupakov/parakeet-tdt-0.6b-v3-onnx",
    "nemo-canary-1b-v2": "istupakov/canary-1b-v2-onnx",
}


class OnnxAsrSettings(FrozenModel):
    """Settings of `onnx-asr`."""

    model: str = Field(
        "nemo-parakeet-tdt-0.6b-v2",
        description=f"A folder, OWNER/NAME on the hub, or {', '.join(_REPOSITORIES)}.",
    )
    model_type: str | None = Field(
        None, description="The form of a folder's model; default: what its config.json says."
    )
    quantization: str | None = Field(None, description="The files' precision, such as int8.")
    language: str | None = Field(None, description="The tag of the language, for Whisper and Canary alone.")


class OnnxAsrListener(ClipListener):
    """A recogniser that gives each word a time, if the model gives its tokens times."""

    name = "onnx-asr"
    kind: Kind = "recogniser"
    rate_hz = _RATE_HZ
    version = "1"
    libraries = ("onnx-asr", "onnxruntime")
    info = ListenerInfo(
        kinds=("recogniser",),
        summary="Speech, by ONNX models: Parakeet, Canary, Whisper and others",
        extra="onnx-asr",
        modules=("onnx_asr", "onnxruntime"),
        licence="MIT",
        model="nemo-parakeet-tdt-0.6b-v2",
        model_licence="CC-BY-4.0",
        settings=OnnxAsrSettings,
        target="model",
        batch_s=30.0,
    )

    def __init__(self, settings: OnnxAsrSettings | None = None) -> None:
        self._settings = settings or OnnxAsrSettings()
        super().__init__(self._settings.model, _REPOSITORIES.get(self._settings.model))

    def describe_hearing(self) -> dict[str, str]:
        """Return form, precision and language."""
        given = self._settings.model_dump(exclude={"model"})
        return {name: str(value) for name, value in given.items()}

    def load(self) -> Any:  # noqa: ANN401
        """Return an adapter of onnx-asr that gives tokens with times."""
        import onnx_asr  # noqa: PLC0415 - an extra
        from onnxruntime import SessionOptions  # noqa: PLC0415 - an extra

        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        on_cpu = os.environ.get(DEVICE_VARIABLE) == "cpu"
        folder = self.find_folder()
        model = onnx_asr.load_model(
            self._settings.model_type if folder else self._repository,
            folder,
            quantization=self._settings.quantization,
            sess_options=options,
            providers=["CPUExecutionProvider"] if on_cpu else None,
        )
        return model.with_timestamps()

    def hear_clip(self, clip: Clip) -> Transcript | HearingFailure:
        """Return the words of a clip; none if nobody speaks."""
        duration_s = clip.audio.size / _RATE_HZ
        if duration_s < _SHORTEST_S:
            return Transcript("")
        if duration_s > _WHISPER_S and "Whisper" in type(self._model.asr).__name__:
            return HearingFailure(
                "clip-too-long", f"{duration_s:g} s; Whisper hears {_WHISPER_S:g} s at once"
            )
        language = {"language": self._settings.language} if self._settings.language else {}
        found = self._model.recognize(clip.audio, sample_rate=_RATE_HZ, **language)
        words = _group_words(found.tokens or (), found.timestamps or (), found.logprobs or (), duration_s)
        return Transcript(found.text.strip(), words)


def _group_words(
    tokens: Sequence[str], times_s: Sequence[float], logs: Sequence[float], duration_s: Seconds
) -> tuple[HeardWord, ...]:
    """Return the words that tokens make up: a word begins with a token that begins with a space.

    Without times there are none. A word's probability is the least of its tokens', if the model gives them.
    """
    groups: list[list[int]] = []
    for index in range(min(len(tokens), len(times_s))):
        if tokens[index].startswith(" ") or not groups:
            groups.append([])
        groups[-1].append(index)
    words = []
    for number, group in enumerate(groups):
        text = "".join(tokens[index] for index in group).strip()
        start_s = min(times_s[group[0]], duration_s)
        following_s = [times_s[other[0]] for other in groups[number + 1 : number + 2]]
        end_s = min(times_s[group[-1]] + _FRAME_S, duration_s, *following_s)
        if text:
            least = min((logs[index] for index in group if index < len(logs)), default=None)
            probability = None if least is None else math.exp(min(least, 0.0))
            words.append(HeardWord(text, start_s, max(start_s, end_s), probability))
    return tuple(words)
