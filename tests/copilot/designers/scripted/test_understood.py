"""New sounds, new lines and changes of level leave speech understood."""

from __future__ import annotations

import math

import pytest
from helpers.examples import BELL, DOG, LINE, PIANO, RAIN, but
from hypothesis import given
from hypothesis import strategies as st

from copilot.designers.contract import DesignerContext
from copilot.designers.scripted import ScriptedDesigner
from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.grid import Grid, Placement
from copilot.designers.scripted.understood import (
    is_understood,
    limit_sound,
    measure_room_lu,
    raise_line,
    settle_story,
)
from copilot.frozen_model import Range
from copilot.masking import list_lines, predict_lead
from copilot.rules import check_dialogue
from copilot.scene import Element, Scene, SceneLimits
from copilot.seed import Seed

GRID = Grid(SceneLimits())
SPOKEN = but(LINE, loudness=-13, start_time=1, duration=4)
"""A line from 1 s to 5 s, which is spoken until 4 s."""


def scene(*elements: Element) -> Scene:
    return Scene(elements=elements)


levels = st.integers(-300, -110).map(lambda tenths: tenths / 10)
starts = st.floats(min_value=0, max_value=4)


@given(
    st.lists(st.tuples(levels, starts, st.sampled_from([DOG, BELL, PIANO])), max_size=6), st.integers(0, 99)
)
def test_a_story_is_settled_below_its_lines(sounds, number):
    others = [
        but(kind, id=10 + i, loudness=level, start_time=start)
        for i, (level, start, kind) in enumerate(sounds)
    ]
    second = but(LINE, id=9, loudness=-12, start_time=5.2, duration=2)
    before = scene(RAIN, SPOKEN, second, *others)
    after = settle_story(before, Dice("story", number), GRID)
    assert after.ids == before.ids
    for line in list_lines(after):
        assert line == before.get(line.id)
        assert predict_lead(after, line) >= 7.9
    for element in after.elements:
        old = before.get(element.id)
        assert old is not None
        assert element == but(old, loudness=element.loudness)
        assert element.loudness <= old.loudness


def test_a_sound_in_a_pause_keeps_its_loudness():
    loud = but(DOG, loudness=-11, start_time=4, duration=2)
    assert settle_story(scene(RAIN, SPOKEN, loud), Dice("x"), GRID).get(loud.id) == loud
    assert limit_sound(loud, scene(RAIN, SPOKEN), GRID) == loud


@pytest.mark.parametrize(
    ("rain", "limited", "lead"),
    [
        (-28.0, -20.2, 6.5),  # of a lead of 15 LU 6.5 are left
        (-19.5, -28.6, 6.0),  # of 6.5 LU 6 are left
        (-18.5, -30.0, 5.2),  # of 5.5 LU nothing can be taken: as quiet as it may be
        (-17.0, -15.0, None),  # a line that is masked already has nothing to lose
    ],
)
def test_a_new_sound_leaves_a_line_understood(rain, limited, lead):
    before = scene(but(RAIN, loudness=rain), SPOKEN)
    new = limit_sound(but(BELL, loudness=-15, start_time=0, duration=8), before, GRID)
    assert new.loudness == limited
    if lead is not None:
        assert predict_lead(scene(*before.elements, new), SPOKEN) == pytest.approx(lead, abs=0.1)


def test_a_sound_that_takes_the_place_of_another_has_its_room():
    storm = but(RAIN, loudness=-20)
    new = but(RAIN, id=8, loudness=-22)
    assert limit_sound(new, scene(storm, SPOKEN), GRID, gone=[0]) == new
    assert limit_sound(new, scene(storm, SPOKEN), GRID).loudness == -29.1


def test_a_short_sound_over_a_line_is_clearly_below_it():
    slam = but(DOG, loudness=-12, start_time=3.9, duration=2)
    assert limit_sound(slam, scene(SPOKEN), GRID).loudness == SPOKEN.loudness - 6


def test_a_new_line_is_as_loud_as_its_scene_needs():
    assert raise_line(SPOKEN, scene(but(RAIN, loudness=-28)), GRID) == SPOKEN
    assert raise_line(SPOKEN, scene(but(RAIN, loudness=-19.5)), GRID).loudness == -11.5
    assert raise_line(SPOKEN, scene(but(RAIN, loudness=-15)), GRID).loudness == -10


def test_a_place_for_a_line_is_one_where_it_would_be_understood():
    at = Placement(loudness=-13, panning=0, start_s=1, duration_s=4)
    assert is_understood(at, scene(but(RAIN, loudness=-18)), GRID)
    assert not is_understood(at, scene(but(RAIN, loudness=-17.9)), GRID)
    assert is_understood(at, scene(but(RAIN, loudness=-17)), GRID, gone=[0])
    assert not is_understood(at, scene(but(DOG, loudness=-15, start_time=3.9)), GRID)


@pytest.mark.parametrize(
    ("element", "way", "room_lu"),
    [
        (SPOKEN, "up", math.inf),
        (SPOKEN, "down", 5.5),
        (but(RAIN, loudness=-25), "down", math.inf),
        (but(RAIN, loudness=-25), "up", 5.5),
        (but(DOG, loudness=-20, start_time=4), "up", math.inf),
    ],
)
def test_changes_of_level_leave_a_line_understood(element, way, room_lu):
    before = scene(SPOKEN, but(RAIN, loudness=-25), but(DOG, loudness=-20, start_time=4))
    assert measure_room_lu(element, before, way) == pytest.approx(room_lu)


def test_a_line_that_is_masked_already_does_not_limit_changes():
    before = scene(SPOKEN, but(RAIN, loudness=-17))
    assert measure_room_lu(before.elements[0], before, "up") == math.inf
    assert measure_room_lu(SPOKEN, before, "down") == 0


def test_a_line_becomes_louder_if_limits_keep_the_rest_up():
    narrow = Grid(SceneLimits(loudness_lufs=Range(low=-22, high=-10)))
    settled = settle_story(scene(but(RAIN, loudness=-19), SPOKEN), Dice("x"), narrow)
    assert [element.loudness for element in settled.elements] == [-22, -13]
    loud = [but(RAIN, id=i, loudness=-19) for i in (0, 5)]
    settled = settle_story(scene(*loud, SPOKEN), Dice("x"), narrow)
    assert [element.loudness for element in settled.elements] == [-22, -11, -22]


def test_limits_without_room_for_speech_over_the_rest_are_kept():
    context = DesignerContext(
        limits=SceneLimits(loudness_lufs=Range(low=-23.05, high=-14.95), loudness_step_lu=0.5)
    )
    designer = ScriptedDesigner(context)
    dialogues = [designer.design(Seed(f"s/{number}", "A bell."), 0).dialogue for number in range(20)]
    found = {v.rule for dialogue in dialogues for v in check_dialogue(dialogue, context.limits)}
    assert found == {"speech-masked"}
