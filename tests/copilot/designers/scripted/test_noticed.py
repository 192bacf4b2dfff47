"""What the scripted designer edits is heard, as far as the scene alone tells."""

from __future__ import annotations

from itertools import product

import pytest
from helpers.examples import BELL, LINE, RAIN, but

from copilot.audibility import GOOD_PREDICTED_DB, LEAST_PREDICTED_DB, find_kind, predict_change
from copilot.designers.contract import DesignerContext
from copilot.designers.scripted import ScriptedDesigner
from copilot.designers.scripted.grid import Grid
from copilot.designers.scripted.noticed import lift_sound
from copilot.dialogue import EDIT_TASKS, Dialogue
from copilot.masking import predict_lead
from copilot.scene import Scene, SceneLimits
from copilot.seed import Seed

TEXTS = ("The rain beat on the roof", "Bells rang over the market", "He said that nobody would come")
GRID = Grid(SceneLimits())


@pytest.fixture(scope="module")
def dialogues() -> list[Dialogue]:
    designers = [ScriptedDesigner(DesignerContext(n_turns=4, task_weights={task: 1})) for task in EDIT_TASKS]
    return [
        designer.design(Seed(f"s/{number}", TEXTS[number % 3]), number).dialogue
        for designer, number in product(designers, range(25))
    ]


def test_no_buried_sound_is_edited(dialogues):
    for dialogue in dialogues:
        for _, before, turn, edit in list(dialogue.transitions())[1:]:
            changes = [
                predict_change(before, turn.scene, i) / LEAST_PREDICTED_DB[find_kind(before, turn.scene, i)]
                for i in edit.touched
            ]
            assert (max if turn.task == "open" else min)(changes) >= 1, turn


def test_most_edits_are_heard_well(dialogues):
    found = [
        predict_change(before, turn.scene, i) >= GOOD_PREDICTED_DB[find_kind(before, turn.scene, i)]
        for dialogue in dialogues
        for _, before, turn, edit in list(dialogue.transitions())[1:]
        if turn.task != "open"
        for i in edit.touched
    ]
    assert sum(found) > 0.8 * len(found)


def test_a_new_sound_is_louder_where_much_is_heard():
    quiet, full = Scene(elements=(RAIN,)), Scene(elements=(but(RAIN, loudness=-14),))
    bell = but(BELL, loudness=-24)
    assert lift_sound(bell, quiet, GRID) == bell
    lifted = lift_sound(bell, full, GRID)
    assert -24 < lifted.loudness <= -16
    after = Scene(elements=(*full.elements, lifted))
    assert predict_change(full, after, bell.id) >= GOOD_PREDICTED_DB["sound"]


def test_a_sound_that_leaves_covers_nothing():
    full = Scene(elements=(RAIN, but(BELL, id=9, loudness=-12)))
    bell = but(BELL, loudness=-24)
    assert lift_sound(bell, full, GRID, (9,)) == bell


def test_a_line_stays_understood():
    spoken = Scene(elements=(RAIN, but(LINE, loudness=-12, start_time=2, duration=6)))
    lifted = lift_sound(but(BELL, loudness=-26, start_time=2, duration=6), spoken, GRID)
    line = spoken.get(2)
    assert predict_lead(Scene(elements=(*spoken.elements, lifted)), line) >= 5
