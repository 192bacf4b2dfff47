"""DNSMOS P.835 (Reddy et al. 2022): the quality of speech, of its background, and of both, from 1 to 5.

Windows of 9.01 s, a second apart, the last one aligned to the end; shorter speech is repeated. The model's
figures become ratings by the published polynomials, and are averaged over the windows.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from copilot.errors import UserError
from copilot.frozen_model import FrozenModel
from listeners.clip_listener import ClipListener
from listeners.contract import Clip, HearingFailure, Kind, ListenerInfo, Ratings
from listeners.windows import cut_windows, fill_window
from renderers.model_revision import hash_model_file

_RATE_HZ = 16_000
_WINDOW = 144_160
_HOP = _RATE_HZ
_INPUT = "input_1"
_SCALES = {
    "sig": (-0.08397278, 1.22083953, 0.0052439),
    "bak": (-0.13166888, 1.60915514, -0.39604546),
    "ovr": (-0.06766283, 1.11546468, 0.04602535),
}
"""The scales in the order of the model's output, each with its polynomial, the highest power first."""


class DnsmosSettings(FrozenModel):
    """Settings of `dnsmos`."""

    model: str | None = Field(
        None, description="The file sig_bak_ovr.onnx; default: that of the package speechmos, if installed."
    )


class DnsmosListener(ClipListener):
    """A rater of speech. Meant for speech, with or without noise; music makes its figures meaningless."""

    name = "dnsmos"
    kind: Kind = "rater"
    rate_hz = _RATE_HZ
    version = "1"
    libraries = ("onnxruntime",)
    info = ListenerInfo(
        kinds=("rater",),
        summary="Quality of speech and background, 1 to 5, by DNSMOS P.835",
        extra="dnsmos",
        modules=("onnxruntime",),
        licence="Apache-2.0",
        model="DNSMOS P.835 (sig_bak_ovr.onnx, in the package speechmos)",
        model_licence="MIT",
        settings=DnsmosSettings,
        target="model",
        batch_s=120.0,
    )

    def __init__(self, settings: DnsmosSettings | None = None) -> None:
        given = (settings or DnsmosSettings()).model
        self._file = Path(given).expanduser() if given else _find_packaged_model()
        super().__init__(str(self._file))

    def find_revision(self) -> str:
        """Return the hash of the file. Raises UserError if it does not exist."""
        return hash_model_file(self._file)

    def find_folder(self) -> str:
        """Return the file: it is always local."""
        return str(self._file)

    def describe_hearing(self) -> dict[str, str]:
        """Return the windows."""
        return {"windows": "9.01 s every 1 s, last aligned to the end, repeated if short"}

    def load(self) -> Any:  # noqa: ANN401
        """Return an `onnxruntime.InferenceSession`. Raises UserError for weights of another kind."""
        from onnxruntime import InferenceSession, SessionOptions  # noqa: PLC0415 - an extra

        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        model = InferenceSession(self._file, options, providers=["CPUExecutionProvider"])
        inputs = {each.name: list(each.shape)[1:] for each in model.get_inputs()}
        if inputs != {_INPUT: [_WINDOW]}:
            raise UserError(f"model {self._file} is not DNSMOS P.835: its inputs are {inputs}", field="rater")
        return model

    def hear_clip(self, clip: Clip) -> Ratings | HearingFailure:
        """Return the ratings `sig` (of the speech), `bak` (of the background) and `ovr` (of both)."""
        raw = [self._rate(clip, start) for start, _ in cut_windows(clip.audio, _WINDOW, _HOP)]
        by_scale = zip(_SCALES.items(), np.array(raw, np.float64).T, strict=True)
        ratings = {name: float(np.polyval(terms, found).mean()) for (name, terms), found in by_scale}
        if not np.isfinite(list(ratings.values())).all():
            return HearingFailure("not-rated", "the model's figures are not finite")
        return Ratings(ratings)

    def _rate(self, clip: Clip, start: int) -> list[float]:
        window = fill_window(clip.audio, start, _WINDOW)
        [[figures]] = self._model.run(None, {_INPUT: window[np.newaxis]})
        return [float(figure) for figure in figures]


def _find_packaged_model() -> Path:
    """Return the file in the installed package, whose code needs more than it names. Raises UserError."""
    spec = find_spec("speechmos")
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            "dnsmos has no weights; install them with: pip install --no-deps speechmos, "
            "or give dnsmos:FILE, the file sig_bak_ovr.onnx",
            field="rater",
        )
    return Path(spec.submodule_search_locations[0]) / "dnsmos_models" / "sig_bak_ovr.onnx"
