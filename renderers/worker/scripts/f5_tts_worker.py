"""F5-TTS as a worker: speech with the voice of a recording and its transcript.

Runs in a Python that has `f5-tts` (1.1): `f5_tts_worker.py OPTIONS`, a JSON object of texts by name. This
file does not have the package's name, which it would hide.
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

NAME = "f5-tts"
MODEL = "F5TTS_v1_Base"

LOADING: worker_tools.Kinds = {
    "model": str,
    "ckpt_file": worker_tools.parse_path,
    "vocab_file": worker_tools.parse_path,
    "ode_method": str,
    "vocoder_local_path": worker_tools.parse_path,
    "hf_cache_dir": str,
}
PLACES = ("ckpt_file", "vocab_file", "vocoder_local_path", "hf_cache_dir")
SPEAKING: worker_tools.Kinds = {
    "nfe_step": int,
    "cfg_strength": float,
    "sway_sampling_coef": float,
    "target_rms": float,
    "cross_fade_duration": float,
    "speed": float,
}


class F5Tts:
    """Speaks with `f5_tts.api.F5TTS`; its options are the arguments of its constructor and of `infer`."""

    def __init__(self) -> None:
        self._version = worker_tools.find_version(NAME, "f5-tts")
        self._options = worker_tools.read_options(NAME, {**LOADING, **SPEAKING})
        self._model: Any = None

    def greeting(self) -> dict[str, Any]:
        """Return the greeting; version, model, options and the files' content are its fingerprint."""
        sound = {"version": self._version, "model": MODEL, **self._options}
        sound.pop("hf_cache_dir", None)
        fingerprint = worker_tools.make_fingerprint(sound, LOADING)
        known = {"clones": True, "languages": ["en", "zh"], "places": PLACES}
        return {"name": NAME, "tool": "tts", "fingerprint": fingerprint, **known}

    def prepare(self) -> None:
        """Load the model and its vocoder; default device: the best that is available."""
        if self._model is None:
            given = {name: self._options[name] for name in LOADING if name in self._options}
            api = importlib.import_module("f5_tts.api")
            self._model = api.F5TTS(**{"model": MODEL, **given}, device=worker_tools.get_device())

    def render(self, requests: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
        """Return one answer per request; 24 kHz, mono."""
        self.prepare()
        return speech_worker.render_each(requests, folder, self._speak)

    def _speak(self, request: dict[str, Any]) -> tuple[Any, int]:
        reference = speech_worker.require_reference(request)
        if not reference["transcript"].strip():  # the package would load another model to transcribe it
            raise worker_tools.Refusal("no-transcript", f"{reference['path']}: F5-TTS needs its transcript")
        samples, rate_hz, _ = self._model.infer(
            ref_file=reference["path"],
            ref_text=reference["transcript"],
            gen_text=request["text"],
            seed=request["seed"],
            **{name: self._options[name] for name in SPEAKING if name in self._options},
        )
        if samples is None:
            raise worker_tools.Refusal("no-speech", "F5-TTS found nothing to speak in the text")
        return samples, rate_hz


if __name__ == "__main__":
    worker_protocol.serve(F5Tts)
