from __future__ import annotations

import numpy as np
import pytest

from copilot.errors import RowFault
from listeners.contract import Clip, HearingFailure, Ratings
from listeners.preparation import hear_sound_clips, prepare_audio


def test_stereo_becomes_the_mean_and_its_level_stays():
    stereo = np.array([[0.5, 1.0, -1.0], [0.5, 0.0, 1.0]], np.float32)
    mono = prepare_audio(stereo, 16_000, 16_000)
    assert mono.dtype == np.float32
    assert mono.tolist() == [0.5, 0.5, 0.0]


def test_the_rate_becomes_the_listeners():
    time_s = np.arange(48_000) / 48_000
    tone = 0.5 * np.sin(2 * np.pi * 440 * time_s)[None].astype(np.float32)
    mono = prepare_audio(tone, 48_000, 16_000)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert mono.shape == (16_000,)
    assert np.abs(mono - expected)[500:-500].max() < 1e-3


@pytest.mark.parametrize(
    ("audio", "reason"),
    [
        (np.zeros((2, 0), np.float32), "audio-empty"),
        (np.zeros((0, 4), np.float32), "audio-empty"),
        (np.full((1, 4), np.nan, np.float32), "audio-not-finite"),
        (np.array([[0.0, 0.0], [0.0, np.inf]], np.float32), "audio-not-finite"),
        (np.zeros(4, np.float32), "audio-layout"),
    ],
)
def test_what_holds_no_sound_is_refused(audio, reason):
    with pytest.raises(RowFault) as raised:
        prepare_audio(audio, 48_000, 16_000)
    assert raised.value.reason == reason


def test_only_sound_is_heard_and_answers_keep_their_places():
    heard = []

    def hear(clips):
        heard.append([clip.audio.size for clip in clips])
        return [Ratings({"size": clip.audio.size}) for clip in clips]

    sizes = [np.ones(3), np.zeros(0), np.array([1.0, np.nan]), np.ones((1, 5)), np.ones(4)]
    answers = hear_sound_clips([Clip(audio.astype(np.float32)) for audio in sizes], hear)
    reasons = [answer.reason if isinstance(answer, HearingFailure) else answer.values for answer in answers]
    assert reasons == [{"size": 3}, "audio-empty", "audio-not-finite", "audio-layout", {"size": 4}]
    assert heard == [[3, 4]]
    assert len(hear_sound_clips([Clip(np.zeros(0, np.float32))], hear)) == 1
    assert heard == [[3, 4]]
