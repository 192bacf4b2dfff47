"""Dialogues and scenes that a user may give as JSON, and the faults of others."""

from __future__ import annotations

import json

import pytest
from helpers.made_runs import a_sample

from copilot.arrow import sample_row
from copilot.designers.contract import DesignerContext, DesignFault
from copilot.designers.given import GivenDesigner
from copilot.designers.given.designer import GivenSettings
from copilot.designers.given.reading import read_given
from copilot.designers.scripted import ScriptedDesigner
from copilot.designers.tasks import derive_task
from copilot.designers.testing import check_designer
from copilot.edit import Add, Change, Remove, Replace
from copilot.errors import RowFault
from copilot.scene import Scene, SceneLimits, SoundElement
from copilot.seed import Given, Seed

SEED = Seed("given/a", "Someone comes in.")
RAIN = {
    "id": 1, "tool": "sfx", "role": "ambience", "text": "steady rain",
    "loudness": -28, "panning": 0, "start_time": 0, "duration": 8,
}  # fmt: skip
VOICE = {
    "id": 2, "tool": "tts", "role": "speech", "text": "Who is there?", "speaker": "Anna", "gender": "female",
    "loudness": -16, "panning": 0, "start_time": 1, "duration": 2,
}  # fmt: skip


def read(content, limits=None):
    text = content if isinstance(content, str) else json.dumps(content)
    return read_given(SEED, Given("mine.jsonl:3", text), limits or SceneLimits())


def the_dialogue():
    return ScriptedDesigner().design(SEED, 7).dialogue


def as_json(dialogue):
    return dialogue.model_dump(mode="json", exclude_none=True)


def without(content, *names):
    return {
        **content,
        "turns": [{k: v for k, v in turn.items() if k not in names} for turn in content["turns"]],
    }


def test_a_dialogue_of_the_schema_is_taken_as_it_is():
    dialogue = the_dialogue()
    assert read(as_json(dialogue)) == dialogue


def test_the_line_of_a_preview_and_the_row_of_a_data_set_are_taken():
    dialogue = the_dialogue()
    assert read({"id": "0", "dialogue": as_json(dialogue), "reject": None, "findings": []}) == dialogue
    made = a_sample(0)
    row = {key: value for key, value in sample_row(made).items() if key in {"id", "seed_id", "turns", "tier"}}
    row["turns"] = json.loads(json.dumps(row["turns"]))
    assert read(row).turns == made.dialogue.turns


@pytest.mark.parametrize("left_out", [("operations",), ("scene",), ("scene", "task"), ("operations", "task")])
def test_operations_and_scenes_follow_from_each_other(left_out):
    dialogue = the_dialogue()
    read_again = read(without(as_json(dialogue), *left_out))
    assert [turn.scene for turn in read_again.turns] == [turn.scene for turn in dialogue.turns]
    assert [turn.task for turn in read_again.turns] == [turn.task for turn in dialogue.turns]


def test_a_scene_alone_gets_words_from_its_captions():
    dialogue = read({"id": "mine", "elements": [VOICE, RAIN]})
    (turn,) = dialogue.turns
    assert (turn.task, turn.user) == ("story", "steady rain")
    assert turn.description == 'Steady rain. Anna: "Who is there?"'
    assert [operation.op for operation in turn.operations] == ["add", "add"]
    assert (dialogue.seed_id, dialogue.seed_text) == (SEED.id, SEED.text)


def test_a_scene_keeps_the_words_that_it_has():
    (turn,) = read({"user": "Rain, please.", "description": "It rains.", "elements": [RAIN]}).turns
    assert (turn.user, turn.description) == ("Rain, please.", "It rains.")
    (turn,) = read({"user": "Rain, please.", "scene": {"elements": [RAIN]}}).turns
    assert turn.user == "Rain, please."


def test_words_from_captions_keep_the_limits():
    (turn,) = read({"elements": [RAIN, VOICE]}, SceneLimits(description_chars=20)).turns
    assert turn.description == "Steady rain."


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "not-json"),
        ("[" * 100_000, "not-json"),
        ("3", "schema"),
        ({"dialogue": None}, "no-dialogue"),
        ({"text": "rain"}, "schema"),
        ({"turns": []}, "schema"),
        ({"turns": [{"user": "Rain."}]}, "schema"),
        ({"turns": "none"}, "schema"),
        ({"elements": [RAIN], "usr": "Rain."}, "schema"),
        ({"elements": [{**RAIN, "loudness": 5}]}, "schema"),
        ({"elements": [{**RAIN, "loudness": "-5"}]}, "schema"),
        ({"elements": [RAIN, RAIN]}, "schema"),
        (
            {"turns": [{"elements": [RAIN]}, {"operations": [{"op": "remove", "id": 9}]}]},
            "operations-make-scene",
        ),
    ],
)
def test_what_cannot_be_used_has_a_reason_and_its_place(content, reason):
    with pytest.raises(RowFault) as caught:
        read(content)
    assert caught.value.reason == reason
    assert caught.value.detail.startswith("mine.jsonl:3: ")


def test_a_fault_of_the_schema_names_turn_element_and_field():
    with pytest.raises(RowFault) as caught:
        read({"turns": [{"scene": {"elements": [{**RAIN, "id": 4, "loudness": 5}]}}]})
    assert "turn 0, element 4: turns[0].scene.elements[0].loudness" in caught.value.detail


def test_another_sound_under_an_id_is_left_to_the_rules():
    turns = [{"user": "Rain.", "elements": [RAIN]}, {"user": "Snow.", "elements": [{**RAIN, "text": "snow"}]}]
    assert read({"turns": turns}).turns[1].operations == ()


def test_the_designer_keeps_its_contract(tmp_path):
    file = tmp_path / "mine.jsonl"
    file.write_text("{}")
    seeds = [
        Seed(f"given/{k}", "", given=Given(f"mine:{k}", json.dumps({"elements": [RAIN]}))) for k in range(3)
    ]
    check_designer(GivenDesigner, {"file": str(file)}, context=DesignerContext(n_turns=1), seeds=seeds)


def test_a_fault_keeps_the_text(tmp_path):
    designer = GivenDesigner(DesignerContext(), GivenSettings(file=str(tmp_path)))
    with pytest.raises(DesignFault) as caught:
        designer.design(Seed("given/a", "", given=Given("mine:1", "{oops")), 7)
    assert (caught.value.reason, caught.value.account.raw_replies) == ("not-json", ("{oops",))
    with pytest.raises(RowFault) as caught:
        designer.design(SEED, 7)
    assert caught.value.reason == "no-dialogue"


def a_sound(number):
    return SoundElement(
        id=number, role="effect", text="a bell", loudness=-20, panning=0, start_time=0, duration=1
    )


@pytest.mark.parametrize(
    ("operations", "task"),
    [
        ([Add(element=a_sound(1)), Add(element=a_sound(2))], "add"),
        ([Remove(id=1)], "remove"),
        ([Replace(id=1, element=a_sound(2))], "replace"),
        ([Remove(id=1), Add(element=a_sound(2))], "replace"),
        ([Remove(id=1), Remove(id=3), Add(element=a_sound(2))], "open"),
        ([Change(id=1, loudness=-20), Change(id=2, loudness=-25)], "volume"),
        ([Change(id=1, panning=0.5)], "panning"),
        ([Change(id=1, panning=0.5, loudness=-20)], "open"),
        ([Change(id=1, duration=2)], "open"),
        ([Change(id=1, panning=0.5), Remove(id=2)], "open"),
    ],
)
def test_the_task_follows_from_the_operations(operations, task):
    assert derive_task(operations) == task


def test_an_empty_scene_is_left_to_the_rules():
    assert read({"elements": []}).turns[0].scene == Scene()
