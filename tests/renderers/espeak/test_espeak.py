from __future__ import annotations

import hashlib
import os
import select
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pytest
from helpers.paths import LIBRISPEECH
from helpers.pitch import periodicity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import renderers
from copilot.emotions import find_emotion
from copilot.errors import CopilotError, MissingExtraError
from renderers.child_process import ChildProcess
from renderers.contract import RenderedSound, Renderer, RenderFailure, RenderRequest, list_speakers
from renderers.espeak.renderer import EspeakRenderer
from renderers.espeak.voices import EMOTIONS, VOICES, EspeakVoice
from renderers.spoken_text import SpokenText, find_word_spans, make_spoken_text

espeakng_loader = pytest.importorskip("espeakng_loader")

DATA = Path(espeakng_loader.get_data_path())
SENTENCE = "The old lighthouse keeper walked along the shore, and he said nothing."
MARGIN_N = 331  # 15 ms at 22,050 Hz


@pytest.fixture(scope="module")
def espeak():
    renderer = EspeakRenderer()
    renderer.prepare()
    yield renderer
    renderer.close()


def request(text=SENTENCE, *, duration_s=30.0, seed=1, voice="en-us+f2", **rest) -> RenderRequest:
    return RenderRequest(text=text, duration_s=duration_s, random_seed=seed, voice=voice, **rest)


def say(renderer, text=SENTENCE, **rest) -> RenderedSound:
    (sound,) = renderer.render([request(text, **rest)])
    assert isinstance(sound, RenderedSound), sound
    return sound


def failure(renderer, text=SENTENCE, **rest) -> RenderFailure:
    (answer,) = renderer.render([request(text, **rest)])
    assert isinstance(answer, RenderFailure)
    return answer


def digest(sound: RenderedSound) -> str:
    return hashlib.sha256(sound.audio.tobytes()).hexdigest()


def duration_s(sound: RenderedSound) -> float:
    return sound.audio.shape[1] / sound.rate_hz


# The contract


def test_is_a_renderer_of_speech():
    renderer = EspeakRenderer()
    assert isinstance(renderer, Renderer)
    assert (renderer.name, renderer.tool) == ("espeak", "tts")


def test_sound_is_mono_float32_at_the_librarys_rate_and_below_full_scale(espeak):
    sound = say(espeak)
    assert (sound.rate_hz, sound.audio.dtype, sound.audio.shape[0]) == (22_050, np.float32, 1)
    assert 0.1 < np.max(np.abs(sound.audio)) < 1.0


def test_answers_each_request_in_its_order(espeak):
    answers = espeak.render([request("one"), request("..."), request("two")])
    assert [
        answer.words[0].text if isinstance(answer, RenderedSound) else answer.reason for answer in answers
    ] == [
        "one",
        "no-speech",
        "two",
    ]


def test_fingerprint_names_library_and_tables(espeak):
    fingerprint = espeak.fingerprint()
    assert set(fingerprint) == {"backend", "version", "sound", "voices"}
    assert fingerprint["backend"] == "espeak"
    assert fingerprint["version"].startswith("1.")
    assert fingerprint == espeak.fingerprint()


def test_importing_it_loads_no_library():
    script = "import sys, renderers.espeak.renderer; sys.exit('espeakng_loader' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


# The same bytes each time

MIXED = [
    request("Where is the cat?", voice="en-us+f5", emotion="excited"),
    request("It went that way, I think.", voice="en-gb-scotland+m4", emotion="whispered"),
    request("ALL WAS QUIET", voice="en-us+f3", seed=9, duration_s=0.9),
]


def test_bytes_do_not_depend_on_what_was_spoken_before(espeak):
    a, b, c = map(digest, espeak.render(MIXED))
    assert list(map(digest, espeak.render([MIXED[2], MIXED[0]]))) == [c, a]
    assert list(map(digest, espeak.render([MIXED[1], MIXED[1]]))) == [b, b]


def test_bytes_are_the_same_in_a_new_process(espeak):
    script = f"""
import hashlib
from renderers.contract import RenderRequest
from renderers.espeak.renderer import EspeakRenderer
renderer = EspeakRenderer()
for sound in renderer.render({MIXED!r}):
    print(hashlib.sha256(sound.audio.tobytes()).hexdigest())
renderer.close()
"""
    environment = {**os.environ, "LC_ALL": "C", "ESPEAK_DATA_PATH": "/nowhere"}
    output = subprocess.check_output([sys.executable, "-c", script], text=True, env=environment)
    assert output.split() == [digest(sound) for sound in espeak.render(MIXED)]


def test_seed_varies_rate_and_pitch_a_little(espeak):
    details = [say(espeak, "Hm.", seed=seed).detail for seed in range(40)]
    assert {int(detail["rate_wpm"]) for detail in details} == set(range(161, 170))
    assert {int(detail["pitch"]) for detail in details} == set(range(47, 54))


# Voices


def test_bank_has_twelve_english_voices_of_each_gender_with_names_of_their_own(espeak):
    bank = espeak.voices()
    assert len({voice.name for voice in bank}) == len(bank)
    english = list_speakers(bank, "en")
    assert len(english) == 24
    assert sum(voice.gender == "female" for voice in english) == 12
    assert all(voice.emotions == tuple(EMOTIONS) for voice in bank)


@pytest.mark.parametrize("language", ["de", "fr", "es", "it", "ru", "pl", "tr", "ko", "nb", "pt-BR"])
def test_other_languages_have_three_voices_of_each_gender(espeak, language):
    genders = [voice.gender for voice in list_speakers(espeak.voices(), language)]
    assert genders.count("female") >= 3
    assert genders.count("female") == genders.count("male")


@pytest.mark.parametrize("language", ["zh", "ja", "th", "ar", "he"])
def test_scripts_that_espeak_cannot_read_have_no_voice(espeak, language):
    assert list_speakers(espeak.voices(), language) == []


def test_a_german_voice_reads_german(espeak):
    text = "Zwei junge J\u00e4ger schauen durch die T\u00fcr"
    german, english = (say(espeak, text, voice=voice) for voice in ("de+f2", "en-us+f2"))
    assert [word.text for word in german.words] == text.split()
    assert digest(german) != digest(english)


def test_a_request_without_voice_is_spoken_in_its_language(espeak):
    assert say(espeak, "Ja.", voice=None, gender="male", language="de").detail["voice"].startswith("de+")
    assert say(espeak, "Yes.", voice=None, gender="male", language="en-GB").detail["voice"].startswith("en-")


@pytest.mark.parametrize(
    "voice",
    [*VOICES, *sorted({v.to_whisper() for v in VOICES}, key=lambda v: v.name)],
    ids=lambda voice: voice.name,
)
def test_gender_is_the_one_that_the_variants_file_declares(voice: EspeakVoice):
    lines = (DATA / voice.files[1]).read_text().splitlines()
    declared = [line.split()[1].lower() for line in lines if line.startswith("gender")]
    assert declared == [voice.gender]


def test_every_voice_sounds_like_its_gender_and_like_no_other(espeak):
    sounds = {voice.name: say(espeak, voice=voice.name) for voice in VOICES}
    assert len({digest(sound) for sound in sounds.values()}) == len(sounds)
    for voice in VOICES:
        fundamental_hz, voiced = periodicity(sounds[voice.name])
        assert voiced > 0.5, voice.name
        assert (165 < fundamental_hz < 300) if voice.gender == "female" else (70 < fundamental_hz < 130), (
            voice.name
        )


@pytest.mark.parametrize("name", ["en-us", "en-us+f9", "EN-US+F2", "gmw/en-US+f2", "", "+f2"])
def test_unknown_voice_is_refused(espeak, name):
    refused = failure(espeak, voice=name)
    assert refused.reason == "unknown-voice"
    assert repr(name) in refused.detail
    assert "en-us+f2" in refused.detail


def test_request_without_voice_gets_one_of_its_gender_by_its_seed(espeak):
    gender = {voice.name: voice.gender for voice in VOICES}
    spoken_by = [
        say(espeak, "Hm.", voice=None, gender="male", seed=seed).detail["voice"] for seed in range(20)
    ]
    assert {gender[name] for name in spoken_by} == {"male"}
    assert len(set(spoken_by)) > 5
    assert say(espeak, "Hm.", voice=None, gender="male", seed=3).detail["voice"] == spoken_by[3]


# Emotions


def test_each_emotion_is_another_delivery(espeak):
    sounds = {emotion: say(espeak, emotion=emotion) for emotion in EMOTIONS}
    assert len({digest(sound) for sound in sounds.values()}) == len(EMOTIONS) == 10
    lengths_s = {emotion: duration_s(sound) for emotion, sound in sounds.items()}
    slow_to_fast = ["tired", "sad", "calm", "neutral", "happy", "angry", "fearful", "excited"]
    assert sorted(slow_to_fast, key=lambda emotion: -lengths_s[emotion]) == slow_to_fast
    assert periodicity(sounds["excited"])[0] > periodicity(sounds["tired"])[0] * 1.15


@pytest.mark.parametrize("voice", ["en-us+f2", "en-gb+m2"])
def test_whisper_has_no_voice(espeak, voice):
    assert periodicity(say(espeak, voice=voice, emotion="whispered"))[1] < 0.2
    assert periodicity(say(espeak, voice=voice, emotion="neutral"))[1] > 0.7


def test_unknown_emotion_is_neutral_and_says_so(espeak):
    neutral, unknown = say(espeak, emotion=None), say(espeak, emotion="Quizzical")
    assert digest(unknown) == digest(neutral)
    assert unknown.detail == {**neutral.detail, "emotion_unknown": "Quizzical"}
    assert neutral.detail["emotion"] == "neutral"


@pytest.mark.parametrize(
    ("asked", "meant"),
    [(None, "neutral"), ("", "neutral"), (" Happy ", "happy"), ("WHISPER", "whispered"), ("odd", None)],
)
def test_emotion_is_found_by_its_other_names(asked, meant):
    assert find_emotion(asked) == meant


# Words and their times


def test_words_are_those_of_the_text_without_its_punctuation(espeak):
    sound = say(espeak, "\u201cI\u2019m here\u201d\u2014she said\u2026 *well-known* & 25 cats/dogs, o'clock!")
    words = [word.text for word in sound.words]
    assert words == ["I\u2019m", "here", "she", "said", "well-known", "25", "cats", "dogs", "o'clock"]


def test_a_word_is_where_it_is_heard(espeak):
    sound = say(espeak, "Stop. Listen, please.")
    stop, listen, please = sound.words
    assert 0.015 <= stop.start_s < 0.025
    assert 0.015 <= duration_s(sound) - please.end_s < 0.06
    peak = np.max(np.abs(sound.audio))
    for before, after in pairwise((stop, listen, please)):
        gap = sound.audio[0, round(before.end_s * sound.rate_hz) : round(after.start_s * sound.rate_hz)]
        assert gap.size > 0.04 * sound.rate_hz
        assert np.max(np.abs(gap)) <= peak * 0.01


def test_capitals_are_spoken_as_words(espeak):
    capitals, small = say(espeak, "IT GAVE US MR AND MRS BLACK"), say(espeak, "it gave us mr and mrs black")
    assert digest(capitals) == digest(small)
    assert [word.text for word in capitals.words] == ["IT", "GAVE", "US", "MR", "AND", "MRS", "BLACK"]


def assert_words_fit(sound: RenderedSound) -> None:
    assert all(word.start_s < word.end_s for word in sound.words)
    assert all(before.end_s <= after.start_s for before, after in pairwise(sound.words))
    assert sound.words[0].start_s >= 0
    assert sound.words[-1].end_s <= duration_s(sound)


def test_every_word_of_real_transcripts_has_its_time(espeak):
    transcripts = (LIBRISPEECH / "1001/2001/1001-2001.trans.txt").read_text().splitlines()
    texts = [line.split(" ", 1)[1] for line in transcripts]
    for text, sound in zip(texts, espeak.render([request(text) for text in texts]), strict=True):
        assert [word.text for word in sound.words] == text.split()
        assert_words_fit(sound)
        assert min(word.end_s - word.start_s for word in sound.words) > 0.02


TEXTS = st.text(
    st.one_of(st.characters(), st.sampled_from("aeiou tns .,-'!?[]<>&@/\x00\x01\x1b")), max_size=40
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
def test_any_text_is_spoken_or_refused(espeak, text):
    (answer,) = espeak.render([request(text)])
    if isinstance(answer, RenderFailure):
        assert answer.reason == "no-speech"
    else:
        assert [word.text for word in answer.words] == [word for word in make_spoken_text(text).words if word]
        assert_words_fit(answer)


@given(TEXTS)
def test_nothing_that_commands_the_library_reaches_it(text):
    spoken = make_spoken_text(text)
    assert not set(spoken.text) & set('[]<>{}\\|_^~*#"\n\r\t')
    assert all(c.isprintable() for c in spoken.text)
    assert len(spoken.words) == len(spoken.ends)
    assert not spoken.words or any(spoken.words)
    spoken.text.encode()


def test_words_without_an_event_share_the_time_by_their_letters():
    spoken = SpokenText("aa bb cc dd", (3, 6, 9, 12), ("aa", "bb", "", "dd"))
    loud = np.concatenate([np.arange(10, 70), np.arange(80, 100)])
    events = [(0, 0), (3, 40), (0, 50), (6, 40), (9, 70), (11, 90), (99, 95)]
    assert find_word_spans(spoken, events, loud) == [
        ("aa", 10.0, 40.0),
        ("bb", 40.0, 55.0),
        ("dd", 80.0, 100.0),
    ]


# The room


def test_silence_around_the_speech_is_cut_to_a_margin_and_the_edges_fade(espeak):
    sound = say(espeak, "\u201cQuite so.\u201d")  # begins with a pause in the library's rendering
    for audio in (sound.audio[0], sound.audio[0, ::-1]):
        assert not np.any(audio[:MARGIN_N])
        peak = np.max(np.abs(audio))
        assert np.max(np.abs(audio[: MARGIN_N + 5])) < 0.1 * peak
        assert np.max(np.abs(audio[MARGIN_N : MARGIN_N + 1000])) > 1e-3 * peak


def test_speech_that_fits_keeps_its_natural_rate(espeak):
    natural = say(espeak)
    assert digest(say(espeak, duration_s=duration_s(natural))) == digest(natural)


@pytest.mark.parametrize("share", [0.999, 0.95, 0.88, 0.8, 0.74])
def test_speech_that_is_too_long_is_spoken_just_fast_enough(espeak, share):
    natural = say(espeak)
    slot_s = share * duration_s(natural)
    hurried = say(espeak, duration_s=slot_s)
    assert 0.9 * slot_s < duration_s(hurried) <= slot_s
    natural_wpm, hurried_wpm = int(natural.detail["rate_wpm"]), int(hurried.detail["rate_wpm"])
    assert natural_wpm < hurried_wpm <= 1.4 * natural_wpm


def test_speech_that_cannot_fit_comes_at_the_fastest_rate(espeak):
    natural, hurried = say(espeak), say(espeak, duration_s=0.5)
    assert int(hurried.detail["rate_wpm"]) == int(1.4 * int(natural.detail["rate_wpm"]))
    assert 0.5 < duration_s(hurried) < 0.78 * duration_s(natural)


@pytest.mark.parametrize("room_s", [0.0, -1.0, float("nan"), float("inf")])
def test_no_room_is_refused(espeak, room_s):
    assert failure(espeak, duration_s=room_s).reason == "bad-duration"


# Hostile text


@pytest.mark.parametrize(
    "text", ["", " \n\t", "... !?", "\x00\x01\x02", "\U0001f600", "&", "\u0301", "\ud800", "'"]
)
def test_text_without_a_word_is_not_spoken(espeak, text):
    assert failure(espeak, text) == RenderFailure("no-speech", "the text has no word")


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("stop\x00here", "stop here"),
        ("stop \x1b[1m here", "stop 1m here"),
        ("\x01stop\x01 here", "stop here"),
        ("[[h@l'oU]] here", "h@l'oU here"),
        ("<break> here", "break here"),
        ("st\u200bop\ud800 here\ufeff", "stop here"),
        ("*stop* _here_ #\\|~", "stop here"),
        ("\uff53\uff54\uff4f\uff50 here", "stop here"),
        ("stop \u2013 here", "stop, here"),
    ],
)
def test_marks_of_other_languages_are_not_obeyed(espeak, text, same_as):
    assert digest(say(espeak, text)) == digest(say(espeak, same_as))


def test_endless_text_is_refused(espeak):
    assert failure(espeak, "on and " * 1_000) == RenderFailure(
        "text-too-long", "6999 characters; the limit is 5000"
    )


# The worker


@pytest.fixture
def own():
    renderer = EspeakRenderer()
    yield renderer
    renderer.close()


def test_worker_killed_between_requests_is_replaced(espeak, own):
    own.prepare()
    first = own._child.pid
    os.kill(first, signal.SIGKILL)
    assert digest(say(own)) == digest(say(espeak))
    assert own._child.pid != first


def test_hanging_worker_is_a_timeout_and_is_replaced(espeak):
    own = EspeakRenderer(deadline_s=0.5)
    own.prepare()
    os.kill(own._child.pid, signal.SIGSTOP)
    assert failure(own) == RenderFailure(
        "worker-timeout", "espeak: no answer within 0.5 s; ended by signal 9"
    )
    own._child._deadline_s = 30.0
    assert digest(say(own)) == digest(say(espeak))
    own.close()


def wrapped(patch: str) -> ChildProcess:
    """The real worker, with `speak` replaced by `patched` of the given code."""
    script = f"""
import ctypes, os, signal, sys
sys.path.insert(0, {str(Path(renderers.__path__[0]) / "espeak")!r})
import engine_process
speak = engine_process.speak
{patch}
engine_process.speak = patched
sys.argv = ["worker", {espeakng_loader.get_library_path()!r}, {str(DATA)!r}, "30"]
sys.exit(engine_process.main())
"""
    return ChildProcess("espeak", [sys.executable, "-I", "-S", "-c", script])


def test_text_that_kills_the_library_twice_fails_alone(espeak, own):
    own._child = wrapped("""
def patched(library, request):
    if "deadly" in request["text"]:
        print("struck down", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    return speak(library, request)
""")
    before, killed, after = own.render([request(), request("deadly"), request()])
    assert killed == RenderFailure(
        "worker-died",
        "espeak: the child closed its stdout; exit status 1; "
        "last words: struck down\nthe utterance ended with status -11",
    )
    assert digest(before) == digest(after) == digest(say(espeak))


def test_what_the_library_prints_does_not_reach_the_answers(espeak, own):
    own._child = wrapped("""
def patched(library, request):
    libc = ctypes.CDLL(None)
    libc.puts(b'{"n_bytes": 0}')
    libc.fflush(None)
    return speak(library, request)
""")
    assert digest(say(own)) == digest(say(espeak))


def test_interrupt_from_the_terminal_leaves_the_worker_alive(own):
    own.prepare()
    pid = own._child.pid
    os.kill(pid, signal.SIGINT)
    say(own)
    assert own._child.pid == pid
    assert os.getsid(pid) == pid != os.getsid(0)


def test_close_ends_the_worker_and_leaks_no_file(own):
    n_before = psutil.Process().num_fds()
    say(own)
    pid = own._child.pid
    own.close()
    own.close()
    assert not psutil.pid_exists(pid)
    assert psutil.Process().num_fds() == n_before


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for another process by pidfd")
def test_worker_ends_when_its_parent_is_killed():
    script = """
import os, signal
from renderers.espeak.renderer import EspeakRenderer
renderer = EspeakRenderer()
renderer.prepare()
print(renderer._child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    try:
        pidfd = os.pidfd_open(int(done.stdout))
    except ProcessLookupError:
        return
    ready, _, _ = select.select([pidfd], [], [], 10.0)
    os.close(pidfd)
    assert ready


# The installation


def test_missing_extra_says_what_to_install(own, monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(MissingExtraError) as caught:
        own.prepare()
    assert caught.value.extra == "espeak"


def test_missing_voice_file_is_an_error_and_no_silent_fallback(own, monkeypatch, tmp_path):
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(tmp_path))
    with pytest.raises(CopilotError, match=r"^espeak: no lang/gmw/en, .*voices/!v/whisperf in .*install"):
        own.prepare()


def test_missing_library_is_an_error(own, monkeypatch, tmp_path):
    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: str(tmp_path / "absent.so"))
    with pytest.raises(CopilotError, match=r"^espeak: no library at .*absent\.so; install"):
        own.prepare()


def test_data_folder_with_a_long_path_works(espeak, own, monkeypatch, tmp_path):
    deep = tmp_path / ("d" * 100) / ("\N{LATIN SMALL LETTER E WITH ACUTE}" * 100)
    deep.mkdir(parents=True)
    (deep / "data").symlink_to(DATA, target_is_directory=True)
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(deep / "data"))
    assert digest(say(own)) == digest(say(espeak))
