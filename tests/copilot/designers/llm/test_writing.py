"""The scripted designer's dialogues as replies: grammars allow them, and they read as the same turns."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from copilot.designers.contract import DesignerContext
from copilot.designers.llm.aims import AIMED_TASKS, Aim
from copilot.designers.llm.grammar import GrammarBook
from copilot.designers.llm.replies import Builder, EditReply, StoryReply, order_by_slot, write_reply
from copilot.designers.llm.scales import Scales
from copilot.designers.llm.spread import Spread
from copilot.designers.llm.writing import make_edit_reply, make_story_reply, order_edit
from copilot.designers.scripted import ScriptedDesigner
from copilot.dialogue import EDIT_TASKS
from copilot.scene import Scene, SceneLimits
from copilot.seed import Seed

LIMITS = SceneLimits()
SCALES = Scales(LIMITS)
BOOK = GrammarBook(LIMITS)
DIALOGUES = [
    ScriptedDesigner(DesignerContext(task_weights={task: 1.0})).design(Seed(f"s/{n}", "The sea."), 0).dialogue
    for task in EDIT_TASKS
    for n in range(8)
]
EDITS = [(before, turn) for dialogue in DIALOGUES for i, before, turn, _ in dialogue.transitions() if i]


def builder(turn):
    return Builder(LIMITS, Spread(SCALES, 0, "s", turn))


def quoted(text):
    return text.replace('"', "'")


def is_allowed(text, grammar):
    value = json.loads(text)
    # Some descriptions have more words than a grammar allows.
    value["description"] = " ".join(value["description"].split()[:60])
    return Draft202012Validator(grammar.schema).is_valid(value)


@pytest.mark.parametrize("dialogue", DIALOGUES[::4], ids=lambda dialogue: dialogue.seed_id)
def test_a_story_is_written_as_its_grammar_allows_and_reads_as_the_same_scene(dialogue):
    story = dialogue.turns[0]
    text = write_reply(make_story_reply(story, SCALES))
    assert is_allowed(text, BOOK.story(speech=True))
    turn = builder(0).build_story(StoryReply.model_validate_json(text))
    assert (turn.user, turn.description) == (quoted(story.user), quoted(story.description))
    written, read = (order_by_slot(scene) for scene in (story.scene, turn.scene))
    for one, other in zip(written, read, strict=True):
        assert (quoted(one.text), one.role) == (other.text, other.role)
        mine, yours = SCALES.round_numbers(one), SCALES.round_numbers(other)
        fields = ("loudness", "panning") if one.role == "ambience" else ("loudness", "panning", "start_time")
        assert [mine[name] for name in fields] == [yours[name] for name in fields]


def test_an_edit_reads_as_the_same_operations():
    for before, turn in EDITS:
        text = write_reply(make_edit_reply(turn, before, SCALES))
        reply = EditReply.model_validate_json(text)
        assert write_reply(reply) == text
        operations = builder(1).build_operations(reply, order_edit(turn, before), 100)
        assert sorted(op.op for op in operations) == sorted(op.op for op in turn.operations)
        subjects, ours = ([op.id for op in ops if op.op != "add"] for ops in (turn.operations, operations))
        assert sorted(subjects) == sorted(ours)
        if turn.task in AIMED_TASKS:
            assert reply.operations[0].slot == 0


def test_edits_without_a_value_to_choose_are_written_as_their_grammar_allows():
    for before, turn in EDITS:
        text = write_reply(make_edit_reply(turn, before, SCALES))
        if turn.task in {"remove", "replace"}:
            grammar = BOOK.aimed_edit(turn.task, Aim(order_edit(turn, before)[0]))
        elif turn.task == "add":
            grammar = BOOK.addition(speech=True, n_operations=1)
        else:
            continue
        assert is_allowed(text, grammar)


def test_a_scene_without_an_ambience_or_with_two_has_no_reply():
    story = DIALOGUES[0].turns[0]
    *sounds, ambience = order_by_slot(story.scene)
    second = ambience.model_copy(update={"id": 50, "start_time": 2.0, "duration": 2.0})
    for elements in (sounds, [*sounds, ambience, second]):
        scene = Scene(elements=tuple(elements))
        with pytest.raises(ValueError, match="has no reply"):
            make_story_reply(story.model_copy(update={"scene": scene}), SCALES)
