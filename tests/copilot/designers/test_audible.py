"""Designers choose edits that will be heard."""

from __future__ import annotations

import pytest
from helpers.examples import BELL, DOG, LINE, RAIN, but

from copilot.designers.audible import keep_audible, predict_margin
from copilot.edit import Add, Change, Operation, Remove
from copilot.scene import Scene

SCENE = Scene(elements=(but(RAIN, loudness=-14), but(DOG, loudness=-30), but(LINE, loudness=-11)))


def remove(element_id: int) -> list[Operation]:
    return [Remove(id=element_id)]


def test_the_margin_is_that_of_the_sound_that_is_heard_least():
    loud, buried = remove(2), remove(1)
    assert predict_margin(SCENE, loud) > 1 > 0 > predict_margin(SCENE, buried) > -0.8
    assert predict_margin(SCENE, [*loud, *buried]) < 0
    assert predict_margin(SCENE, [*loud, *buried], is_open=True) > 1


def test_an_edit_that_changes_nothing_is_not_heard():
    assert predict_margin(SCENE, []) == -200.0
    assert predict_margin(SCENE, [Change(id=1, loudness=-30)]) == -200.0


def test_options_that_will_be_heard_are_kept_in_their_order():
    assert keep_audible([2, 1, 0], SCENE, remove) == [2, 0]


def test_the_best_is_kept_if_none_will_be_heard():
    assert keep_audible([-30.0, -29.0, -28.0], SCENE, _ring) == [-28.0]
    assert keep_audible([], SCENE, remove) == []


def _ring(loudness: float) -> list[Operation]:
    return [Add(element=but(BELL, loudness=loudness))]


@pytest.mark.parametrize(("loudness", "is_heard"), [(-14, True), (-24, False)])
def test_a_new_sound_has_to_be_loud_enough(loudness, is_heard):
    assert (predict_margin(SCENE, _ring(loudness)) >= 0) == is_heard
