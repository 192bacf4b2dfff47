from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from helpers.pitch import periodicity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot.errors import CopilotError, MissingExtraError
from renderers.contract import RenderedSound, RenderFailure, RenderRequest, list_speakers
from renderers.hibari import engine
from renderers.hibari.renderer import HibariRenderer
from renderers.hibari.voices import EMOTIONS, VOICES
from renderers.spoken_text import make_spoken_text
from renderers.testing import check_renderer

pytest.importorskip("hibari")

SENTENCE = "The old lighthouse keeper walked along the shore, and he said nothing."
MARGIN_N = 360  # 15 ms at 24,000 Hz


@pytest.fixture(scope="module")
def hibari():
    renderer = HibariRenderer()
    renderer.prepare()
    return renderer


def request(text=SENTENCE, *, duration_s=30.0, seed=1, voice="hazel", **rest) -> RenderRequest:
    return RenderRequest(text=text, duration_s=duration_s, random_seed=seed, voice=voice, **rest)


def say(renderer, text=SENTENCE, **rest) -> RenderedSound:
    (sound,) = renderer.render([request(text, **rest)])
    assert isinstance(sound, RenderedSound), sound
    return sound


def failure(renderer, text=SENTENCE, **rest) -> RenderFailure:
    (answer,) = renderer.render([request(text, **rest)])
    assert isinstance(answer, RenderFailure), answer
    return answer


def digest(sound: RenderedSound) -> str:
    return hashlib.sha256(sound.audio.tobytes()).hexdigest()


def duration_s(sound: RenderedSound) -> float:
    return sound.audio.shape[1] / sound.rate_hz


def test_keeps_the_contract():
    check_renderer(HibariRenderer)


def test_fingerprint_names_the_weights_and_loads_no_model(monkeypatch):
    monkeypatch.setattr(engine, "_declare_output", None)  # loading would need it
    renderer = HibariRenderer()
    fingerprint = renderer.fingerprint()
    weights = hashlib.sha256(engine.find_weights().read_bytes()).hexdigest()
    assert fingerprint.keys() == {"backend", "version", "onnxruntime", "sound", "model", "voices"}
    assert (fingerprint["backend"], fingerprint["model"]) == ("hibari", weights[:16])


def test_package_is_loaded_late():
    script = "import sys, renderers.hibari.renderer; print({'hibari', 'onnxruntime'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        == "set()\n"
    )


MIXED = [
    request("Where is he?", emotion="surprised"),
    request(SENTENCE, voice="amos", seed=2),
    request("Stop, Mr. Black! It costs $4.50.", voice="wren", duration_s=2.0, emotion="whispered"),
]


def test_bytes_do_not_depend_on_what_was_spoken_before(hibari):
    a, b, c = map(digest, hibari.render(MIXED))
    assert [digest(sound) for sound in hibari.render([MIXED[2], MIXED[0]])] == [c, a]
    assert [digest(sound) for sound in hibari.render([MIXED[1], MIXED[1]])] == [b, b]


def test_bytes_are_the_same_in_a_new_process(hibari):
    script = f"""
from hashlib import sha256
from renderers.contract import RenderRequest
from renderers.hibari.renderer import HibariRenderer
for sound in HibariRenderer().render({MIXED!r}):
    print(sha256(sound.audio.tobytes()).hexdigest())
"""
    environment = {**os.environ, "LC_ALL": "C", "OMP_NUM_THREADS": "3", "HIBARI_HOME": "/nowhere"}
    output = subprocess.check_output([sys.executable, "-c", script], env=environment, text=True)
    assert output.split() == [digest(sound) for sound in hibari.render(MIXED)]


# Speakers


def test_five_speakers_of_each_gender_speak_american_english(hibari):
    voices = hibari.voices()
    assert [voice.gender for voice in voices] == ["female"] * 5 + ["male"] * 5
    assert len({voice.name for voice in voices}) == 10
    assert all(set(voice.emotions) == set(EMOTIONS) for voice in voices)
    assert list_speakers(voices, "en") == list_speakers(voices, "en-US") == list(voices)
    assert list_speakers(voices, "de") == []


def test_every_speaker_has_the_pitch_of_the_gender_and_a_sound_of_its_own(hibari):
    sounds = {voice.name: say(hibari, voice=voice.name) for voice in VOICES}
    assert len({digest(sound) for sound in sounds.values()}) == len(VOICES)
    for voice in VOICES:
        fundamental_hz, voiced = periodicity(sounds[voice.name])
        assert voiced > 0.6, voice.name
        lowest, highest = (150, 260) if voice.gender == "female" else (75, 148)
        assert lowest < fundamental_hz < highest, voice.name


def test_the_pace_does_not_follow_the_playback_rate(hibari):
    even = [voice for voice in VOICES if voice.pace == 1]
    lengths_s = [duration_s(say(hibari, voice=voice.name)) for voice in even]
    assert len({voice.playback for voice in even}) == len(even) >= 5
    assert max(lengths_s) < 1.02 * min(lengths_s)


def test_unknown_voice_is_refused(hibari):
    assert failure(hibari, voice="en-us+f2").reason == "unknown-voice"


def test_a_request_without_a_voice_gets_one_of_its_gender_by_its_seed(hibari):
    spoken_by = [
        say(hibari, "Hm.", voice=None, gender="male", seed=seed).detail["voice"] for seed in range(20)
    ]
    assert set(spoken_by) == {voice.name for voice in VOICES if voice.gender == "male"}
    assert say(hibari, "Hm.", voice=None, gender="male", seed=3).detail["voice"] == spoken_by[3]


# Emotions


def test_each_emotion_is_another_delivery(hibari):
    sounds = {emotion: say(hibari, emotion=emotion) for emotion in EMOTIONS}
    assert len({digest(sound) for sound in sounds.values()}) == len(EMOTIONS) == 10
    lengths_s = {emotion: duration_s(sound) for emotion, sound in sounds.items()}
    slow_to_fast = ["tired", "calm", "neutral", "excited"]
    assert sorted(slow_to_fast, key=lambda emotion: -lengths_s[emotion]) == slow_to_fast
    assert periodicity(sounds["excited"])[0] > periodicity(sounds["tired"])[0] * 1.15


@pytest.mark.parametrize("voice", ["hazel", "conrad"])
def test_a_whisper_has_no_voice(hibari, voice):
    assert periodicity(say(hibari, voice=voice, emotion="whispered"))[1] < 0.2
    assert periodicity(say(hibari, voice=voice))[1] > 0.6


def test_an_unknown_emotion_is_neutral_and_says_so(hibari):
    neutral, unknown = say(hibari, emotion=None), say(hibari, emotion="Quizzical")
    assert digest(unknown) == digest(neutral)
    assert unknown.detail == {**neutral.detail, "emotion_unknown": "Quizzical"}


# Words and their times


def test_a_word_is_where_it_is_heard(hibari):
    sound = say(hibari, "Stop. Listen, please.")
    stop, listen, please = sound.words
    assert 0.01 <= stop.start_s < 0.08
    assert 0.01 <= duration_s(sound) - please.end_s < 0.1
    peak = np.max(np.abs(sound.audio))
    gap = sound.audio[0, round(stop.end_s * sound.rate_hz) : round(listen.start_s * sound.rate_hz)]
    assert gap.size > 0.05 * sound.rate_hz
    assert np.max(np.abs(gap)) <= peak * 0.02
    assert listen.end_s <= please.start_s


def test_words_are_those_of_the_text_whatever_the_package_reads_for_them(hibari):
    text = "Mr. Black ran 5 km on 3/4 of 20% for $4.50 & no-one's \u201csake\u201d\u2014at 10:30am\u2026"
    sound = say(hibari, text)
    assert [word.text for word in sound.words] == [word for word in make_spoken_text(text).words if word]
    assert_words_fit(sound)
    by_text = {word.text: word for word in sound.words}
    assert by_text["km"].end_s - by_text["5"].start_s > 0.5  # "five kilometers"


def assert_words_fit(sound: RenderedSound) -> None:
    assert all(word.start_s < word.end_s for word in sound.words)
    assert all(before.end_s <= after.start_s for before, after in pairwise(sound.words))
    assert sound.words[0].start_s >= 0
    assert sound.words[-1].end_s <= duration_s(sound)


def test_capitals_are_spoken_as_words(hibari):
    capitals, small = say(hibari, "IT GAVE US MR AND MRS BLACK"), say(hibari, "it gave us mr and mrs black")
    assert digest(capitals) == digest(small)
    assert [word.text for word in capitals.words] == ["IT", "GAVE", "US", "MR", "AND", "MRS", "BLACK"]


# Texts


TEXTS = st.text(
    st.one_of(st.characters(), st.sampled_from("aeiou tns .,-'!?[]<>&@/()$%0123456789:\x00\x01")), max_size=40
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
def test_any_text_is_spoken_or_refused(hibari, text):
    (answer,) = hibari.render([request(text)])
    if isinstance(answer, RenderFailure):
        assert answer.reason in {"no-speech", "unknown-characters", "unreadable"}
    else:
        assert [word.text for word in answer.words] == [word for word in make_spoken_text(text).words if word]
        assert_words_fit(answer)


@pytest.mark.parametrize("text", ["", " ", "...", "\u2014", "?!", "*", "'"])
def test_a_text_without_a_word_is_not_spoken(hibari, text):
    assert failure(hibari, text).reason == "no-speech"


@pytest.mark.parametrize(
    "text", ["\u041f\u0440\u0438\u0432\u0435\u0442, she said.", "\u65e5\u672c", "\u0663 men", "\u03c0"]
)
def test_letters_that_the_voices_do_not_read_are_refused(hibari, text):
    assert failure(hibari, text).reason == "unknown-characters"


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("\u0141\u00f3d\u017a", "L\u00f3dz"),
        ("Dvo\u0159\u00e1k", "Dvor\u00e1k"),
        ("\u24b6 \uff4fne", "A one"),
        ("[one](/tu/) three", "one (/tu/) three"),
        ("Go \U0001f3bb now", "Go now"),
    ],
)
def test_unusual_characters_are_read_by_their_base_or_left_out(hibari, text, same_as):
    assert digest(say(hibari, text)) == digest(say(hibari, same_as))


def test_a_number_that_has_no_name_is_refused(hibari):
    assert failure(hibari, "9" * 80).reason == "unreadable"


def test_a_long_sentence_is_read_in_parts_of_whole_words(hibari, monkeypatch):
    read = []
    sound_ = engine.Engine._sound
    monkeypatch.setattr(
        engine.Engine,
        "_sound",
        lambda self, phonemes, *rest: (read.append(phonemes), sound_(self, phonemes, *rest))[1],
    )
    sound = say(hibari, "word after " * 120, duration_s=200.0)
    assert len(read) == 4
    assert all(len(phonemes) < 420 for phonemes in read)
    assert len(sound.words) == 240
    assert_words_fit(sound)


def test_endless_text_is_refused(hibari):
    assert failure(hibari, "on and " * 1_000).reason == "text-too-long"


# Slots


def test_silence_around_the_speech_is_cut_to_a_margin(hibari):
    sound = say(hibari)
    loud = np.flatnonzero(np.abs(sound.audio[0]) > 0)
    assert MARGIN_N <= loud[0] <= MARGIN_N + 1
    assert MARGIN_N <= sound.audio.shape[1] - loud[-1] - 1 <= MARGIN_N + 1


def test_speech_that_fits_keeps_its_natural_pace(hibari):
    natural = say(hibari)
    assert digest(say(hibari, duration_s=duration_s(natural))) == digest(natural)


@pytest.mark.parametrize("share", [0.95, 0.8])
def test_speech_that_is_too_long_is_spoken_just_fast_enough(hibari, share):
    slot_s = share * duration_s(say(hibari))
    assert 0.95 * slot_s < duration_s(say(hibari, duration_s=slot_s)) <= slot_s


def test_speech_that_cannot_fit_comes_at_the_fastest_pace(hibari):
    assert say(hibari, duration_s=0.5).detail["pace"] == "1.400"


@pytest.mark.parametrize("room_s", [0.0, -1.0, float("nan"), float("inf")])
def test_no_room_is_refused(hibari, room_s):
    assert failure(hibari, duration_s=room_s).reason == "bad-duration"


# What may be missing


def test_a_missing_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "hibari", None)
    monkeypatch.setitem(sys.modules, "hibari.voices", None)
    for call in (HibariRenderer().fingerprint, HibariRenderer().prepare):
        with pytest.raises(MissingExtraError) as caught:
            call()
        assert caught.value.extra == "hibari"


def test_missing_weights_are_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr("hibari.voices.ASSETS", str(tmp_path))
    with pytest.raises(CopilotError, match="hibari-tts"):
        HibariRenderer().prepare()


@pytest.mark.parametrize("weights", [b"", b"no graph", "oov.onnx"])
def test_weights_of_another_kind_are_an_error(monkeypatch, tmp_path, weights):
    other = engine.find_weights().with_name(weights).read_bytes() if isinstance(weights, str) else weights
    (tmp_path / "other.onnx").write_bytes(other)
    monkeypatch.setattr(engine, "find_weights", lambda: tmp_path / "other.onnx")
    with pytest.raises(CopilotError, match="hibari-tts"):
        HibariRenderer().prepare()
