"""OpenFLAM as a worker: the probability that a caption is heard, every 0.3125 s.

Runs in a Python that has `openflam` (1.0): `openflam_worker.py OPTIONS`, a JSON object of texts by name. Code
and weights may be used for non-commercial research alone (Adobe Research License).
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from listeners.worker.scripts import hearing_worker
    from renderers.worker.scripts import worker_protocol, worker_tools
else:
    import hearing_worker
    from hearing_worker import worker_protocol, worker_tools

NAME = "openflam"
RATE_HZ = 48_000
WINDOW, HOP, FRAME = 480_000, 240_000, 15_000
"""The package stretches anything shorter than a window in time, and refuses anything longer."""

METHODS = ("unbiased", "approximate")
REPOSITORIES = ("models--kechenadobe--OpenFLAM", "models--roberta-base")


def _parse_method(text: str) -> str:
    if text not in METHODS:
        raise ValueError(f"give {' or '.join(METHODS)}")
    return text


OPTIONS: worker_tools.Kinds = {"cache_dir": worker_tools.parse_path, "method": _parse_method}
PLACES = ("cache_dir",)


class OpenFlam:
    """Detects with `openflam.OpenFLAM`. `cache_dir` is a cache of the hub that holds the weights."""

    def __init__(self) -> None:
        self._version = worker_tools.find_version(NAME, "openflam")
        given = worker_tools.read_options(NAME, OPTIONS)
        if "cache_dir" not in given:
            raise worker_tools.make_error(
                f"{NAME}: the option cache_dir is missing; fill a folder on a machine with a network: "
                "hf download kechenadobe/OpenFLAM --cache-dir FOLDER, and the same for roberta-base"
            )
        self._cache, self._method = Path(given["cache_dir"]), given.get("method", METHODS[0])
        if absent := [name for name in REPOSITORIES if not (self._cache / name).is_dir()]:
            raise worker_tools.make_error(f"{NAME}: {self._cache} has no folder {', '.join(absent)}")
        self._model: Any = None

    def greeting(self) -> dict[str, Any]:
        """Return the greeting; version, weights, method and windows are its fingerprint."""
        weights = [worker_tools.hash_content(self._cache / name / "snapshots") for name in REPOSITORIES]
        fingerprint = {
            "version": self._version,
            "method": self._method,
            "weights": "-".join(weights),
            "windows": f"{WINDOW},{HOP}",
            "padding": "repeat, frames after the end left out",
        }
        return {
            "name": NAME,
            "kind": "detector",
            "rate_hz": RATE_HZ,
            "fingerprint": fingerprint,
            "places": PLACES,
        }

    def prepare(self) -> None:
        """Load the model; default device: a GPU if there is one, else the CPU."""
        if self._model is None:
            torch = importlib.import_module("torch")
            device = worker_tools.get_device() or ("cuda" if torch.cuda.is_available() else "cpu")
            package = importlib.import_module("openflam")
            self._model = package.OpenFLAM(model_name="v1-base", default_ckpt_path=str(self._cache))
            self._model = self._model.to(device)
            self._device = device

    def hear(self, requests: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
        """Return one answer per clip."""
        self.prepare()
        return hearing_worker.hear_each(requests, folder, self._detect)

    def _detect(self, audio: Any, captions: list[str]) -> tuple[Any, float]:  # noqa: ANN401
        numpy, torch = importlib.import_module("numpy"), importlib.import_module("torch")
        windows = hearing_worker.load_windows()
        if not captions:
            return numpy.zeros((0, -(-audio.size // FRAME)), "float32"), FRAME / RATE_HZ
        starts = [start for start, _ in windows.cut_windows(audio, WINDOW, HOP, FRAME)]
        cut = numpy.stack([windows.fill_window(audio, start, WINDOW) for start in starts])
        # A caption that is alone loses an axis inside the package, which then fails.
        texts = captions * 2 if len(captions) == 1 else captions
        found = self._model.get_local_similarity(
            torch.from_numpy(cut).to(self._device), texts, method=self._method, cross_product=True
        )
        values = numpy.asarray(found.cpu().numpy(), "float32")[:, : len(captions)]
        pairs = list(zip(starts, values.clip(0.0, 1.0), strict=True))
        return windows.merge_frames(pairs, audio.size, FRAME), FRAME / RATE_HZ


if __name__ == "__main__":
    worker_protocol.serve(OpenFlam)
