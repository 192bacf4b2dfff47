from __future__ import annotations

import json

import pytest
from helpers.examples import (
    DOG,
    LIMITS,
    LINE,
    PIANO,
    RAIN,
    STORY,
    but,
    dialogue_of,
    good_dialogue,
    story_of,
    with_turn,
)
from helpers.strategies import dialogues, elements
from hypothesis import given
from hypothesis import strategies as st

from copilot.dialogue import Dialogue, Mode
from copilot.edit import Add, Change, Remove, Replace, apply, diff
from copilot.frozen_model import Range
from copilot.normalise import (
    Normalisation,
    normalise_dialogue,
    normalise_element,
    normalise_text,
    round_to_step,
)
from copilot.rules import check_dialogue
from copilot.scene import Element, Scene, SceneLimits

GRIDS = [("loudness", 0.1), ("panning", 0.01), ("start_time", 0.01), ("duration", 0.01)]


@pytest.mark.parametrize(
    ("value", "step", "rounded"),
    [
        (0.1 + 0.2, 0.1, "0.3"),
        (-20.04, 0.1, "-20.0"),
        (-20.05, 0.1, "-20.0"),  # halves go to the even multiple
        (-20.15, 0.1, "-20.2"),
        (8.000000000000002, 0.01, "8.0"),
        (1.005, 0.01, "1.0"),
        (2.675, 0.01, "2.68"),
        (0.37, 0.25, "0.25"),
        (-0.001, 0.01, "0.0"),
        (-0.0, 0.01, "0.0"),
        (1e22, 0.1, "1e+22"),
    ],
)
def test_round_to_step(value: float, step: float, rounded: str):
    assert json.dumps(round_to_step(value, step)) == rounded


@given(value=st.floats(-100, 100), step=st.sampled_from([0.1, 0.01, 0.05, 0.25, 0.001]))
def test_rounding_is_near_short_and_done_once(value: float, step: float):
    rounded = round_to_step(value, step)
    assert abs(rounded - value) <= step / 2 + 1e-12
    assert round_to_step(rounded, step) == rounded
    assert len(json.dumps(rounded).partition(".")[2]) <= len(str(step)) - 2


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  a  dog\tbarking\n", "a dog barking"),
        ("a\u00a0dog\u2028", "a dog"),
        ("a dog", "a dog"),
        ("", ""),
        (" \n", " \n"),
    ],
)
def test_normalise_text(text: str, clean: str):
    assert normalise_text(text) == clean


def test_each_mending_of_an_element_is_recorded():
    element = but(
        LINE,
        loudness=-16.04,
        panning=0.1 + 0.2,
        start_time=3.999,
        duration=5,
        text=" Who is  it?",
        speaker="Anna ",
    )
    mended, notes = normalise_element(element, LIMITS)
    assert mended == but(
        LINE, loudness=-16.0, panning=0.3, start_time=4.0, duration=4.0, text="Who is it?", speaker="Anna"
    )
    assert notes == (
        Normalisation("loudness", -16.04, -16.0, "rounded"),
        Normalisation("panning", 0.1 + 0.2, 0.3, "rounded"),
        Normalisation("start_time", 3.999, 4.0, "rounded"),
        Normalisation("duration", 5.0, 4.0, "cut-at-scene-end"),
        Normalisation("text", " Who is  it?", "Who is it?", "white-space"),
        Normalisation("speaker", "Anna ", "Anna", "white-space"),
    )


def test_good_element_is_left():
    assert normalise_element(DOG, LIMITS) == (DOG, ())


@pytest.mark.parametrize(
    ("element", "kept"),
    [
        (but(DOG, loudness=-30.26), {"loudness": -30.26}),
        (but(DOG, start_time=9.123), {"start_time": 9.123, "duration": 2.0}),
        (but(DOG, duration=0.004), {"duration": 0.004}),
        (but(LINE, speaker="  ", text=""), {"speaker": "  ", "text": ""}),
    ],
)
def test_what_the_rules_reject_is_left(element: Element, kept: dict[str, object]):
    mended, notes = normalise_element(element, LIMITS)
    assert {name: getattr(mended, name) for name in kept} == kept
    assert notes == ()


def test_value_just_outside_is_rounded_into_its_range():
    mended, notes = normalise_element(but(DOG, loudness=-9.96), LIMITS)
    assert mended.loudness == -10.0
    assert notes == (Normalisation("loudness", -9.96, -10.0, "rounded"),)


def test_duration_never_becomes_nothing():
    limits = SceneLimits(element_duration_s=Range(low=0, high=8), start_time_s=Range(low=0, high=8))
    assert normalise_element(but(DOG, duration=0.004), limits)[0].duration == 0.004
    assert normalise_element(but(DOG, start_time=8), limits)[0].duration == 2.0


def test_cut_stays_on_the_grid_and_within_the_scene():
    limits = SceneLimits(duration_s=7.999)
    mended, _ = normalise_element(RAIN, limits)
    assert mended.duration == 7.99


@given(elements(0))
def test_any_element_is_mended_once(element: Element):
    mended, notes = normalise_element(element, LIMITS)
    assert normalise_element(mended, LIMITS) == (mended, ())
    assert type(element).model_validate(mended.model_dump()) == mended
    assert {note.field for note in notes} == {
        name for name, value in element.model_dump().items() if getattr(mended, name) != value
    }


@given(elements(0, LIMITS))
def test_element_within_the_limits_ends_on_the_grid(element: Element):
    mended, _ = normalise_element(element, LIMITS)
    assert all(round_to_step(getattr(mended, name), step) == getattr(mended, name) for name, step in GRIDS)
    assert mended.end_time <= LIMITS.duration_s + 1e-9


@pytest.mark.parametrize("mode", ["turnwise", "whole"])
@given(data=st.data())
def test_dialogue_is_mended_once_and_stays_consistent(mode: Mode, data: st.DataObject):
    dialogue = data.draw(dialogues(mode, data.draw(st.sampled_from([None, LIMITS]))))
    mended, notes = normalise_dialogue(dialogue, LIMITS)
    assert normalise_dialogue(mended, LIMITS) == (mended, ())
    for _, before, turn, _ in mended.transitions():
        assert apply(before, turn.operations) == turn.scene
    for old, new in zip(dialogue.turns, mended.turns, strict=True):
        assert new.scene.ids == old.scene.ids
        assert new.task == old.task
    assert bool(notes) or all(
        old.scene == new.scene for old, new in zip(dialogue.turns, mended.turns, strict=True)
    )
    # What the values are hides nothing from their canonical text: -0.0 is gone too.
    assert Dialogue.model_validate_json(mended.model_dump_json()) == mended
    assert '"panning":-0.0,' not in mended.model_dump_json()


def test_good_dialogue_is_left():
    assert normalise_dialogue(good_dialogue(), LIMITS) == (good_dialogue(), ())


def test_turnwise_mends_each_operation_against_the_running_scene():
    dialogue = dialogue_of(
        ("story", STORY[1], [Add(element=but(RAIN, loudness=-28.04)), Add(element=but(DOG, duration=9))]),
        ("volume", " Turn the\nrain up. ", [Change(id=0, loudness=-24.96)]),
        ("replace", "Swap the dog for a piano.", [Replace(id=1, element=but(PIANO, panning=0.333))]),
        ("open", "Later.", [Change(id=3, start_time=3.001), Change(id=0, panning=0.05)]),
    )
    mended, notes = normalise_dialogue(dialogue, LIMITS)
    assert notes == (
        Normalisation("loudness", -28.04, -28.0, "rounded", 0, 0),
        Normalisation("duration", 9.0, 7.0, "cut-at-scene-end", 0, 1),
        Normalisation("user", " Turn the\nrain up. ", "Turn the rain up.", "white-space", 1),
        Normalisation("loudness", -24.96, -25.0, "rounded", 1, 0),
        Normalisation("panning", 0.333, 0.33, "rounded", 2, 3),
        Normalisation("start_time", 3.001, 3.0, "rounded", 3, 3),
        Normalisation("duration", 6.0, 5.0, "cut-at-scene-end", 3, 3),
    )
    assert [turn.operations for turn in mended.turns] == [
        (Add(element=RAIN), Add(element=but(DOG, duration=7))),
        (Change(id=0, loudness=-25),),
        (Replace(id=1, element=but(PIANO, panning=0.33)),),
        (Change(id=3, start_time=3, duration=5), Change(id=0, panning=0.05)),
    ]
    assert mended.turns[-1].scene == Scene(
        elements=(but(RAIN, loudness=-25, panning=0.05), but(PIANO, panning=0.33, start_time=3, duration=5))
    )
    assert check_dialogue(mended, LIMITS) == ()


def test_turnwise_dialogue_that_does_not_hold_together_is_left():
    spoilt = with_turn(
        dialogue_of(STORY, ("volume", " Turn the rain up.", [Change(id=0, loudness=-24.96)])),
        1,
        operations=(Remove(id=9),),
    )
    assert normalise_dialogue(spoilt, LIMITS) == (spoilt, ())


def test_whole_mends_scenes_and_derives_operations_anew():
    first = Scene(elements=(but(RAIN, loudness=-28.04), DOG))
    # The rain's loudness moves by less than its step: nobody asked for that, and nobody hears it.
    second = Scene(elements=(but(RAIN, loudness=-28.01), but(DOG, panning=0.501)))
    dialogue = dialogue_of(STORY, ("panning", "Move the dog to the right.", ()), mode="whole")
    dialogue = with_turn(dialogue, 0, scene=first, operations=diff(Scene(), first))
    dialogue = with_turn(dialogue, 1, scene=second, operations=diff(first, second))
    mended, notes = normalise_dialogue(dialogue, LIMITS)
    assert notes == (
        Normalisation("loudness", -28.04, -28.0, "rounded", 0, 0),
        Normalisation("loudness", -28.01, -28.0, "rounded", 1, 0),
        Normalisation("panning", 0.501, 0.5, "rounded", 1, 1),
    )
    assert mended.turns[1].operations == (Change(id=1, panning=0.5),)
    assert check_dialogue(mended, LIMITS) == ()


def test_whole_tells_what_a_scene_restates_once():
    dialogue = dialogue_of(
        ("story", STORY[1], [Add(element=but(RAIN, loudness=-28.04)), Add(element=DOG)]),
        ("remove", "No dog.", [Remove(id=1)]),
        mode="whole",
    )
    mended, notes = normalise_dialogue(dialogue, LIMITS)
    assert notes == (Normalisation("loudness", -28.04, -28.0, "rounded", 0, 0),)
    assert mended.turns[1].scene == Scene(elements=(RAIN,))


def test_whole_leaves_an_id_that_names_another_sound_to_the_rules():
    scene = Scene(elements=(RAIN, but(DOG, text="a wolf  howling"), LINE, PIANO))
    spoilt = with_turn(dialogue_of(STORY, ("replace", "Another dog.", ()), mode="whole"), 1, scene=scene)
    mended, notes = normalise_dialogue(spoilt, LIMITS)
    assert notes == (Normalisation("text", "a wolf  howling", "a wolf howling", "white-space", 1, 1),)
    assert [violation.rule for violation in check_dialogue(mended, LIMITS)] == ["id-names-another-sound"]


def test_sum_of_times_that_is_not_exact_is_within_the_scene():
    assert 0.03 + 6.07 > 6.1
    limits = SceneLimits(duration_s=6.1)
    dialogue = story_of(but(RAIN, duration=6.1), but(DOG, start_time=0.03, duration=6.07))
    assert normalise_dialogue(dialogue, limits) == (dialogue, ())
    assert check_dialogue(dialogue, limits) == ()
