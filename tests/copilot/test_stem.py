"""Stems, their keys and their files."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.errors import CorruptDataError, RowFault
from copilot.hashing import canonical_json, content_hash, derive_random_seed, derive_rng, draw
from copilot.stem import SoundSpec, Stem, load_stem, make_stem

SPEC = SoundSpec("sfx", "rain", 2.0, 11, {"backend": "noise", "version": "1"})
NOISE = (np.random.default_rng(0).standard_normal((2, 96_000)) * 0.1).astype(np.float32)


def test_the_key_is_the_same_in_every_version():
    assert SPEC.key == "285b06d28af5f4858344d73e096fa5b95be311eba5e61ddef361194a80ece95c"


@pytest.mark.parametrize(
    "other",
    [
        {"tool": "tts"},
        {"text": "hail"},
        {"duration_s": 2.5},
        {"random_seed": 12},
        {"backend": {"backend": "noise"}},
        {"voice": "en-us+f2"},
        {"gender": "female"},
        {"emotion": "sad"},
    ],
)
def test_every_tool_parameter_is_in_the_key(other):
    assert replace(SPEC, **other).key != SPEC.key


def test_a_stem_is_what_its_file_holds():
    made = make_stem(SPEC, NOISE, 48_000, detail={"recipe": "rain"})
    loaded = load_stem(made.info, made.flac)
    assert np.array_equal(loaded.pcm, made.pcm)
    assert np.array_equal(loaded.power, made.power)
    assert made.info.loudness_lufs == pytest.approx(made.loudness_with((1.0, 1.0)))
    assert (made.info.duration_s, made.info.asked_duration_s, made.info.matched) == (2.0, 2.0, True)


def test_another_file_is_found_out():
    made, shorter = make_stem(SPEC, NOISE, 48_000), make_stem(SPEC, NOISE[:, :48_000], 48_000)
    with pytest.raises(CorruptDataError, match=r"does not hold 2\.0 s with 24 bits"):
        load_stem(made.info, shorter.flac)


def test_effects_are_cut_and_speech_is_not():
    long = np.tile(NOISE, 2)
    assert make_stem(SPEC, long, 48_000).info.duration_s == 2.0
    speech = make_stem(replace(SPEC, tool="tts"), long[:1], 48_000)
    assert speech.info.duration_s == 4.0
    assert speech.info.speech_start_s == 0.0
    assert speech.info.speech_end_s == 4.0


FOURTEEN = "The keeper told us that nobody had come down this road since the storm."


@pytest.mark.parametrize(
    ("text", "speech_s", "reason"),
    [
        (FOURTEEN, 1.2, "stem-too-short"),
        (FOURTEEN, 2.0, None),
        (FOURTEEN, 37.0, None),
        (FOURTEEN, 39.0, "stem-too-long"),
        ("Three short words.", 60.0, "stem-too-long"),
        ("123456789012345", 10.0, None),
        ("Go!", 0.1, None),
        ("Il y a un an, je ne t'ai pas vu l\u00e0 o\u00f9 tu es.", 1.15, None),
    ],
)
def test_speech_fits_its_words(text, speech_s, reason):
    sound = np.resize(NOISE[:1], (1, round(speech_s * 48_000)))
    spec = replace(SPEC, tool="tts", text=text, duration_s=8.0)
    if reason is None:
        assert make_stem(spec, sound, 48_000).info.duration_s == speech_s
        return
    with pytest.raises(RowFault) as fault:
        make_stem(spec, sound, 48_000)
    assert fault.value.reason == reason


@pytest.mark.parametrize("rate_hz", [0, 1, -48_000, 2_000_000, float("nan")])
def test_a_rate_that_cannot_be_is_no_layout(rate_hz):
    with pytest.raises(RowFault) as fault:
        make_stem(SPEC, NOISE, rate_hz)
    assert fault.value.reason == "stem-layout"


def test_what_the_gate_never_hears_is_silent():
    with pytest.raises(RowFault) as fault:
        make_stem(SPEC, NOISE * 1e-3 * 0.5, 48_000)
    assert fault.value.reason == "stem-silent"


class TestContent:
    def test_canonical_json_knows_one_form(self):
        assert canonical_json({"b": 1, "a": ["é", 0.1]}) == '{"a":["é",0.1],"b":1}'

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_no_hash_of_what_json_cannot_say(self, value):
        with pytest.raises(ValueError, match="not JSON compliant"):
            content_hash(value)

    def test_draws_are_the_same_in_every_version(self):
        assert derive_random_seed(7, "librispeech/1089-134686-0000", 1, 3) == 1023564116128301296
        assert derive_random_seed("a", 1) != derive_random_seed("a1")
        assert derive_rng("x").integers(1000) == derive_rng("x").integers(1000)

    @given(st.lists(st.integers(), min_size=1), st.text())
    def test_a_draw_is_one_of_the_options(self, options, part):
        assert draw(options, part) in options

    def test_no_draw_from_nothing(self):
        with pytest.raises(ValueError, match="no options"):
            draw([], "x")


def test_a_stem_travels_as_its_file() -> None:
    stem = make_stem(SPEC, NOISE, 48_000)
    sent = pickle.dumps(stem)
    assert len(sent) < len(stem.flac) + 10_000 < stem.pcm.nbytes
    come = pickle.loads(sent)
    assert vars(come).keys() == {"info", "power", "flac", "_energy"}
    np.testing.assert_array_equal(come.pcm, stem.pcm)
    assert come.info == stem.info


def test_forgotten_samples_are_in_the_file() -> None:
    stem = make_stem(SPEC, NOISE, 48_000)
    pcm = stem.pcm
    stem.forget_samples()
    assert stem._pcm is None
    np.testing.assert_array_equal(stem.pcm, pcm)
    assert stem.pcm is not pcm


def test_a_file_of_another_length_is_corrupt() -> None:
    long, short = (make_stem(SPEC, NOISE[:, :n], 48_000) for n in (96_000, 72_000))
    with pytest.raises(CorruptDataError, match=r"does not hold 2\.0 s with 24 bits"):
        Stem(long.info, long.power, short.flac).pcm  # noqa: B018 - the property raises
