"""The windows and ratings of DNSMOS; `tests/with_hearing` has its real weights."""

from __future__ import annotations

import numpy as np
import pytest

from copilot.errors import UserError
from listeners.contract import Clip, HearingFailure
from listeners.dnsmos import DnsmosListener, DnsmosSettings

WINDOW = 144_160


class Session:
    """A model whose figures are the first sample of its window, its last one, and 1 or NaN."""

    def __init__(self, ovr: float = 1.0) -> None:
        self.ovr = ovr
        self.shapes: list[tuple[int, ...]] = []

    def run(self, names, inputs):
        assert names is None
        window = inputs["input_1"]
        self.shapes.append(window.shape)
        return [np.array([[window[0, 0], window[0, -1], self.ovr]], np.float32)]


@pytest.fixture
def listener(tmp_path):
    file = tmp_path / "model.onnx"
    file.write_bytes(b"weights")
    listener = DnsmosListener(DnsmosSettings(model=str(file)))
    listener._model = Session()
    return listener


def test_a_long_clip_has_a_window_each_second_and_one_at_its_end(listener):
    audio = np.linspace(0, 1, WINDOW + 20_000, dtype=np.float32)
    [heard] = listener.hear([Clip(audio)])
    assert listener._model.shapes == [(1, WINDOW)] * 3
    first = audio[[0, 16_000, 20_000]].astype(np.float64)
    sig = -0.08397278 * first**2 + 1.22083953 * first + 0.0052439
    assert heard.values["sig"] == pytest.approx(sig.mean())
    assert heard.values["ovr"] == pytest.approx(-0.06766283 + 1.11546468 + 0.04602535)


def test_a_short_clip_is_repeated(listener):
    audio = np.array([0.25, 0.5, 0.75], np.float32)
    [heard] = listener.hear([Clip(audio)])
    last = float(audio[(WINDOW - 1) % 3])
    assert heard.values["bak"] == pytest.approx(-0.13166888 * last**2 + 1.60915514 * last - 0.39604546)


def test_figures_that_are_not_finite_are_a_failure(listener):
    listener._model = Session(float("nan"))
    assert listener.hear([Clip(np.ones(10, np.float32))]) == [
        HearingFailure("not-rated", "the model's figures are not finite")
    ]


def test_weights_that_do_not_exist_are_a_users_mistake(tmp_path, monkeypatch):
    with pytest.raises(UserError):
        DnsmosListener(DnsmosSettings(model=str(tmp_path / "nowhere.onnx"))).prepare()
    monkeypatch.setattr("listeners.dnsmos.find_spec", lambda _: None)
    with pytest.raises(UserError) as raised:
        DnsmosListener()
    assert raised.value.field == "rater"


def test_a_file_is_known_by_its_content(tmp_path):
    def known(name: str, content: bytes) -> dict[str, str]:
        (tmp_path / name).write_bytes(content)
        return DnsmosListener(DnsmosSettings(model=str(tmp_path / name))).fingerprint()

    assert known("a.onnx", b"weights") == known("b.onnx", b"weights")
    assert known("a.onnx", b"weights")["revision"] != known("c.onnx", b"others")["revision"]
