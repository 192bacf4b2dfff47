"""GLAP as a worker: the similarity of a sound with captions, in many languages.

Runs in a Python that has `glap-model` (0.0.13): `glap_worker.py OPTIONS`, a JSON object of texts by name. The
package unpickles the checkpoint, which runs what code is in it: use a file that you trust.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from listeners.worker.scripts import hearing_worker
    from renderers.worker.scripts import worker_protocol, worker_tools
else:
    import hearing_worker
    from hearing_worker import worker_protocol, worker_tools

NAME = "glap"
RATE_HZ = 16_000


def _parse_prompt(text: str) -> str:
    if "{caption}" not in text:
        raise ValueError("give a text with {caption} in it, such as: The sound of {caption} can be heard.")
    return text


OPTIONS: worker_tools.Kinds = {
    "checkpoint": worker_tools.parse_path,
    "prompt": _parse_prompt,
    "language": str,
}
DEFAULTS = {"prompt": "{caption}", "language": "eng_Latn"}
PLACES = ("checkpoint",)
MOST_CAPTIONS = 4_096
"""Captions whose vectors are kept: stems and mixes share theirs."""


class Glap:
    """Scores with `glap_model.models.GLAPInference`. `checkpoint` is the file of the weights."""

    def __init__(self) -> None:
        self._version = worker_tools.find_version(NAME, "glap-model")
        given = worker_tools.read_options(NAME, OPTIONS)
        if "checkpoint" not in given:
            raise worker_tools.make_error(f"{NAME}: the option checkpoint is missing; give the weights' file")
        self._options: dict[str, str] = {**DEFAULTS, **given}
        self._get_vector = lru_cache(MOST_CAPTIONS)(self._embed)
        self._model: Any = None

    def greeting(self) -> dict[str, Any]:
        """Return the greeting; version, weights, prompt and language are its fingerprint."""
        fingerprint = worker_tools.make_fingerprint({"version": self._version, **self._options}, OPTIONS)
        known = {"fingerprint": fingerprint, "places": PLACES}
        return {"name": NAME, "kind": "scorer", "rate_hz": RATE_HZ, **known}

    def prepare(self) -> None:
        """Load the model; default device: a GPU if there is one, else the CPU."""
        if self._model is None:
            torch = importlib.import_module("torch")
            self._device = worker_tools.get_device() or ("cuda" if torch.cuda.is_available() else "cpu")
            package = importlib.import_module("glap_model.models")
            model = package.GLAPInference.from_pretrained(self._options["checkpoint"])
            self._model = model.to(self._device).eval()

    def hear(self, requests: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
        """Return one answer per clip."""
        self.prepare()
        return hearing_worker.hear_each(requests, folder, self._score)

    def _score(self, audio: Any, captions: list[str]) -> dict[str, Any]:  # noqa: ANN401
        torch = importlib.import_module("torch")
        with torch.inference_mode():
            length = torch.tensor([audio.size]).to(self._device)
            sound = self._model.encode_audio(torch.from_numpy(audio)[None].to(self._device), length)
            # The package's own score is a hundred times the cosine.
            cosines = [
                self._model.score(sound, self._get_vector(caption)).item() / 100 for caption in captions
            ]
        return {"scores": [min(max(cosine, -1.0), 1.0) for cosine in cosines]}

    def _embed(self, caption: str) -> Any:  # noqa: ANN401
        text = self._options["prompt"].replace("{caption}", caption)
        return self._model.encode_text([text], device=self._device, source_lang=self._options["language"])


if __name__ == "__main__":
    worker_protocol.serve(Glap)
