"""Times at which sounds are heard, from stems of tones between silences."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.examples import DOG, LINE, RAIN, but, dialogue_of

from copilot.edit import Add, Change
from copilot.heard import Heard, find_heard
from copilot.stem import SoundSpec, Stem, make_stem
from copilot.vocabulary import Word


def tone_stem(
    tool: str, duration_s: float, start_s: float, end_s: float, words: tuple[Word, ...] = ()
) -> Stem:
    """Return a stem with a tone from `start_s` to `end_s`, and silence around it."""
    time = np.arange(round(duration_s * 48_000)) / 48_000
    sound = 0.1 * np.sin(2 * np.pi * 500 * time) * ((time >= start_s) & (time < end_s))
    text = "Somebody is at the door." if tool == "tts" else "x"
    spec = SoundSpec(tool, text, duration_s, 0, {})
    return make_stem(spec, sound[np.newaxis].astype(np.float32), 48_000, words=words)


STEMS = {
    0: tone_stem("sfx", 8, 0, 8),
    1: tone_stem("sfx", 2, 0.25, 1.5),
    2: tone_stem("tts", 2, 0.1, 1.4, (Word("Somebody", 0.1, 0.5), Word("door.", 1.0, 1.4))),
}
STORY = ("story", "u", [Add(element=e) for e in (RAIN, DOG, LINE)])


def test_sounds_are_heard_when_they_stand_out_of_their_silence():
    (heard,) = find_heard(dialogue_of(STORY), STEMS)
    assert heard == {
        0: Heard(0.0, 8.0),
        1: Heard(1.25, 2.5),
        2: Heard(2.1, 3.4, (Word("Somebody", 2.1, 2.5), Word("door.", 3.0, 3.4))),
    }


def test_a_sound_that_moves_is_heard_at_its_new_time():
    turns = find_heard(dialogue_of(STORY, ("open", "u", [Change(id=2, start_time=4.2)])), STEMS)
    assert turns[1][2] == Heard(4.3, 5.6, (Word("Somebody", 4.3, 4.7), Word("door.", 5.2, 5.6)))
    assert turns[1][1] == turns[0][1]


@pytest.mark.parametrize(
    ("slot_s", "heard"),
    [
        (1.2, Heard(2.1, 3.2, (Word("Somebody", 2.1, 2.5), Word("door.", 3.0, 3.2)))),
        (0.8, Heard(2.1, 2.8, (Word("Somebody", 2.1, 2.5),))),
        (0.05, Heard(2.05, 2.05)),
    ],
)
def test_nothing_is_heard_after_the_slot(slot_s, heard):
    story = ("story", "u", [Add(element=e) for e in (RAIN, but(LINE, duration=slot_s))])
    assert find_heard(dialogue_of(story), STEMS)[0][2] == heard


def test_a_sound_cut_short_is_heard_to_the_cut():
    story = ("story", "u", [Add(element=e) for e in (RAIN, but(DOG, duration=1.0))])
    assert find_heard(dialogue_of(story), STEMS)[0][1] == Heard(1.25, 2.0)
