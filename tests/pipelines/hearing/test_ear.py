from __future__ import annotations

import numpy as np
import pytest
from helpers.stand_in_listeners import RATE_HZ, LengthDetector, ShortMemory

from listeners.contract import Clip, Detection, HearingFailure
from pipelines.heard.answers import Answer, Content
from pipelines.heard.store import ListenerRecord
from pipelines.hearing.ear import Ear
from pipelines.hearing.sounds import Sound
from renderers.contract import BatchTooLargeError

RECORD = ListenerRecord("detector", "length", {"listener": "length"})


def a_sound(name: str = "a", captions: tuple[str, ...] = ("rain",), seconds: float = 1.0) -> Sound:
    audio = np.full((2, round(48_000 * seconds)), 0.1, dtype=np.float32)
    return Sound("sample", 1, None, captions, audio, name)


def test_a_sound_is_heard_in_mono_at_the_listeners_rate():
    heard = []

    class Recorder(LengthDetector):
        def answer(self, clip: Clip) -> Detection:
            heard.append((clip.audio.shape, clip.audio.dtype))
            return super().answer(clip)

    Ear(Recorder(), RECORD).hear([a_sound()])
    assert heard == [((RATE_HZ,), np.float32)]


def test_equal_sounds_are_heard_once_in_a_batch_and_later():
    listener = LengthDetector()
    ear = Ear(listener, RECORD)
    first = ear.hear([a_sound("a"), a_sound("b"), a_sound("a"), a_sound("a", captions=("a dog",))])
    assert listener.n_heard == 3
    assert first[0] == first[2]
    assert ear.hear([a_sound("a")]) == [first[0]]
    assert listener.n_heard == 3


def test_what_was_heard_before_is_known_but_not_failures():
    listener = LengthDetector()
    ear = Ear(listener, RECORD)
    ear.remember(
        [
            Answer("other", 9, None, "a", ("rain",), Content(presence=(0.5,), peaks_s=(0.0,))),
            Answer("other", 9, None, "b", ("rain",), Content(reason="worker-died", detail="")),
        ]
    )
    known, again = ear.hear([a_sound("a"), a_sound("b")])
    assert (known.sample_id, known.element_id, known.content.presence) == ("sample", 1, (0.5,))
    assert again.content.reason is None
    assert listener.n_heard == 1


def test_a_sound_that_cannot_be_heard_is_an_answer_with_a_reason():
    bad = Sound("sample", 1, None, (), HearingFailure("corrupt-audio", "no FLAC"), "")
    holes = Sound("sample", 2, None, (), np.full((1, 4800), np.nan, dtype=np.float32), "x")
    answers = Ear(LengthDetector(), RECORD).hear([bad, holes, a_sound()])
    assert [answer.content.reason for answer in answers] == ["corrupt-audio", "audio-not-finite", None]


def test_batches_keep_within_the_listeners_budget():
    sizes = []

    class Recorder(ShortMemory):
        def hear(self, clips):
            sizes.append(sum(clip.audio.size / RATE_HZ for clip in clips))
            return super().hear(clips)

    Ear(Recorder(), RECORD).hear([a_sound(str(k), (), seconds=1.0) for k in range(9)])
    assert max(sizes) <= ShortMemory.info.batch_s
    assert sum(sizes) == pytest.approx(9)


def test_a_batch_that_does_not_fit_into_memory_is_halved():
    class Small(LengthDetector):
        def hear(self, clips):
            if len(clips) > 1 or "large" in clips[0].captions:
                raise BatchTooLargeError("no room")
            return super().hear(clips)

    sounds = [a_sound("a"), a_sound("b", ("large",)), a_sound("c")]
    reasons = [answer.content.reason for answer in Ear(Small(), RECORD).hear(sounds)]
    assert reasons == [None, "out-of-memory", None]
