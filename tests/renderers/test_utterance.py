from __future__ import annotations

import numpy as np

from renderers.spoken_text import make_spoken_text
from renderers.utterance import Utterance

RATE_HZ = 24_000
SILENCE, SHORT, SOUND = np.zeros(6_000), np.zeros(2_000), np.full(4_800, 0.5)
"""Silence of 250 and 83 ms around sounds of 200 ms."""


def find(*parts: np.ndarray) -> Utterance:
    found = Utterance.find(np.concatenate(parts).astype(np.float32), RATE_HZ)
    assert found is not None
    return found


def test_silence_is_no_utterance():
    assert Utterance.find(np.zeros(100, np.float32), RATE_HZ) is None


def test_the_speech_is_cut_out_with_margins():
    utterance = find(SILENCE, SOUND, SILENCE)
    assert (utterance.first, utterance.end) == (6_000, 10_800)
    assert utterance.duration_s == 0.23
    assert utterance.cut().shape == (1, 4_800 + 2 * 360)


def test_a_word_close_to_the_end_of_a_pause_begins_there():
    utterance = find(SILENCE, SOUND, SILENCE, SOUND, SHORT, SOUND)
    after_pause, after_closure = 16_800, 23_600
    assert utterance.snap(after_pause + 2_000) == after_pause
    assert utterance.snap(after_pause - 2_000) == after_pause
    assert utterance.snap(after_pause + 4_000) == after_pause + 4_000
    assert utterance.snap(after_closure + 500) == after_closure + 500


def test_words_have_the_times_of_what_is_cut_out():
    utterance = find(SILENCE, SOUND, SILENCE, SOUND)
    first, second = utterance.time_words(make_spoken_text("Ah, oh."), [(0, 6_000), (4, 16_800)])
    assert (first.text, second.text) == ("Ah", "oh")
    assert (first.start_s, first.end_s) == (0.015, 0.215)
    assert (second.start_s, second.end_s) == (0.465, 0.665)
