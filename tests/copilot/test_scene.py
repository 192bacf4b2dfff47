from __future__ import annotations

import pytest
from helpers.examples import DOG, LINE, RAIN, but
from helpers.strategies import elements, scenes
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from copilot.frozen_model import Range
from copilot.scene import Scene, SceneLimits


@given(scene=scenes(), data=st.data())
def test_scene_does_not_know_the_order_it_came_in(scene: Scene, data: st.DataObject):
    shuffled = Scene(elements=tuple(data.draw(st.permutations(scene.elements))))
    assert shuffled == scene
    assert hash(shuffled) == hash(scene)
    assert [element.id for element in shuffled.elements] == sorted(scene.ids)


@given(scene=scenes())
def test_scene_survives_json(scene: Scene):
    assert Scene.model_validate_json(scene.model_dump_json()) == scene


@given(scene=scenes())
def test_scene_finds_its_elements_and_its_end(scene: Scene):
    assert all(scene.get(element.id) is element for element in scene.elements)
    assert scene.get(99) is None
    assert len(scene) == len(scene.ids)
    assert scene.duration_s == max((e.start_time + e.duration for e in scene.elements), default=0)


def test_id_used_twice_is_refused():
    with pytest.raises(ValidationError, match=r"elements: id 1 used twice in one scene"):
        Scene(elements=(RAIN, DOG, but(LINE, id=1)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", -1),
        ("loudness", 0.1),
        ("loudness", -70.1),
        ("loudness", float("nan")),
        ("panning", 1.01),
        ("panning", -1.01),
        ("start_time", -0.01),
        ("start_time", float("inf")),
        ("duration", 0),
        ("role", "speech"),
        ("tool", "tts"),
        ("speaker", "Anna"),
    ],
)
def test_element_refuses_what_means_nothing(field: str, value: object):
    with pytest.raises(ValidationError) as caught:
        but(DOG, **{field: value})
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


@given(element=elements(3))
def test_element_is_a_value(element):
    with pytest.raises(ValidationError):
        element.loudness = -20


def test_range_is_closed_and_not_empty():
    assert -30 in Range(low=-30, high=-10)
    assert -10 in Range(low=-30, high=-10)
    assert -9.99 not in Range(low=-30, high=-10)
    with pytest.raises(ValidationError, match=r"range: 1.0 is above 0.0"):
        Range(low=1, high=0)


def test_published_limits_are_the_defaults():
    limits = SceneLimits()
    assert (limits.duration_s, limits.n_elements, limits.n_turns) == (8, 10, 5)
    assert limits.loudness_lufs == Range(low=-30, high=-10)
    assert limits.panning == Range(low=-1, high=1)
    assert limits.ambience_panning == Range(low=-0.1, high=0.1)
    assert limits.start_time_s == Range(low=0, high=4)
    assert limits.element_duration_s.high == limits.duration_s
