"""UTMOSv2 as a worker: the naturalness of speech, 1 to 5.

Runs in a Python that has `utmosv2` (1.2 or later): `utmosv2_worker.py OPTIONS`, a JSON object of texts by
name. The package hears segments that it draws: every clip begins with the same seed, and is heard several
times. Only speech is meant, not mixes with music.
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

NAME = "utmosv2"
RATE_HZ = 16_000
DISTRIBUTIONS = ("utmosv2", "hyperion-utmosv2")
"""The package's own, which is not on PyPI, and a fork."""

FEWEST = 5


def _parse_repetitions(text: str) -> int:
    if int(text) < FEWEST:
        raise ValueError(f"give {FEWEST} or more: each draws other parts of the clip")
    return int(text)


def _parse_truth(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("give true or false")
    return text == "true"


OPTIONS: worker_tools.Kinds = {
    "checkpoint": worker_tools.parse_path,
    "config": str,
    "fold": int,
    "seed": int,
    "repetitions": _parse_repetitions,
    "remove_silent_section": _parse_truth,
}
DEFAULTS = {
    "config": "fusion_stage3",
    "fold": 0,
    "seed": 42,
    "repetitions": FEWEST,
    "remove_silent_section": True,
}
PLACES = ("checkpoint",)


class Utmosv2:
    """Rates with `utmosv2.create_model`. `checkpoint` is the file of the weights."""

    def __init__(self) -> None:
        self._version = worker_tools.find_version(NAME, *DISTRIBUTIONS)
        given = worker_tools.read_options(NAME, OPTIONS)
        if "checkpoint" not in given:
            raise worker_tools.make_error(f"{NAME}: the option checkpoint is missing; give the weights' file")
        self._options: dict[str, Any] = {**DEFAULTS, **given}
        self._model: Any = None

    def greeting(self) -> dict[str, Any]:
        """Return the greeting; version, weights and options are its fingerprint."""
        fingerprint = worker_tools.make_fingerprint({"version": self._version, **self._options}, OPTIONS)
        known = {"fingerprint": fingerprint, "places": PLACES}
        return {"name": NAME, "kind": "rater", "rate_hz": RATE_HZ, **known}

    def prepare(self) -> None:
        """Load the model; default device: a GPU if there is one, else the CPU."""
        if self._model is None:
            torch = importlib.import_module("torch")
            self._device = worker_tools.get_device() or ("cuda:0" if torch.cuda.is_available() else "cpu")
            self._model = importlib.import_module("utmosv2").create_model(
                pretrained=True,
                config=self._options["config"],
                fold=self._options["fold"],
                checkpoint_path=self._options["checkpoint"],
            )

    def hear(self, requests: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
        """Return one answer per clip."""
        self.prepare()
        return hearing_worker.hear_each(requests, folder, self._rate)

    def _rate(self, audio: Any, captions: list[str]) -> dict[str, Any]:  # noqa: ANN401
        del captions
        worker_tools.seed_generators(self._options["seed"])
        found = self._model.predict(
            data=audio,
            sr=RATE_HZ,
            device=self._device,
            num_workers=0,
            batch_size=1,
            num_repetitions=self._options["repetitions"],
            remove_silent_section=self._options["remove_silent_section"],
            verbose=False,
        )
        return {"ratings": {"mos": float(found[0])}}


if __name__ == "__main__":
    worker_protocol.serve(Utmosv2)
