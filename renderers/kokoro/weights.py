"""The folder of Kokoro's weights: one model, one file of voices, and what the voices' names say."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from copilot.errors import UserError
from copilot.scene import Gender
from renderers.onnx_errors import blame_weights

WHERE = "give a folder with Kokoro's model (.onnx) and its voices (.bin), as kokoro-onnx publishes them"

# Tag, and the name of the language in espeak-ng, which reads its words to phonemes.
_LANGUAGES = {
    "a": ("en-US", "en-us"),
    "b": ("en-GB", "en-gb"),
    "e": ("es", "es"),
    "f": ("fr", "fr-fr"),
    "h": ("hi", "hi"),
    "i": ("it", "it"),
    "p": ("pt-BR", "pt-br"),
}
_GENDERS: dict[str, Gender] = {"f": "female", "m": "male"}


@dataclass(frozen=True, slots=True)
class KokoroVoice:
    """A voice by its name, such as `af_heart`: `a` is its language, `f` its gender."""

    name: str

    @property
    def is_known(self) -> bool:
        """Whether its name says a language that espeak-ng reads well, and a gender."""
        kind, mark, _ = self.name.partition("_")
        return bool(mark) and len(kind) == 2 and kind[0] in _LANGUAGES and kind[1] in _GENDERS

    @property
    def gender(self) -> Gender:
        """The gender of a known voice."""
        return _GENDERS[self.name[1]]

    @property
    def language(self) -> str:
        """The language's tag."""
        return _LANGUAGES[self.name[0]][0]

    @property
    def espeak_language(self) -> str:
        """The language as espeak-ng calls it."""
        return _LANGUAGES[self.name[0]][1]


@dataclass(frozen=True, slots=True)
class Weights:
    """The files of a folder."""

    model: Path
    voices: Path

    @classmethod
    def find(cls, folder: str) -> Weights:
        """Return the files of a folder. Raises UserError if it lacks one, or has several."""
        place = Path(folder).expanduser()
        if not place.is_dir():
            raise UserError(f"kokoro: {folder}: no such folder; {WHERE}", field="tts")
        return cls(_find_one(place, "*.onnx", "model"), _find_one(place, "*.bin", "file of voices"))

    def read_voices(self) -> dict[str, NDArray[np.float32]]:
        """Return the voices by name. Raises UserError for a file of another kind."""
        try:
            with np.load(self.voices) as stored:
                voices = {name: np.asarray(stored[name]) for name in stored.files}
        except (EOFError, OSError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise UserError(
                f"kokoro: {self.voices}: not a file of voices ({error}); {WHERE}", field="tts"
            ) from error
        for name, style in voices.items():
            if style.ndim != 3 or style.shape[1] != 1 or style.dtype.kind != "f":
                shape = "x".join(map(str, style.shape))
                what = f"{name} is {shape} {style.dtype}, not the styles of a voice"
                raise UserError(f"kokoro: {self.voices}: {what}; {WHERE}", field="tts")
        return voices

    def open_session(self, random_seed: int) -> Any:  # noqa: ANN401 - an onnxruntime.InferenceSession
        """Return the model in a session of one thread, whose noise follows the seed. Raises CopilotError."""
        import onnxruntime  # noqa: PLC0415 - an extra
        from kokoro_onnx.session import resolve_providers  # noqa: PLC0415 - an extra

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        onnxruntime.set_seed(random_seed % 2**31)
        with blame_weights(f"kokoro: {self.model}", WHERE):
            session = onnxruntime.InferenceSession(str(self.model), options, providers=resolve_providers())
        takes = {value.name for value in session.get_inputs()}
        if not {"style", "speed"} <= takes or not {"tokens", "input_ids"} & takes:
            other = ", ".join(sorted(takes))
            raise UserError(
                f"kokoro: {self.model} takes {other}, not tokens, style and speed; {WHERE}", field="tts"
            )
        return session

    def has_noise(self) -> bool:
        """Return whether the model draws random numbers, by the names of ONNX's operators."""
        content = self.model.read_bytes()
        return any(operator in content for operator in (b"RandomNormal", b"RandomUniform"))


def _find_one(folder: Path, pattern: str, what: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or f"no {pattern}"
        raise UserError(f"kokoro: {folder}: one {what} is needed, found {names}; {WHERE}", field="tts")
    return found[0]
