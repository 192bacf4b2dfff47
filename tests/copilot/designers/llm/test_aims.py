"""The aim of an edit turn is drawn, within what is possible."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.designers.llm.aims import draw_aim
from copilot.designers.llm.scales import Scales
from copilot.frozen_model import Range
from copilot.scene import SceneLimits, SoundElement, SpeechElement

LIMITS = SceneLimits()
SCALES = Scales(LIMITS)


def sound(number, role="effect", **more):
    fields = {"loudness": -20, "panning": 0, "start_time": 1, "duration": 2}
    return SoundElement(id=number, role=role, text=f"sound {number}", **(fields | more))


LINE = SpeechElement(
    id=5,
    text="hello",
    speaker="Ann",
    gender="female",
    loudness=-15,
    panning=0.2,
    start_time=1,
    duration=1,
)
SOUNDS = (sound(3), LINE, sound(7, "music"), sound(1, "ambience"))


def aims(task, sounds=SOUNDS, known=(), n=300, scales=SCALES):
    return [draw_aim(task, sounds, scales, known, 0, f"s/{number}", 1) for number in range(n)]


@pytest.mark.parametrize(
    ("task", "ids"),
    [("remove", {3, 5, 7}), ("panning", {3, 5, 7}), ("volume", {1, 3, 5, 7}), ("replace", {1, 3, 5, 7})],
)
def test_every_sound_that_a_task_can_edit_is_drawn_about_as_often(task, ids):
    drawn = Counter(aim.sound.id for aim in aims(task))
    assert set(drawn) == ids
    assert min(drawn.values()) > 0.6 * 300 / len(ids)


@pytest.mark.parametrize("task", ["add", "open"])
def test_other_tasks_have_no_aim(task):
    assert draw_aim(task, SOUNDS, SCALES, ()) is None


@pytest.mark.parametrize("task", ["remove", "panning"])
def test_the_leading_ambience_stays_where_it_is(task):
    assert draw_aim(task, (sound(1, "ambience"),), SCALES, ()) is None


def test_aims_derive_from_content():
    drawn = aims("volume", n=20)
    assert drawn == aims("volume", n=20)
    assert len(set(drawn)) > 5


def test_sounds_that_were_edited_before_come_last():
    assert {aim.sound.id for aim in aims("remove", known=(3, 7))} == {5}
    assert {aim.sound.id for aim in aims("remove", known=(3, 5, 7))} == {3, 5, 7}


@given(st.integers(-300, -100), st.integers(0, 10**6))
def test_a_louder_or_quieter_sound_changes_by_3_at_least(tenths, number):
    old = sound(1, "ambience", loudness=tenths / 10)
    aim = draw_aim("volume", (old,), SCALES, (), number)
    assert aim.example in aim.values
    assert set(aim.values) <= set(SCALES.loudness.values)
    for value in aim.values:
        shift = value - old.loudness if aim.direction == "louder" else old.loudness - value
        assert shift >= 3 - 1e-9


@given(st.integers(-100, 100), st.integers(0, 10**6))
def test_a_moved_sound_moves_by_04_at_least(hundredths, number):
    old = sound(1, panning=hundredths / 100)
    aim = draw_aim("panning", (old, sound(2, "ambience")), SCALES, (), number)
    assert aim.example in aim.values
    assert set(aim.values) <= set(SCALES.panning.values)
    for value in aim.values:
        assert abs(value - old.panning) >= 0.4 - 1e-9
        if aim.direction == "centre":
            assert abs(value) <= 0.1
        else:
            assert (value > old.panning) == (aim.direction == "right")


def test_all_directions_are_drawn_if_there_is_room():
    assert {aim.direction for aim in aims("volume")} == {"louder", "quieter"}
    side = (sound(1, panning=0.6), sound(2, "ambience", loudness=-28))
    assert {aim.direction for aim in aims("panning", side)} == {"left", "right", "centre"}


def test_a_sound_at_the_end_of_a_range_can_only_go_back():
    assert {aim.direction for aim in aims("volume", (sound(1, loudness=-10),))} == {"quieter"}
    assert {aim.direction for aim in aims("volume", (sound(1, loudness=-30),))} == {"louder"}
    left = (sound(1, panning=-1), sound(2, "ambience"))
    assert {aim.direction for aim in aims("panning", left)} == {"right", "centre"}


def test_how_far_a_sound_has_to_go_differs():
    quiet = (sound(1, "ambience", loudness=-30),)
    assert {min(aim.values) for aim in aims("volume", quiet)} == {-26, -24, -22}


def test_no_buried_sound_is_drawn():
    rain = sound(2, "ambience", loudness=-11, start_time=0, duration=8)
    sounds = (sound(1, loudness=-28), sound(4, loudness=-12), rain)
    assert {aim.sound.id for aim in aims("remove", sounds)} == {4}
    assert {aim.sound.id for aim in aims("replace", sounds)} == {2, 4}
    assert {aim.sound.id for aim in aims("panning", sounds)} == {4}
    assert 1 not in {aim.sound.id for aim in aims("volume", sounds)}


def test_of_buried_sounds_the_one_that_is_heard_best_is_drawn():
    rain = sound(2, "ambience", loudness=-10, start_time=0, duration=8)
    sounds = (sound(1, loudness=-29), sound(4, loudness=-24), rain)
    assert {aim.sound.id for aim in aims("remove", sounds)} == {4}


def test_narrow_limits_allow_smaller_changes_and_a_single_step_none():
    narrow = Scales(SceneLimits(loudness_lufs=Range(low=-20, high=-18)))
    for tenths in range(-200, -179):
        old = sound(1, "ambience", loudness=tenths / 10)
        aim = draw_aim("volume", (old,), narrow, ())
        assert narrow.loudness.round(old.loudness) not in aim.values
    single = Scales(SceneLimits(loudness_lufs=Range(low=-20, high=-20)))
    assert draw_aim("volume", (sound(1, "ambience"),), single, ()) is None
