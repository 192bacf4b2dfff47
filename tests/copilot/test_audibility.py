"""Predictions of how far an edit is heard, from levels and times alone."""

from __future__ import annotations

import math

import pytest
from helpers.examples import BELL, DOG, RAIN, but
from hypothesis import given
from hypothesis import strategies as st

from copilot.audibility import find_kind, predict_change
from copilot.edit import Add, Change, Operation, Remove, apply
from copilot.scene import Element, Scene


def predict(scene: Scene, operation: Operation, element_id: int) -> float:
    return predict_change(scene, apply(scene, [operation]), element_id)


def scene_of(*elements: Element) -> Scene:
    return Scene(elements=elements)


def test_a_sound_alone_changes_the_mix_as_far_as_itself():
    assert predict(scene_of(RAIN), Change(id=0, loudness=-22), 0) == pytest.approx(6.0, abs=0.01)
    assert predict(scene_of(RAIN), Change(id=0, loudness=-29), 0) == pytest.approx(1.0, abs=0.01)


def test_a_sound_under_another_one_as_loud_is_heard_half():
    both = scene_of(RAIN, but(RAIN, id=5))
    assert predict(both, Add(element=but(RAIN, id=6)), 6) == pytest.approx(10 * math.log10(1.5), abs=0.01)
    assert predict(both, Remove(id=5), 5) == pytest.approx(10 * math.log10(2), abs=0.01)


def test_a_buried_sound_is_not_heard():
    buried = scene_of(but(RAIN, loudness=-12), but(DOG, loudness=-30))
    assert predict(buried, Change(id=1, loudness=-24), 1) < 0.3
    assert predict(buried, Remove(id=1), 1) < 0.1


def test_time_beside_a_louder_sound_counts_in_full():
    """The louder sound covers half of the rain; in the other half the change is the rain's own."""
    beside = scene_of(RAIN, but(DOG, loudness=-10, start_time=4, duration=4))
    covered = 10 * math.log10((10**-2.2 + 10**-1) / (10**-2.8 + 10**-1))
    assert predict(beside, Change(id=0, loudness=-22), 0) == pytest.approx((6 + covered) / 2, abs=0.01)


def test_a_panning_is_heard_as_a_change_of_balance():
    alone, under = scene_of(but(DOG, panning=0)), scene_of(but(DOG, panning=0), but(RAIN, loudness=-12))
    right = 20 * math.log10(math.tan(1.25 * math.pi / 4) / math.tan(math.pi / 4))
    assert predict(alone, Change(id=1, panning=0.25), 1) == pytest.approx(right, abs=0.01)
    assert predict(under, Change(id=1, panning=0.25), 1) < 1.0


def test_a_sound_that_moves_in_time_goes_and_comes():
    assert predict(scene_of(RAIN, DOG), Change(id=1, start_time=5), 1) == pytest.approx(
        predict(scene_of(RAIN, DOG), Remove(id=1), 1)
    )


def test_what_is_not_edited_does_not_change():
    assert predict(scene_of(RAIN, DOG), Remove(id=1), 0) == 0.0
    assert predict(scene_of(RAIN, DOG), Remove(id=1), 9) == 0.0


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        (Change(id=1, loudness=-12), "volume"),
        (Change(id=1, panning=0.5), "panning"),
        (Change(id=1, loudness=-12, panning=0.5), "sound"),
        (Change(id=1, duration=1), "sound"),
        (Remove(id=1), "sound"),
    ],
)
def test_kinds_of_changes(operation, kind):
    scene = scene_of(RAIN, DOG)
    assert find_kind(scene, apply(scene, [operation]), 1) == kind


@given(st.floats(-30, -10), st.floats(0.5, 10), st.floats(-30, -10), st.floats(0, 6), st.floats(0.2, 8))
def test_others_only_make_an_edit_less_heard(loudness, step, other, start_s, duration_s):
    scene = scene_of(but(RAIN, loudness=loudness))
    louder = Change(id=0, loudness=min(loudness + step, -5.0))
    fuller = scene_of(*scene.elements, but(BELL, loudness=other, start_time=start_s, duration=duration_s))
    assert 0 <= predict(fuller, louder, 0) <= predict(scene, louder, 0) + 1e-9 <= step + 1e-6
