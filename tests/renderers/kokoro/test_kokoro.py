"""The backend `kokoro`, with tiny random weights: real ones are not needed to hold it to its contract."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.tiny_kokoro import write_kokoro
from onnx import TensorProto, helper

from copilot.errors import CopilotError, MissingExtraError, UserError
from renderers import registry
from renderers.contract import RenderedSound, RenderRequest, list_speakers
from renderers.kokoro.renderer import KokoroRenderer, KokoroSettings
from renderers.testing import check_renderer

pytest.importorskip("kokoro_onnx")


AN_ARRAY = (
    b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }".ljust(127)
    + b"\n\0\0\0\0"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_kokoro(tmp_path_factory.mktemp("kokoro"))


@pytest.fixture(scope="module")
def kokoro(folder):
    return KokoroRenderer(KokoroSettings(folder=str(folder)))


def request(
    text="Mind the gap, please.", *, duration_s=30.0, seed=1, voice="af_heart", **rest
) -> RenderRequest:
    return RenderRequest(text, duration_s, seed, voice=voice, **rest)


def say(renderer, *arguments, **rest) -> RenderedSound:
    (sound,) = renderer.render([request(*arguments, **rest)])
    assert isinstance(sound, RenderedSound), sound
    return sound


def duration_s(sound: RenderedSound) -> float:
    return sound.audio.shape[1] / sound.rate_hz


@pytest.mark.parametrize("noise", [False, True])
def test_keeps_the_contract(tmp_path, noise):
    check_renderer(KokoroRenderer, {"folder": str(write_kokoro(tmp_path, noise=noise))})


def test_noise_follows_the_seed_alone(tmp_path):
    renderer = KokoroRenderer(KokoroSettings(folder=str(write_kokoro(tmp_path, noise=True))))
    one, other, again = (say(renderer, seed=seed).audio for seed in (1, 2, 1))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_voices_have_the_language_and_gender_of_their_names(kokoro):
    voices = {voice.name: (voice.gender, voice.languages) for voice in kokoro.voices()}
    assert voices == {
        "af_heart": ("female", ("en-US",)),
        "af_sky": ("female", ("en-US",)),
        "am_adam": ("male", ("en-US",)),
        "bf_emma": ("female", ("en-GB",)),
        "bm_george": ("male", ("en-GB",)),
        "ef_dora": ("female", ("es",)),
        "em_alex": ("male", ("es",)),
    }
    assert [voice.name for voice in list_speakers(kokoro.voices(), "en-GB")] == ["bf_emma", "bm_george"]


def test_voices_that_cannot_be_cast_are_problems(kokoro):
    assert [problem.split()[1] for problem in kokoro.problems] == ["jf_alpha", "mixed"]


def test_words_are_read_in_the_language_of_the_voice(kokoro, monkeypatch):
    kokoro.prepare()
    phonemize, read = kokoro._kokoro.tokenizer.phonemize, []
    monkeypatch.setattr(
        kokoro._kokoro.tokenizer,
        "phonemize",
        lambda text, lang: (read.append(lang), phonemize(text, lang))[1],
    )
    for name in ("af_heart", "bf_emma", "ef_dora"):
        say(kokoro, "gente", voice=name)
    assert read == ["en-us", "en-gb", "es"]


def test_a_request_without_a_voice_gets_one_of_its_gender_and_language(kokoro):
    def choose(**wanted):
        return {say(kokoro, "Hm.", voice=None, seed=seed, **wanted).detail["voice"] for seed in range(12)}

    assert choose(gender="male", language="es") == {"em_alex"}
    assert choose(gender="male") == {"am_adam", "bm_george"}


@pytest.mark.parametrize("voice", ["af_nobody", "jf_alpha", "mixed", ""])
def test_an_unknown_voice_is_refused(kokoro, voice):
    (answer,) = kokoro.render([request(voice=voice)])
    assert answer.reason == "unknown-voice"


@pytest.mark.parametrize(
    ("text", "reason"), [("", "no-speech"), ("...", "no-speech"), ("on and " * 1_000, "text-too-long")]
)
def test_a_text_that_cannot_be_spoken_is_refused(kokoro, text, reason):
    (answer,) = kokoro.render([request(text)])
    assert answer.reason == reason


def test_speech_that_is_too_long_is_spoken_faster_up_to_a_limit(kokoro):
    natural = say(kokoro)
    slot_s = 0.85 * duration_s(natural)
    assert 0.9 * slot_s < duration_s(say(kokoro, duration_s=slot_s)) <= slot_s
    assert say(kokoro, duration_s=0.2).detail["speed"] == "1.400"
    assert natural.detail["speed"] == "1.000"


def test_the_fingerprint_is_that_of_the_files(folder, tmp_path):
    def fingerprint(place, **changes):
        return KokoroRenderer(KokoroSettings(folder=str(write_kokoro(place, **changes)))).fingerprint()

    known = fingerprint(folder)
    assert known.keys() == {
        *("backend", "sound", "revision", "kokoro-onnx", "onnxruntime", "phonemizer", "espeakng-loader")
    }
    assert fingerprint(tmp_path / "same") == known
    assert fingerprint(tmp_path / "other", noise=True) == {
        **known,
        "revision": fingerprint(tmp_path / "other", noise=True)["revision"],
    }
    assert fingerprint(tmp_path / "other", noise=True) != known


# What may be missing


def refuse(folder) -> UserError:
    with pytest.raises(UserError) as caught:
        registry.create(f"kokoro:{folder}", "tts").prepare()
    return caught.value


def test_a_folder_is_needed(tmp_path):
    assert refuse(tmp_path / "absent").field == "tts"
    with pytest.raises(UserError) as caught:
        registry.create("kokoro", "tts")
    assert caught.value.field == "tts"


@pytest.mark.parametrize("missing", ["model.onnx", "voices.bin"])
def test_missing_weights_are_named(tmp_path, missing):
    folder = write_kokoro(tmp_path)
    (folder / missing).unlink()
    error = refuse(folder)
    assert error.field == "tts"
    assert f"*{Path(missing).suffix}" in str(error)


def test_two_models_are_one_too_many(tmp_path):
    folder = write_kokoro(tmp_path)
    (folder / "another.onnx").write_bytes(b"")
    assert refuse(folder).field == "tts"


@pytest.mark.parametrize("content", [b"", b"no voices", b"PK\x03\x04 broken", AN_ARRAY])
def test_voices_of_another_kind_are_refused(tmp_path, content):
    folder = write_kokoro(tmp_path)
    (folder / "voices.bin").write_bytes(content)
    assert refuse(folder).field == "tts"


def test_voices_of_another_shape_are_refused(tmp_path):
    folder = write_kokoro(tmp_path)
    with (folder / "voices.bin").open("wb") as file:
        np.savez(file, af_heart=np.zeros((256,), np.float32))
    assert refuse(folder).field == "tts"


def test_voices_without_a_known_name_are_refused(tmp_path):
    assert refuse(write_kokoro(tmp_path, voices=("mixed",))).field == "tts"


@pytest.mark.parametrize("content", [b"", b"no graph"])
def test_a_broken_model_is_an_error(tmp_path, content):
    folder = write_kokoro(tmp_path)
    (folder / "model.onnx").write_bytes(content)
    with pytest.raises(CopilotError, match="kokoro-onnx"):
        KokoroRenderer(KokoroSettings(folder=str(folder))).prepare()


def test_a_model_of_another_kind_is_refused(tmp_path):
    folder = write_kokoro(tmp_path)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "other", [value], [out])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
        folder / "model.onnx",
    )
    assert refuse(folder).field == "tts"


def test_a_missing_extra_says_what_to_install(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "kokoro_onnx", None)
    with pytest.raises(MissingExtraError) as caught:
        registry.create(f"kokoro:{folder}", "tts")
    assert caught.value.extra == "kokoro"


def test_a_hosted_renderer_says_the_same(folder, kokoro):
    hosted = registry.create_for_rendering(f"kokoro:{folder}", "tts")
    try:
        hosted.prepare()
        wanted = replace(request(), random_seed=5)
        (apart,), (here,) = hosted.render([wanted]), kokoro.render([wanted])
        assert np.array_equal(apart.audio, here.audio)
    finally:
        hosted.close()
