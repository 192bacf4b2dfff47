from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.examples import good_dialogue
from helpers.strategies import dialogues
from hypothesis import given
from hypothesis import strategies as st

from copilot.dialogue import Dialogue
from copilot.edit import Change
from copilot.parse import parse_dialogue, parse_model
from copilot.rules import Violation


def good_json() -> dict[str, Any]:
    return json.loads(good_dialogue().model_dump_json())


def schema(turn: int | None, element_id: int | None, message: str) -> Violation:
    return Violation("schema", "fatal", turn, element_id, message)


@given(dialogues())
def test_dialogue_survives_json(dialogue: Dialogue):
    assert parse_dialogue(dialogue.model_dump_json()) == dialogue
    assert parse_dialogue(dialogue.model_dump_json().encode()) == dialogue


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("", "dialogue: invalid JSON: EOF while parsing a value at line 1 column 0, not ''"),
        ("{", "dialogue: invalid JSON: EOF while parsing an object at line 1 column 1, not '{'"),
        ("[]", "dialogue: input should be an object"),
        ('"story"', "dialogue: input should be an object, not 'story'"),
        ("null", "dialogue: input should be an object, not None"),
    ],
)
def test_what_is_no_object(raw: str, message: str):
    assert parse_dialogue(raw) == (schema(None, None, message),)


def test_json_that_is_nested_too_deep():
    (violation,) = parse_dialogue("[" * 100_000)
    assert violation.message.startswith("dialogue: invalid JSON: recursion limit exceeded")


def test_half_a_character():
    (violation,) = parse_dialogue(r'{"seed_id": "\ud800"}')
    assert violation.message.startswith("dialogue: invalid JSON: unexpected end of hex escape")


def test_bytes_that_are_no_utf_8():
    (violation,) = parse_dialogue(b'{"seed_id": "\xff"}')
    assert violation.message.startswith("dialogue: invalid JSON: invalid unicode code point")


def test_field_of_an_element_is_told_with_turn_and_id():
    data = good_json()
    data["turns"][3]["scene"]["elements"][1]["panning"] = 1.5
    assert parse_dialogue(json.dumps(data)) == (
        schema(
            3,
            2,
            "turn 3, element 2: turns[3].scene.elements[1].panning: "
            "input should be less than or equal to 1, not 1.5",
        ),
    )


def test_field_of_an_operation_is_told_with_the_id_it_names():
    data = good_json()
    data["turns"][1]["operations"][0]["loudness"] = "loud"
    assert parse_dialogue(json.dumps(data)) == (
        schema(
            1,
            0,
            "turn 1, element 0: turns[1].operations[0].loudness: input should be a valid number, not 'loud'",
        ),
    )


def test_every_fault_is_told_in_the_order_of_the_document():
    data = good_json()
    del data["seed_text"]
    data["turns"][0]["user"] = 5
    data["turns"][1]["mood"] = "sad"
    data["turns"][2]["task"] = "dance"
    assert [violation.message for violation in parse_dialogue(json.dumps(data))] == [
        "dialogue: seed_text: field required",
        "turn 0: turns[0].user: input should be a valid string, not 5",
        "turn 1: turns[1].mood: extra inputs are not permitted, not 'sad'",
        (
            "turn 2: turns[2].task: input should be 'story', 'add', 'remove', 'volume', 'panning', 'replace' "
            "or 'open', not 'dance'"
        ),
    ]


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_none(constant: str):
    data = good_json()
    data["turns"][0]["scene"]["elements"][0]["loudness"] = "HERE"
    (violation,) = parse_dialogue(json.dumps(data).replace('"HERE"', constant))
    assert (violation.turn, violation.element_id) == (0, 0)
    assert "turns[0].scene.elements[0].loudness: input should be a finite number" in violation.message


def test_id_used_twice_in_a_scene():
    data = good_json()
    data["turns"][0]["scene"]["elements"][1]["id"] = 0
    assert parse_dialogue(json.dumps(data)) == (
        schema(
            0,
            None,
            "turn 0: turns[0].scene.elements: value error, elements: id 0 used twice in one scene",
        ),
    )


def test_long_input_is_cut_in_the_message():
    data = good_json()
    data["mode"] = "x" * 1000
    (violation,) = parse_dialogue(json.dumps(data))
    assert violation.message == (f"dialogue: mode: input should be 'turnwise' or 'whole', not '{'x' * 39}...")


def test_any_model():
    assert parse_model(Change, '{"op": "change", "id": 1, "panning": 0.5}') == Change(id=1, panning=0.5)
    assert parse_model(Change, '{"id": 1}') == (
        schema(
            None,
            None,
            "change: value error, change of 1: names none of loudness, panning, start_time, duration",
        ),
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["turns", "scene", "elements", "id", "operations"]), inner)
        ),
    )
)
def test_no_json_raises(value: object):
    found = parse_dialogue(json.dumps({"turns": value}))
    assert isinstance(found, tuple)
    assert all(violation.rule == "schema" for violation in found)


@given(st.binary())
def test_no_bytes_raise(raw: bytes):
    assert isinstance(parse_dialogue(raw), tuple)


@pytest.mark.parametrize("raw", ["\ud800", '{"turns": "\udc80"}'])
def test_half_a_character_is_a_violation(raw: str):
    (found,) = parse_dialogue(raw)
    assert found.rule == "schema"


def test_types_are_those_of_the_published_schema():
    data = good_json()
    data["turns"][0]["scene"]["elements"][0]["id"] = "0"
    assert [found.rule for found in parse_dialogue(json.dumps(data))] == ["schema"]
