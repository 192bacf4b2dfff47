"""A line's lead over all else, as a scene predicts it, and the loudness that leaves a lead."""

from __future__ import annotations

import math

import pytest
from helpers.examples import BELL, DOG, LINE, PIANO, RAIN, but, dialogue_of
from hypothesis import given
from hypothesis import strategies as st

from copilot.edit import Add, Change, Replace
from copilot.masking import LEAST_LEAD_LU, find_cap, list_judged_lines, measure_share, predict_lead
from copilot.scene import Element, Scene

SLOT = but(LINE, loudness=-12, start_time=1, duration=4)
"""A line from 1 s to 5 s, which is spoken until 4 s."""


def scene(*elements: Element) -> Scene:
    return Scene(elements=elements)


@pytest.mark.parametrize(
    ("others", "lead"),
    [
        ([], 188.0),
        ([but(RAIN, loudness=-24)], 12.0),
        ([but(RAIN, loudness=-24), but(DOG, loudness=-24, start_time=0, duration=8)], 8.99),
        ([but(DOG, loudness=-24, start_time=0, duration=2.5)], 15.01),  # half of the line
        ([but(DOG, loudness=-10, start_time=4, duration=3)], 188.0),
        ([but(LINE, id=9, loudness=-12, start_time=1, duration=4)], 0.0),  # somebody else speaks
    ],
)
def test_the_lead_counts_each_sound_by_its_share_of_the_line(others, lead):
    assert predict_lead(scene(SLOT, *others), SLOT) == pytest.approx(lead, abs=0.01)


def test_loud_sounds_come_down_and_quiet_ones_stay():
    loud, quiet = but(DOG, loudness=-14, start_time=0, duration=8), but(PIANO, loudness=-26)
    cap = find_cap(SLOT, [loud, quiet], [but(RAIN, loudness=-28)], 8.0)
    assert -23 < cap < -20
    lowered = scene(SLOT, but(RAIN, loudness=-28), but(loud, loudness=cap), quiet)
    assert predict_lead(lowered, SLOT) == pytest.approx(8.0)


def test_a_cap_is_infinite_if_nothing_has_to_change():
    assert find_cap(SLOT, [but(RAIN, loudness=-28)], [], 8.0) == math.inf
    assert find_cap(SLOT, [], [], 8.0) == math.inf


def test_a_cap_is_minus_infinite_if_the_fixed_sounds_are_too_loud():
    assert find_cap(SLOT, [PIANO], [but(RAIN, loudness=-15)], 8.0) == -math.inf
    assert find_cap(SLOT, [], [but(RAIN, loudness=-15)], 8.0) == -math.inf


levels = st.floats(min_value=-30, max_value=-10)
starts = st.floats(min_value=0, max_value=4)


@given(st.lists(st.tuples(levels, starts), min_size=1, max_size=6), st.floats(min_value=0, max_value=12))
def test_sounds_at_the_cap_leave_just_the_lead(sounds, lead_lu):
    movable = [
        but(DOG, id=10 + i, loudness=level, start_time=start) for i, (level, start) in enumerate(sounds)
    ]
    cap = find_cap(SLOT, movable, [], lead_lu)
    before, after = (
        predict_lead(scene(SLOT, *(but(e, loudness=max(min(e.loudness, top), -70)) for e in movable)), SLOT)
        for top in (0, cap)
    )
    assert (cap == math.inf) == (before >= lead_lu - 1e-9)
    if cap < math.inf:
        assert after == pytest.approx(lead_lu)


def judged(*steps) -> list[tuple[int, int]]:
    dialogue = dialogue_of(*steps)
    return [(index, line.id) for index, line, _ in list_judged_lines(dialogue, predict_lead)]


STORY = ("story", "u", [Add(element=RAIN), Add(element=but(LINE, loudness=-14))])
DROWN = ("volume", "u", [Change(id=0, loudness=-12)])


def test_turns_that_bring_sounds_are_judged():
    other = but(BELL, id=5)
    assert judged(
        STORY, ("add", "u", [Add(element=BELL)]), ("replace", "u", [Replace(id=4, element=other)])
    ) == [
        (0, 2),
        (1, 2),
        (2, 2),
    ]


@pytest.mark.parametrize("task", ["volume", "open"])
def test_a_line_that_a_user_drowned_is_not_judged_in_later_turns(task):
    drown = (task, "u", [Change(id=0, loudness=-12)])
    said = but(LINE, id=7, start_time=4.5, loudness=-10)
    assert judged(STORY, drown, ("add", "u", [Add(element=BELL)]), ("add", "u", [Add(element=said)])) == [
        (0, 2),
        (3, 7),
    ]
    assert LEAST_LEAD_LU == 5.0


def test_a_share_is_that_of_the_line():
    assert measure_share(but(DOG, start_time=3.25, duration=8), SLOT) == 0.25
    assert measure_share(but(DOG, start_time=4, duration=1), SLOT) == 0
