"""The scripted designer: the same seed gives the same dialogue, and every seed a clean one."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from copilot.designers.contract import DesignerContext
from copilot.designers.scripted import ScriptedDesigner
from copilot.designers.scripted.grid import Grid
from copilot.dialogue import EDIT_TASKS, Dialogue, Task
from copilot.errors import UserError
from copilot.frozen_model import Range
from copilot.hashing import canonical_json
from copilot.rules import check_dialogue
from copilot.scene import SceneLimits
from copilot.seed import Seed

LIMITS = SceneLimits()
LONG = SceneLimits(
    duration_s=30,
    n_elements=20,
    start_time_s=Range(low=0, high=20),
    element_duration_s=Range(low=0.2, high=30),
    loudness_lufs=Range(low=-45, high=-18),
    panning=Range(low=-0.6, high=0.6),
)
BELLS = Seed("text/1", "AND THE BELLS OF THE OLD CHURCH RANG OVER THE SEA WHILE I LAY AWAKE")


@pytest.fixture(scope="module")
def designer() -> ScriptedDesigner:
    return ScriptedDesigner()


@pytest.fixture(scope="module")
def longest() -> ScriptedDesigner:
    return ScriptedDesigner(DesignerContext(n_turns=5))


def violations(dialogue: Dialogue, limits: SceneLimits = LIMITS) -> list[str]:
    return [violation.message for violation in check_dialogue(dialogue, limits)]


def as_json(dialogue: Dialogue) -> str:
    return canonical_json(dialogue.model_dump(mode="json"))


def test_same_seed_same_dialogue_in_any_order(designer):
    seeds = [Seed(f"text/{i}", f"THE KING RODE {i} MILES THROUGH THE RAIN") for i in range(20)]
    forth = {seed.id: as_json(designer.design(seed, 7).dialogue) for seed in seeds}
    other = ScriptedDesigner()
    back = {seed.id: as_json(other.design(seed, 7).dialogue) for seed in reversed(seeds)}
    assert forth == back
    assert len(set(forth.values())) == 20


def test_run_seed_and_id_change_the_dialogue(designer):
    same = as_json(designer.design(BELLS, 7).dialogue)
    assert same != as_json(designer.design(BELLS, 8).dialogue)
    assert same != as_json(designer.design(Seed("text/2", BELLS.text), 7).dialogue)


def test_dialogue_carries_the_seed(designer):
    dialogue = designer.design(BELLS, 7).dialogue
    assert (dialogue.seed_id, dialogue.seed_text, dialogue.mode) == ("text/1", BELLS.text, "turnwise")
    assert dialogue.turns[0].task == "story"


@pytest.mark.parametrize("n_turns", [1, 2, 3, 4, 5])
def test_number_of_turns(n_turns):
    designer = ScriptedDesigner(DesignerContext(n_turns=n_turns))
    for i in range(30):
        dialogue = designer.design(Seed(f"text/{i}", BELLS.text), 7).dialogue
        assert len(dialogue.turns) == n_turns
        assert violations(dialogue) == []


@pytest.mark.parametrize("task", EDIT_TASKS)
def test_a_single_task_is_possible_five_turns_long(task: Task):
    designer = ScriptedDesigner(DesignerContext(n_turns=5, task_weights={task: 1.0}))
    for i in range(40):
        dialogue = designer.design(Seed(f"{task}/{i}", "NOBODY KNOWS WHAT HAPPENED THEN"), 7).dialogue
        assert [turn.task for turn in dialogue.turns[1:]] == [task] * 4
        assert violations(dialogue) == []


def test_task_weights_are_followed():
    designer = ScriptedDesigner(
        DesignerContext(n_turns=5, task_weights={"volume": 3, "panning": 1, "open": 0})
    )
    tasks = [
        turn.task
        for i in range(300)
        for turn in designer.design(Seed(f"w/{i}", "A WORD"), 1).dialogue.turns[1:]
    ]
    assert set(tasks) == {"volume", "panning"}
    assert 0.71 < tasks.count("volume") / len(tasks) < 0.79


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "...",
        "YES",
        "O",
        "\x00\x07 bell\u2028 \u202e left ear",
        'He said: "Turn it left!" \u2014 and left.',
        "Привет, как дела?",
        "今日は雨です。",
        "LEFT RIGHT LOUDER QUIETER CENTRE VOLUME PANNED TO THE LEFT SIDE",
        "BELL " * 400,
        "pneumonoultramicroscopicsilicovolcanoconiosis " * 30,
        "'''",
        "{name} {0} %s",
    ],
)
def test_any_text_makes_clean_dialogues(longest, text):
    for i in range(12):
        dialogue = longest.design(Seed(f"odd/{i}", text), i).dialogue
        assert violations(dialogue) == []


@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=200), run_seed=st.integers(0, 2**40))
@example(text="0" * 19, run_seed=0)
@example(text="_", run_seed=0)
@example(text="\u00b5", run_seed=0)
@example(text="PANNING-0", run_seed=0)
def test_every_text_makes_a_clean_dialogue(longest, text, run_seed):
    assert violations(longest.design(Seed("any", text), run_seed).dialogue) == []


@pytest.mark.parametrize(
    "limits",
    [
        LONG,
        SceneLimits(n_elements=5),
        SceneLimits(loudness_lufs=Range(low=-28.05, high=-14.95), loudness_step_lu=0.5),
        SceneLimits(words_per_s=Range(low=1, high=2)),
        SceneLimits(duration_s=5, start_time_s=Range(low=0, high=2), panning=Range(low=-0.25, high=0.25)),
        SceneLimits(user_chars=150, description_chars=120, text_chars=80),
    ],
    ids=["30 s", "five elements", "narrow loudness", "slow speech", "5 s", "short texts"],
)
def test_other_limits_are_kept(limits):
    designer = ScriptedDesigner(DesignerContext(limits=limits))
    for i in range(40):
        dialogue = designer.design(Seed(f"text/{i}", BELLS.text), i).dialogue
        assert violations(dialogue, limits) == []


def test_long_scenes_are_filled():
    scene = ScriptedDesigner(DesignerContext(limits=LONG)).design(BELLS, 7).dialogue.turns[0].scene
    assert scene.duration_s == 30
    assert max(element.start_time for element in scene.elements) > 4


def test_numbers_lie_on_the_steps(longest):
    for i in range(50):
        for turn in longest.design(Seed(f"text/{i}", BELLS.text), 7).dialogue.turns:
            for element in turn.scene.elements:
                assert element.loudness == round(element.loudness, 1)
                assert element.panning == round(element.panning, 2)
                assert element.start_time == round(element.start_time, 2)
                assert element.duration == round(element.duration, 2)


def test_grid_is_the_identity_on_the_published_limits():
    grid = Grid(LIMITS)
    assert (grid.loudness(-17.34), grid.panning(0.257), grid.start(1.234)) == (-17.3, 0.26, 1.23)
    assert grid.duration(9.0, 3.0) == 5.0
    assert grid.panning(1.0, ambience=True) == 0.1


def test_grid_stays_inside_ends_that_are_off_the_steps():
    grid = Grid(SceneLimits(loudness_lufs=Range(low=-23.05, high=-14.95)))
    assert (grid.loudness(-10), grid.loudness(-30)) == (-15.0, -23.0)


def test_fingerprint_names_what_changes_the_dialogues():
    fingerprint = ScriptedDesigner().fingerprint()
    assert set(fingerprint) == {
        "designer", "version", "lexicon", "phrasings", "limits", "n_turns", "task_weights"
    }  # fmt: skip
    assert len(fingerprint["lexicon"]) == len(fingerprint["phrasings"]) == 64
    assert ScriptedDesigner(DesignerContext(limits=LONG)).fingerprint()["limits"] != fingerprint["limits"]
    assert ScriptedDesigner(DesignerContext(n_turns=2)).fingerprint()["n_turns"] == "2"
    weighted = ScriptedDesigner(DesignerContext(task_weights={"open": 1, "add": 2})).fingerprint()
    assert weighted["task_weights"] != fingerprint["task_weights"]
    assert ScriptedDesigner(DesignerContext(task_weights={"add": 2, "open": 1})).fingerprint() == weighted


@pytest.mark.parametrize(
    ("arguments", "field", "named"),
    [
        ({"n_turns": 6}, "n_turns", "6"),
        ({"n_turns": 0}, "n_turns", "0"),
        ({"limits": SceneLimits(n_elements=2)}, "limits", "n_elements"),
        ({"limits": SceneLimits(loudness_lufs=Range(low=-20, high=-15))}, "limits", "loudness_lufs"),
        ({"limits": SceneLimits(panning=Range(low=0, high=0))}, "limits", "panning"),
        ({"limits": SceneLimits(duration_s=10)}, "limits", "element_duration_s"),
        ({"task_weights": {"story": 1}}, "task_weights", "story"),
        ({"task_weights": {"add": 0}}, "task_weights", "add"),
    ],
)
def test_impossible_settings_are_the_users_mistake(arguments, field, named):
    with pytest.raises(UserError, match=named) as error:
        ScriptedDesigner(DesignerContext(**arguments))
    assert error.value.field == field


def test_every_dialogue_or_none_has_speech():
    seeds = [Seed(f"text/{i}", f"THE KING RODE {i} MILES THROUGH THE RAIN") for i in range(60)]
    for share in (0, 1):
        designer = ScriptedDesigner(DesignerContext(n_turns=5, speech_share=share))
        for seed in seeds:
            dialogue = designer.design(seed, 7).dialogue
            roles = [{element.role for element in turn.scene.elements} for turn in dialogue.turns]
            assert ("speech" in roles[0]) == bool(share)
            assert share or not any("speech" in found for found in roles)
            assert all(found.severity != "fatal" for found in check_dialogue(dialogue, LIMITS))


def test_a_share_of_speech_is_part_of_the_fingerprint():
    found = [ScriptedDesigner(DesignerContext(speech_share=share)).fingerprint() for share in (0.5, 0.0, 1.0)]
    assert found[0] == ScriptedDesigner().fingerprint()
    assert found[1] != found[0] != found[2] != found[1]
