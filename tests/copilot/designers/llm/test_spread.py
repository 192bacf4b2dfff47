"""Numbers as steps in replies, and the finer values that scenes have in their place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.designers.llm.grammar import GrammarBook
from copilot.designers.llm.replies import make_whole_reply_model, read_whole_turns, round_sounds
from copilot.designers.llm.scales import Scales
from copilot.designers.llm.spread import Known, Spread
from copilot.edit import Change
from copilot.frozen_model import Range
from copilot.scene import SceneLimits, SoundElement

LIMITS = SceneLimits()
SCALES = Scales(LIMITS)
FIELDS = ("loudness", "panning", "start_time", "duration")


def spread(seed_id="s", turn=0, scales=SCALES):
    return Spread(scales, 7, seed_id, turn)


def element(**numbers):
    fields = {"loudness": -20, "panning": 0.3, "start_time": 1, "duration": 2} | numbers
    return SoundElement(id=3, role="effect", text="a bell rings", **fields)


def known(**numbers):
    sound = element(**numbers)
    return Known(sound, SCALES.round_numbers(sound))


steps = st.fixed_dictionaries({name: st.sampled_from(SCALES.get(name, "effect").values) for name in FIELDS})


@given(steps, st.integers(0, 10**6))
def test_a_new_sound_is_spread_within_its_steps_and_the_limits(said, number):
    made = spread(f"s/{number}").refine(said, "effect", number)
    for name in FIELDS:
        scale = SCALES.get(name, "effect")
        assert scale.round(made[name]) == pytest.approx(said[name])
        assert made[name] in scale.allowed
    assert made["start_time"] + made["duration"] <= said["start_time"] + said["duration"] + 1e-9


def test_the_spread_is_even_and_of_the_scenes_resolution():
    made = [spread(f"s/{n}").refine({"loudness": -17.0}, "effect", 3)["loudness"] for n in range(2000)]
    assert set(made) == {-17.5, -17.4, -17.3, -17.2, -17.1, -17.0, -16.9, -16.8, -16.7, -16.6}
    assert min(map(made.count, set(made))) > 140


def test_the_spread_derives_from_content():
    said = {"loudness": -17.0, "panning": 0.4}
    one = spread().refine(said, "effect", 3)
    assert one == spread().refine(said, "effect", 3) == spread().refine({**said, "panning": 0.4}, "effect", 3)
    others = (spread("t").refine(said, "effect", 3), spread(turn=1).refine(said, "effect", 3))
    assert all(other != one for other in (*others, spread().refine(said, "effect", 4)))


@given(
    st.sampled_from(["loudness", "panning"]),
    st.data(),
    st.integers(0, 10**6),
)
def test_a_change_is_never_smaller_than_its_steps_make_it(name, data, number):
    scale = SCALES.get(name, "effect")
    fine = st.floats(scale.allowed.low, scale.allowed.high).map(lambda value: round(value, 2))
    old, new = known(**{name: data.draw(fine)}), data.draw(st.sampled_from(scale.values))
    before = getattr(old.element, name)
    made = spread(f"s/{number}", 1).refine({name: new}, "effect", 3, old)[name]
    assert made in scale.allowed
    if new == old.shown[name]:
        assert made == before
    else:
        assert scale.round(made) == pytest.approx(new)
        assert abs(made - before) >= abs(new - before) - 1e-9
        assert (made > before) == (new > before)


def test_a_change_to_what_is_shown_changes_nothing():
    old = known(loudness=-17.3, panning=0.26, start_time=1.1, duration=2.1)
    assert spread(turn=1).refine(old.shown, "effect", 3, old) == {
        "loudness": -17.3,
        "panning": 0.26,
        "start_time": 1.1,
        "duration": 2.1,
    }


def test_numbers_that_are_no_steps_stay():
    said = {"loudness": -17.2, "panning": 0.33, "start_time": 1.1, "duration": 9.0}
    assert spread().refine(said, "effect", 3) == said


def test_the_centre_stays_the_centre():
    assert {spread(f"s/{n}").refine({"panning": 0.0}, "effect", 3)["panning"] for n in range(50)} == {0.0}


def test_an_ambience_stays_within_its_own_panning():
    made = {spread(f"s/{n}").refine({"panning": 0.1}, "ambience", 0)["panning"] for n in range(200)}
    assert made == {0.05, 0.06, 0.07, 0.08, 0.09, 0.1}


@given(st.sampled_from(SCALES.start_time.values), st.integers(0, 1000))
def test_a_moved_sound_ends_no_later_than_its_steps(start, number):
    old = known(start_time=0.1, duration=2.11)
    made = spread(f"s/{number}", 1).refine({"start_time": start}, "effect", 3, old)["start_time"]
    if start != old.shown["start_time"]:
        assert made + 2.11 <= start + 2 + 1e-9


def test_steps_are_shown_as_replies_write_them():
    (shown,) = round_sounds([element(loudness=-17.3, panning=-0.26, start_time=1.1, duration=2.13)], SCALES)
    assert shown == element(loudness=-17, panning=-0.3, start_time=1, duration=2.25)


@pytest.mark.parametrize(
    ("limits", "field", "values"),
    [
        (SceneLimits(loudness_lufs=Range(low=-20.5, high=-18.2)), "loudness", (-20, -19)),
        (SceneLimits(ambience_panning=Range(low=0.02, high=0.08)), "ambience_panning", (0.02,)),
        (SceneLimits(panning=Range(low=-0.25, high=0.1)), "panning", (-0.2, -0.1, 0, 0.1)),
        (SceneLimits(start_time_s=Range(low=0.2, high=1)), "start_time", (0.25, 0.5, 0.75, 1)),
    ],
)
def test_steps_are_the_multiples_within_the_limits(limits, field, values):
    assert getattr(Scales(limits), field).values == values


def test_long_scenes_have_larger_steps_of_time():
    limits = SceneLimits(
        duration_s=120,
        start_time_s=Range(low=0, high=100),
        element_duration_s=Range(low=0.5, high=120),
    )
    scales = Scales(limits)
    assert scales.time_step_s == 1
    assert (scales.duration.values[0], scales.duration.values[-1]) == (1, 120)


def whole(*scenes):
    turns = [{"user": f"u{n}", "description": f"d{n}", "elements": scene} for n, scene in enumerate(scenes)]
    edits = [turn | {"added": [], "changed": [], "removed": []} for turn in turns[1:]]
    names = {f"edit_{index}": edit for index, edit in enumerate(edits, start=1)}
    reply = make_whole_reply_model(len(scenes)).model_validate_json(json.dumps({"story": turns[0]} | names))
    return tuple(read_whole_turns(reply, ("volume",) * len(edits), SCALES, 7, "s"))


AMBIENCE = {
    "id": 0,
    "role": "ambience",
    "text": "rain",
    "loudness": -28,
    "panning": 0,
    "start_time": 0,
    "duration": 8,
}
BELL = {
    "id": 1,
    "role": "effect",
    "text": "a bell",
    "loudness": -20,
    "panning": 0.5,
    "start_time": 1,
    "duration": 2,
}
LINE = BELL | {"id": 2, "role": "speech", "speaker": "Ann", "gender": "female", "emotion": "calm"}


def test_a_restated_sound_stays_the_same_and_a_change_is_a_change_of_its_field_alone():
    turns = whole([AMBIENCE, BELL, LINE], [AMBIENCE, BELL | {"loudness": -16}, LINE], [AMBIENCE, BELL, LINE])
    (first,) = turns[1].operations
    assert (first.id, set(first.updates)) == (1, {"loudness"})
    assert -16 <= first.loudness <= -15.6
    (second,) = turns[2].operations
    assert second.updates.keys() == {"loudness"}
    assert SCALES.loudness.round(second.loudness) == -20
    assert isinstance(second, Change)


def test_an_ambience_keeps_its_times_and_a_line_its_duration():
    (turn,) = whole([AMBIENCE, BELL, LINE])
    assert (turn.scene.get(0).start_time, turn.scene.get(0).duration) == (0, 8)
    assert turn.scene.get(2).duration == 2
    assert turn.scene.get(2).start_time <= 1


def test_the_ambience_of_a_whole_dialogue_is_centred_and_lasts_the_whole_scene():
    story = GrammarBook(LIMITS).whole(2, speech=False).schema["properties"]["story"]["properties"]
    ambience, sound = story["elements"]["items"]["anyOf"]
    assert ambience["properties"]["role"] == {"const": "ambience"}
    assert ambience["properties"]["panning"] == {"enum": [-0.1, 0, 0.1]}
    assert (ambience["properties"]["start_time"], ambience["properties"]["duration"]) == (
        {"const": 0},
        {"const": 8},
    )
    assert sound["properties"]["role"] == {"enum": ["effect", "music"]}
