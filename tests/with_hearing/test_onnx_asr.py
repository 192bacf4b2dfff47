"""Real onnx-asr with a small transducer in Parakeet's form, which says `la-la` where it is loud."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers.tiny_transducer import save_tiny_transducer

from copilot.errors import UserError
from listeners.contract import Clip, HearingFailure, Transcript
from listeners.onnx_asr import OnnxAsrListener, OnnxAsrSettings
from listeners.testing import check_listener

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transducer")
    save_tiny_transducer(folder)
    return folder


def make_bursts(*spans_s: tuple[float, float], seconds: float = 4.0) -> np.ndarray:
    noise = np.random.default_rng(1).standard_normal(round(seconds * RATE_HZ))
    gate = np.full(noise.size, 1e-4)
    for start_s, end_s in spans_s:
        gate[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)] = 0.1
    return (noise * gate).astype(np.float32)


def test_words_have_the_times_of_their_tokens(folder):
    listener = OnnxAsrListener(OnnxAsrSettings(model=str(folder)))
    [heard] = listener.hear([Clip(make_bursts((0.6, 1.25), (2.5, 3.2)))])
    assert heard.text == "la-la la-la"
    assert [word.text for word in heard.words] == ["la-la", "la-la"]
    times_s = [(word.start_s, word.end_s) for word in heard.words]
    assert times_s == [pytest.approx((0.64, 1.04)), pytest.approx((2.56, 2.96))]
    assert all(0 < word.probability < 1 for word in heard.words)


def test_it_keeps_the_contract(folder):
    check_listener(OnnxAsrListener, {"model": str(folder)}, kind="recogniser")


def test_a_recogniser_that_returns_nothing_gives_an_empty_transcript(tmp_path):
    save_tiny_transducer(tmp_path, bias=100.0)
    listener = OnnxAsrListener(OnnxAsrSettings(model=str(tmp_path)))
    assert listener.hear([Clip(make_bursts((0.5, 1.0)))]) == [Transcript("")]


def test_a_clip_that_is_too_long_for_whisper_fails(folder):
    listener = OnnxAsrListener(OnnxAsrSettings(model=str(folder)))
    listener.prepare()
    assert isinstance(listener.hear([Clip(make_bursts((1.0, 2.0), seconds=31.0))])[0], Transcript)
    listener._model.asr.__class__ = type("WhisperHf", (type(listener._model.asr),), {})
    [failure] = listener.hear([Clip(make_bursts((1.0, 2.0), seconds=31.0))])
    assert isinstance(failure, HearingFailure)
    assert failure.reason == "clip-too-long"


def test_the_form_of_a_folder_without_one_can_be_set(tmp_path):
    save_tiny_transducer(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["model_type"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    settings = OnnxAsrSettings(model=str(tmp_path), model_type="nemo-conformer-tdt")
    [heard] = OnnxAsrListener(settings).hear([Clip(make_bursts((0.6, 1.25)))])
    assert heard.text == "la-la"
    with pytest.raises(UserError):
        OnnxAsrListener(OnnxAsrSettings(model=str(tmp_path))).prepare()


def test_weights_that_are_missing_or_of_another_kind_are_a_users_mistake(tmp_path, whisper):
    for model in (tmp_path / "nowhere", tmp_path, whisper):
        with pytest.raises(UserError):
            OnnxAsrListener(OnnxAsrSettings(model=str(model))).prepare()
    save_tiny_transducer(tmp_path)
    (tmp_path / "encoder-model.onnx").write_bytes(b"not a model")
    with pytest.raises(UserError) as raised:
        OnnxAsrListener(OnnxAsrSettings(model=str(tmp_path))).prepare()
    assert raised.value.field == "recogniser"
    with pytest.raises(UserError):
        OnnxAsrListener(OnnxAsrSettings(model=str(tmp_path), quantization="int8")).prepare()
