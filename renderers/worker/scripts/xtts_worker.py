"""XTTS (coqui-tts) as a worker: speech with the voice of a recording.

Runs in a Python that has `coqui-tts` (0.28) and torch: `xtts_worker.py OPTIONS`, a JSON object of texts by
name. The package asks for consent to the licence of XTTS's weights, and takes COQUI_TOS_AGREED=1 for it.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from renderers.worker.scripts import speech_worker, worker_protocol
else:
    import speech_worker
    import worker_protocol

NAME = "xtts"
MODEL = "tts_models/multilingual/multi-dataset/xtts_v2"

LOADING: speech_worker.Kinds = {
    "model_name": str,
    "model_path": speech_worker.place,
    "config_path": speech_worker.place,
}
PLACES = ("model_path", "config_path")
SPEAKING: speech_worker.Kinds = {
    "temperature": float,
    "length_penalty": float,
    "repetition_penalty": float,
    "top_k": int,
    "top_p": float,
    "speed": float,
}


class Xtts:
    """Speaks with `TTS.api.TTS`; its options are the language, and arguments of loading and of inference."""

    def __init__(self) -> None:
        self._version = speech_worker.installed(NAME, "coqui-tts")
        given = speech_worker.options(NAME, {"language": str, **LOADING, **SPEAKING})
        if ("model_path" in given) != ("config_path" in given):
            raise speech_worker.refused(f"{NAME}: the options model_path and config_path go together")
        self._language: str = given.pop("language", "en")
        self._loading = {name: given[name] for name in LOADING if name in given}
        if "model_path" not in given:
            self._loading.setdefault("model_name", MODEL)
        self._speaking = {name: given[name] for name in SPEAKING if name in given}
        self._model: Any = None

    def greeting(self) -> dict[str, Any]:
        """The package's version, the language, the options and the files they name change the sound."""
        sound = {"version": self._version, "language": self._language, **self._loading, **self._speaking}
        fingerprint = speech_worker.fingerprint(sound, LOADING)
        return {"name": NAME, "tool": "tts", "clones": True, "fingerprint": fingerprint, "places": PLACES}

    def prepare(self) -> None:
        """Load the model, on the device that was named, else on a GPU if there is one."""
        if self._model is None:
            torch = importlib.import_module("torch")
            device = speech_worker.device() or ("cuda" if torch.cuda.is_available() else "cpu")
            api = importlib.import_module("TTS.api")
            self._model = api.TTS(**self._loading, progress_bar=False).to(device)

    def render(self, requests: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
        """One answer for each request; 24 kHz, mono."""
        self.prepare()
        return speech_worker.each(requests, folder, self._speak)

    def _speak(self, request: dict[str, Any]) -> tuple[Any, int]:
        shown = speech_worker.reference(request)
        speech_worker.sow(request["random_seed"])
        samples = self._model.tts(
            text=request["text"], speaker_wav=shown["path"], language=self._language, **self._speaking
        )
        return samples, self._model.synthesizer.output_sample_rate


if __name__ == "__main__":
    worker_protocol.serve(Xtts)
