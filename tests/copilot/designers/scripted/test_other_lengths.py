"""Stories of other lengths and sizes, over 2,000 dialogues: limits are reached, short scenes have room."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest

from copilot.designers.contract import DesignerContext
from copilot.designers.scripted import ScriptedDesigner
from copilot.designers.scripted.lexicon_data import load_lexicon
from copilot.designers.scripted.phrasing import name_length
from copilot.dialogue import Dialogue
from copilot.errors import UserError
from copilot.rules import check_dialogue
from copilot.scene import SceneLimits
from pipelines.options.limits import read_limits
from pipelines.seeds import read_seeds

LONG = ("duration_s=30", "n_elements=20")
MINUTE = ("duration_s=60", "n_elements=20")
SHORT = ("duration_s=3", "n_elements=3")
N_EACH = {LONG: 800, ("duration_s=15",): 400, MINUTE: 300, SHORT: 500}
"""2,000 dialogues in all."""


@cache
def design_all(given: tuple[str, ...]) -> tuple[Dialogue, ...]:
    designer = ScriptedDesigner(DesignerContext(limits=read_limits(None, given)))
    seeds = read_seeds("starter", None, 7).seeds
    pairs = [(seed, run_seed) for run_seed in range(3) for seed in seeds]
    return tuple(designer.design(seed, run_seed).dialogue for seed, run_seed in pairs[: N_EACH[given]])


@pytest.mark.parametrize("given", N_EACH, ids=" ".join)
def test_the_rules_are_kept(given):
    limits = read_limits(None, given)
    assert len(design_all(given)) == N_EACH[given]
    assert [v.message for dialogue in design_all(given)[::8] for v in check_dialogue(dialogue, limits)] == []


@pytest.mark.parametrize(
    ("given", "fewest", "most"),
    [
        (LONG, 10, 20),
        (("duration_s=15",), 5, 10),
        (MINUTE, 15, 20),
        (SHORT, 3, 3),
    ],
    ids=["30 s", "15 s", "60 s", "3 s"],
)
def test_stories_hold_so_many_sounds(given, fewest, most):
    sizes = [len(dialogue.turns[0].scene) for dialogue in design_all(given)]
    assert fewest <= min(sizes)
    assert max(sizes) <= most


@pytest.mark.parametrize("given", [LONG, MINUTE], ids=["30 s", "60 s"])
def test_long_stories_fill_the_time(given):
    for dialogue in design_all(given):
        scene = dialogue.turns[0].scene
        part_s = scene.duration_s / 4
        for k in range(4):
            heard = [
                e
                for e in scene.elements
                if e.role != "ambience" and e.start_time < (k + 1) * part_s and e.end_time > k * part_s
            ]
            assert heard, (dialogue.seed_id, k)
        assert max(e.end_time for e in scene.elements if e.role != "ambience") > 0.75 * scene.duration_s


def test_people_talk_to_each_other_in_long_stories():
    n_talks = 0
    for dialogue in design_all(LONG):
        lines = sorted(
            (e for e in dialogue.turns[0].scene.elements if e.role == "speech"), key=lambda e: e.start_time
        )
        if not lines:
            continue
        assert 3 <= len(lines) <= 6
        assert len({line.speaker for line in lines}) == 2
        assert all(one.speaker != other.speaker for one, other in pairwise(lines))
        assert len({line.text for line in lines}) == len(lines)
        n_talks += 1
    assert n_talks > 0.4 * N_EACH[LONG]


def test_no_edit_means_one_of_several_lines_of_a_person():
    for dialogue in design_all(LONG):
        for _, before, turn, edit in dialogue.transitions():
            if turn.task == "open":
                continue  # a mood may silence somebody
            for element_id in (*edit.changed, *edit.removed):
                element = before.get(element_id)
                if element is not None and element.role == "speech":
                    lines = [
                        e for e in before.elements if e.role == "speech" and e.speaker == element.speaker
                    ]
                    assert len(lines) == 1, turn.user


def test_requests_speak_of_the_length():
    own = {
        LONG: "half a minute",
        MINUTE: "a minute",
        ("duration_s=15",): "fifteen seconds",
    }
    lengths = {name_length(s) for s in (3, 8, 15)} | {"half a minute"}
    for given, length in own.items():
        users = [turn.user.lower() for dialogue in design_all(given) for turn in dialogue.turns]
        assert sum(length in user for user in users) > 5
        assert not any(other in user for user in users for other in lengths - {length})


def test_names_of_lengths():
    assert [name_length(s) for s in (1, 8, 12.2, 30, 37, 60)] == [
        "one second", "eight seconds", "twelve seconds", "half a minute", "37 seconds", "a minute"
    ]  # fmt: skip


def test_tasks_are_drawn_for_which_there_is_room():
    designer = ScriptedDesigner(DesignerContext(n_turns=5, limits=SceneLimits(n_elements=3)))
    for seed in read_seeds("starter", 100, 7).seeds:
        tasks = [turn.task for turn in designer.design(seed, 7).dialogue.turns]
        assert "add" not in tasks
        assert tasks.count("remove") <= 1
    with pytest.raises(UserError) as caught:
        ScriptedDesigner(
            DesignerContext(n_turns=3, limits=SceneLimits(n_elements=4), task_weights={"add": 1})
        )
    assert caught.value.field == "limits"


def test_every_setting_has_lines_and_exchanges_of_its_own():
    for setting in load_lexicon()[0].settings:
        assert len(setting.lines) >= 8
        assert len(setting.exchanges) >= 2
        texts = [*setting.lines, *(text for exchange in setting.exchanges for text in exchange)]
        assert all(text[-1] in ".!?" and len(text.split()) <= 10 for text in texts)
        assert len({*texts}) == len(texts)
