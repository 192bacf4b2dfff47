import json
import random
import re

import jsonschema
import pytest
from helpers.fake_schema import draw

from copilot.designers.llm.aims import AIMED_TASKS, Aim, _list_aims
from copilot.designers.llm.exchange import Reply
from copilot.designers.llm.grammar import GrammarBook, count_story_sounds, max_line_words, max_operations
from copilot.designers.llm.ladder import ReadReply, read_reply
from copilot.designers.llm.replies import (
    Builder,
    EditReply,
    SlotError,
    StoryReply,
    describe_sounds,
    make_whole_reply_model,
    order_by_slot,
    read_whole_turns,
)
from copilot.designers.llm.scales import Scales
from copilot.designers.llm.spread import Spread
from copilot.dialogue import Dialogue, Turn
from copilot.edit import Change, Remove, Replace, apply
from copilot.frozen_model import Range
from copilot.normalise import normalise_dialogue
from copilot.rules import check_dialogue
from copilot.scene import Scene, SceneLimits, SoundElement, SpeechElement

LIMITS = SceneLimits()


def builder(limits=LIMITS, turn=1):
    return Builder(limits, Spread(Scales(limits), 7, "s", turn))


LARGE = SceneLimits(
    duration_s=30,
    n_elements=20,
    start_time_s=Range(low=0, high=20),
    element_duration_s=Range(low=0.5, high=30),
)
SMALL = SceneLimits(
    duration_s=5, n_elements=3, start_time_s=Range(low=0, high=4), element_duration_s=Range(low=0.4, high=5)
)
KNOWN = {
    *("type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems"),
    *("enum", "const", "minimum", "maximum", "anyOf", "pattern"),
}


def sound(number, role="effect", start=1.0, **more):
    fields = {"text": f"sound {number}", "loudness": -20, "panning": 0, "start_time": start, "duration": 2.0}
    return SoundElement(id=number, role=role, **(fields | more))


def line(**more):
    fields = {"loudness": -15, "panning": 0, "start_time": 1, "duration": 1}
    return SpeechElement(id=7, text="hello", speaker="Ann", gender="female", **(fields | more))


def all_aims(limits):
    """Every aim that a turn can have with a sound."""
    scales = Scales(limits)
    steps = [scales.loudness.allowed.low + n / 10 for n in range(1001)]
    loud = [level for level in steps if level in scales.loudness.allowed]
    sides = [n / 100 for n in range(-100, 101) if n / 100 in scales.panning.allowed]
    for task in AIMED_TASKS:
        for other in (sound(1, "ambience"), sound(1), line()):
            yield from ((task, aim) for aim in _list_aims(task, other, scales, leads=False))
        for number in {"volume": loud, "panning": sides}.get(task, ()):
            field = "loudness" if task == "volume" else task
            changed = sound(1, **{field: number})
            yield from ((task, aim) for aim in _list_aims(task, changed, scales, leads=False))


def all_grammars(limits, n_turns=3):
    """Every grammar that turnwise dialogues of so many turns can ask for."""
    book = GrammarBook(limits)
    for speech in (True, False):
        for n_adds in range(n_turns):
            book.story(speech=speech, n_reserved=n_adds)
        for n_alive in range(1, limits.n_elements + 1):
            book.open_edit(n_alive, speech=speech)
            for n_reserved in range(n_turns - 1):
                if most := max_operations("add", n_alive, limits, n_reserved):
                    book.addition(speech=speech, n_operations=most)
    for task, aim in all_aims(limits):
        book.aimed_edit(task, aim)
    return book


def schemas_in(value):
    if isinstance(value, dict):
        yield value
        for name, inner in value.items():
            # The names of properties are no keywords.
            parts = inner.values() if name == "properties" else [inner]
            for part in parts:
                yield from schemas_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from schemas_in(part)


def test_a_server_can_hold_all_grammars():
    assert len(all_grammars(LIMITS)) == 71


@pytest.mark.parametrize("limits", [LIMITS, LARGE, SMALL])
def test_only_keywords_that_are_enforced_are_used(limits):
    book = all_grammars(limits)
    book.whole(3, speech=True)
    for grammar in book._made.values():
        assert re.fullmatch(r"[a-z0-9-]{1,64}", grammar.name)
        jsonschema.Draft202012Validator.check_schema(grammar.schema)
        for schema in schemas_in(grammar.schema):
            assert set(schema) <= KNOWN
            if schema.get("type") == "object":
                assert schema["required"] == list(schema["properties"])
                assert schema["additionalProperties"] is False
            assert schema.get("type") != "number"
            if schema.get("type") == "integer":
                assert {"minimum", "maximum"} <= set(schema)
            if schema.get("type") == "array":
                assert {"minItems", "maxItems"} <= set(schema)


def test_equal_names_have_equal_schemas():
    seen = {}
    for _ in range(2):
        for grammar in all_grammars(LIMITS)._made.values():
            assert seen.setdefault(grammar.name, grammar.schema) == grammar.schema


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a", True),
        ("rain on leaves", True),
        ("caf\u00e9 \u2014 it's 5 o'clock", False),
        ("", False),
        (" rain", False),
        ("rain ", False),
        ("rain  drops", False),
        ("rain\ndrops", False),
        ('say "rain"', False),
        ("back\\slash", False),
        (" ".join(["word"] * 16), True),
        (" ".join(["word"] * 17), False),
        ("a" * 31 + " word", True),
        ("a" * 24, True),
        ("a" * 25, False),
        ("word " + "a" * 24, True),
        ("word " + "a" * 25, False),
        ("... rain", False),
        ("9 drops ...", True),
        ("\u00e9t\u00e9", False),
    ],
)
def test_texts_are_words_with_single_spaces(text, fits):
    story = GrammarBook(LIMITS).story(speech=False).schema
    pattern = story["properties"]["ambience"]["properties"]["text"]["pattern"]
    assert bool(re.search(pattern, text)) is fits


def test_texts_of_other_languages_have_all_letters():
    story = GrammarBook(LIMITS, ascii_only=False).story(speech=False).schema
    pattern = story["properties"]["ambience"]["properties"]["text"]["pattern"]
    assert re.search(pattern, "\u00e9t\u00e9 \u2014 9 gouttes")
    assert not re.search(pattern, 'dites "\u00e9t\u00e9"')


def test_the_bounds_are_those_of_the_limits():
    story = GrammarBook(LIMITS).story(speech=True, n_reserved=2).schema["properties"]
    assert story["ambience"]["properties"]["panning"] == {"enum": [-0.1, 0, 0.1]}
    assert (story["sounds"]["minItems"], story["sounds"]["maxItems"]) == (3, 7)
    effect, line = story["sounds"]["items"]["anyOf"]
    assert effect["properties"]["loudness"] == {"enum": list(range(-30, -9))}
    assert effect["properties"]["duration"] == {"enum": [step / 4 for step in range(1, 33)]}
    assert "duration" not in line["properties"]
    assert "{0,11}" in line["properties"]["text"]["pattern"]


def offers(grammar):
    """The operations of an edit, by kind and fields, with the slots that they may have."""
    operations = grammar.schema["properties"]["operations"]["items"]
    items = [item["properties"] for item in operations.get("anyOf", [operations])]
    return {
        (item["op"]["const"], *sorted(set(item) - {"op"})): item.get("slot", {}).get(
            "enum", item.get("slot", {}).get("const")
        )
        for item in items
    }


def test_an_open_edit_offers_everything_that_the_living_slots_allow():
    book = GrammarBook(LIMITS)
    fields = ("loudness", "panning", "start_time", "duration")
    changes = {("change", *sorted((field, "slot"))) for field in fields}
    found = offers(book.open_edit(10, speech=True))
    assert found.keys() == {("remove", "slot"), ("replace", "slot", "sound"), *changes}
    assert found["change", "loudness", "slot"] == list(range(10))
    assert found["remove", "slot"] == found["change", "panning", "slot"] == list(range(9))
    assert ("add", "sound") in offers(book.open_edit(9, speech=True))
    assert offers(book.open_edit(1, speech=True)).keys() == {
        ("add", "sound"),
        ("change", "loudness", "slot"),
        ("replace", "slot", "sound"),
    }


def test_an_aimed_edit_has_one_operation_on_slot_0():
    book = GrammarBook(LIMITS)
    for task, aim in all_aims(LIMITS):
        schema = book.aimed_edit(task, aim).schema
        assert schema["properties"]["operations"]["maxItems"] == 1
        assert set(offers(book.aimed_edit(task, aim)).values()) == {0}
    assert offers(book.addition(speech=True, n_operations=2)) == {("add", "sound"): None}


def test_an_aimed_change_offers_the_steps_of_its_aim_alone():
    change = Aim(sound(1), "loudness", "louder", (-13.0, -12.0, -11.0, -10.0))
    schema = GrammarBook(LIMITS).aimed_edit("volume", change).schema
    operation = schema["properties"]["operations"]["items"]["properties"]
    assert operation["loudness"] == {"enum": [-13, -12, -11, -10]}


@pytest.mark.parametrize(
    ("old", "roles"),
    [
        (sound(1, "ambience"), [{"const": "ambience"}]),
        (sound(1, "music"), [{"enum": ["effect", "music"]}]),
        (line(), [{"const": "speech"}]),
    ],
)
def test_a_replacement_is_of_the_same_kind(old, roles):
    schema = GrammarBook(LIMITS).aimed_edit("replace", Aim(old)).schema
    operation = schema["properties"]["operations"]["items"]["properties"]
    assert [operation["sound"]["properties"]["role"]] == roles


@pytest.mark.parametrize(
    ("task", "n_alive", "n_reserved", "most"),
    [
        ("add", 8, 0, 2),
        ("add", 9, 0, 1),
        ("add", 9, 1, 0),
        ("add", 10, 0, 0),
        ("remove", 4, 0, 1),
        ("open", 1, 0, 4),
    ],
)
def test_how_much_a_turn_may_do(task, n_alive, n_reserved, most):
    assert max_operations(task, n_alive, LIMITS, n_reserved) == most


def test_sizes_follow_the_limits():
    assert count_story_sounds(LIMITS) == (3, 9)
    assert count_story_sounds(LIMITS, 4) == (3, 5)
    assert count_story_sounds(SMALL) == (2, 2)
    assert count_story_sounds(SceneLimits(n_elements=1)) == (0, 0)
    assert (max_line_words(LIMITS), max_line_words(LARGE), max_line_words(SMALL)) == (12, 20, 3)


@pytest.mark.parametrize("limits", [LIMITS, LARGE, SMALL], ids=["published", "large", "small"])
@pytest.mark.parametrize("speech", [True, False])
def test_what_the_grammar_of_a_story_allows_keeps_every_fatal_rule(limits, speech):
    grammar = GrammarBook(limits).story(speech=speech)
    for number in range(60):
        found = read_reply(StoryReply, Reply(json.dumps(draw(grammar.schema, random.Random(number))), "stop"))
        assert isinstance(found, ReadReply)
        turn = builder(limits, 0).build_story(found.value)
        mended, _ = normalise_dialogue(Dialogue(seed_id="s", seed_text="t", turns=(turn,)), limits)
        assert [v for v in check_dialogue(mended, limits) if v.severity == "fatal"] == []
        assert turn.scene.get(0).role == "ambience"


SCENE = Scene(
    elements=(
        sound(3, "ambience", 0.0, duration=8.0),
        sound(5),
        line(),
        sound(9, "music"),
    )
)


def edit(*operations):
    return EditReply.model_validate({"user": "u", "description": "d", "operations": operations})


def test_slots_count_from_0_with_the_leading_ambience_last():
    assert [element.id for element in order_by_slot(SCENE)] == [5, 7, 9, 3]
    assert [element.id for element in order_by_slot(SCENE, SCENE.get(9))] == [9, 5, 7, 3]
    assert [element.id for element in order_by_slot(SCENE, SCENE.get(3))] == [3, 5, 7, 9]
    assert [entry["slot"] for entry in describe_sounds(order_by_slot(SCENE))] == [0, 1, 2, 3]
    assert set(describe_sounds(order_by_slot(SCENE))[0]) == {
        *("slot", "role", "text", "loudness", "panning", "start_time", "duration")
    }
    assert describe_sounds(order_by_slot(SCENE))[1]["speaker"] == "Ann"


def test_slots_become_ids_and_changes_of_one_sound_become_one():
    # Numbers that are none of the steps are not spread.
    new = {"role": "effect", "text": "a bell", "loudness": -12.4, "panning": 0, "start_time": 0.1}
    new["duration"] = 1.1
    reply = edit(
        {"op": "change", "slot": 2, "loudness": -12.4},
        {"op": "replace", "slot": 0, "sound": new},
        {"op": "remove", "slot": 1},
        {"op": "change", "slot": 2, "panning": 0.55},
    )
    operations = builder().build_operations(reply, order_by_slot(SCENE), 10)
    assert operations == (
        Replace(id=5, element=SoundElement(id=10, **new)),
        Remove(id=7),
        Change(id=9, loudness=-12.4, panning=0.55),
    )


def test_an_ambience_put_in_place_of_another_leads_the_scene():
    reply = edit(
        {
            "op": "replace",
            "slot": 3,
            "sound": {"role": "ambience", "text": "sea", "loudness": -28, "panning": 0},
        }
    )
    scene = apply(SCENE, builder().build_operations(reply, order_by_slot(SCENE), 10))
    assert (scene.get(10).start_time, scene.get(10).duration) == (0, 8)


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        ([{"op": "remove", "slot": 4}], "there is no sound in slot 4; the slots are 0 to 3"),
        ([{"op": "remove", "slot": -1}], "there is no sound in slot -1; the slots are 0 to 3"),
        (
            [{"op": "change", "slot": 0}],
            "the change of slot 0 says none of loudness, panning, start_time, duration",
        ),
        (
            [{"op": "change", "slot": 0, "loudness": -12}, {"op": "change", "slot": 0, "loudness": -14}],
            "the loudness of slot 0 changes twice; say it once",
        ),
        (
            [{"op": "change", "slot": 1, "duration": 3}],
            "slot 1 is speech, which lasts as long as its words; keep its duration",
        ),
    ],
)
def test_operations_that_cannot_be_meant_are_told(operations, message):
    with pytest.raises(SlotError) as caught:
        builder().build_operations(edit(*operations), order_by_slot(SCENE), 10)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "start", "duration"),
    [
        ("Come here", 0.1, 2 / 2.2 + 0.5),
        ("One two three four five six seven eight nine ten eleven twelve", 3.9, 4.1),
        ("Hm", 0.1, 1 / 2.2 + 0.5),
    ],
)
def test_a_line_lasts_as_long_as_its_words(text, start, duration):
    said = {
        "role": "speech",
        "speaker": "Ann",
        "gender": "female",
        "emotion": "calm",
        "text": text,
        "loudness": -15,
        "panning": 0,
        "start_time": start,
    }
    (operation,) = builder().build_operations(edit({"op": "add", "sound": said}), order_by_slot(SCENE), 10)
    assert operation.element.duration == pytest.approx(duration)


def whole_element(number, **more):
    fields = {"role": "effect", "text": "t", "loudness": -20, "panning": 0, "start_time": 0, "duration": 8}
    return {"id": number, **fields, **more}


def test_a_whole_dialogue_states_its_scenes_and_its_lists():
    reply = make_whole_reply_model(2).model_validate(
        {
            "story": {"user": "u", "description": "d", "elements": [whole_element(4), whole_element(6)]},
            "edit_1": {
                "user": "v",
                "description": "e",
                "added": [7],
                "changed": [],
                "removed": [4],
                "elements": [whole_element(6, loudness=-12.4)],
            },
        }
    )
    story, change = read_whole_turns(reply, ("volume",), Scales(LIMITS), 7, "s")
    assert isinstance(story, Turn)
    assert (story.task, story.stated, [e.id for e in story.scene.elements]) == ("story", None, [4, 6])
    assert change.operations == (Remove(id=4), Change(id=6, loudness=-12.4))
    assert (change.stated.added, change.stated.changed, change.stated.removed) == ((7,), (), (4,))


def test_a_whole_dialogue_needs_the_models_own_lists():
    content = {
        "story": {"user": "u", "description": "d", "elements": []},
        "edit_1": {"user": "v", "description": "e", "elements": []},
    }
    found = read_reply(make_whole_reply_model(2), Reply(json.dumps(content), "stop"))
    assert [message.partition(":")[0] for message in found.messages] == [
        *("edit_1.added", "edit_1.changed", "edit_1.removed")
    ]


@pytest.mark.parametrize("limits", [LIMITS, LARGE, SMALL])
def test_no_reply_in_english_has_more_tokens_than_its_grammar_estimates(limits):
    book = all_grammars(limits)
    book.whole(3, speech=True)
    for grammar in book._made.values():
        for number in range(5):
            text = json.dumps(draw(grammar.schema, random.Random(number)), separators=(",", ":"))
            assert len(text) / 3 < grammar.max_tokens
