"""XTTS (coqui-tts) as a worker: speech with the voice of a recording.

Runs in a Python that has `coqui-tts` (0.28) and torch: `xtts_worker.py OPTIONS`, a JSON object of texts by
name. COQUI_TOS_AGREED=1 in the environment agrees to the licence of XTTS's weights, as the package demands.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from renderers.worker.scripts import speech_worker, worker_protocol, worker_tools
else:
    import speech_worker
    import worker_protocol
    import worker_tools

NAME = "xtts"
MODEL = "tts_models/multilingual/multi-dataset/xtts_v2"

LOADING: worker_tools.Kinds = {
    "model_name": str,
    "model_path": worker_tools.parse_path,
    "config_path": worker_tools.parse_path,
}
PLACES = ("model_path", "config_path")
SPEAKING: worker_tools.Kinds = {
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
        self._version = worker_tools.find_version(NAME, "coqui-tts")
        given = worker_tools.read_options(NAME, {"language": str, **LOADING, **SPEAKING})
        if ("model_path" in given) != ("config_path" in given):
            raise worker_tools.make_error(f"{NAME}: the options model_path and config_path go together")
        self._language: str = given.pop("language", "en")
        self._loading = {name: given[name] for name in LOADING if name in given}
        if "model_path" not in given:
            self._loading.setdefault("model_name", MODEL)
        self._speaking = {name: given[name] for name in SPEAKING if name in given}
        self._model: Any = None

    def greeting(self) -> dict[str, Any]:
        """Return the greeting; version, language, options and the files' content are its fingerprint."""
        sound = {"version": self._version, "language": self._language, **self._loading, **self._speaking}
        fingerprint = worker_tools.make_fingerprint(sound, LOADING)
        known = {"clones": True, "languages": [self._language], "places": PLACES}
        return {"name": NAME, "tool": "tts", "fingerprint": fingerprint, **known}

    def prepare(self) -> None:
        """Load the model; default device: a GPU if there is one, else the CPU."""
        if self._model is None:
            torch = importlib.import_module("torch")
            device = worker_tools.get_device() or ("cuda" if torch.cuda.is_available() else "cpu")
            api = importlib.import_module("TTS.api")
            self._model = api.TTS(**self._loading, progress_bar=False).to(device)

    def render(self, requests: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
        """Return one answer per request; 24 kHz, mono."""
        self.prepare()
        return speech_worker.render_each(requests, folder, self._speak)

    def _speak(self, request: dict[str, Any]) -> tuple[Any, int]:
        reference = speech_worker.require_reference(request)
        worker_tools.seed_generators(request["seed"])
        samples = self._model.tts(
            text=request["text"], speaker_wav=reference["path"], language=self._language, **self._speaking
        )
        return samples, self._model.synthesizer.output_sample_rate


if __name__ == "__main__":
    worker_protocol.serve(Xtts)
