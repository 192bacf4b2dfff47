"""Texts end at a whole word."""

import json

import pytest

from copilot.designers.llm.replies import EditReply, StoryReply, make_whole_reply_model, write_reply
from copilot.designers.llm.trimming import trim_reply, trim_text


@pytest.mark.parametrize(
    ("text", "trimmed"),
    [
        ("a door creaks", "a door creaks"),
        ("a door creaks and whispersSoftlyintheWindandItsBe", "a door creaks"),
        ("a door creaks slowly, whispersSoftlyintheW", "a door creaks slowly"),
        ("a door creaks very slowly.", "a door creaks very slowly."),
        ("a door creaks 'very slowly.'", "a door creaks 'very slowly.'"),
        ("A door creaks. A dogbarks", "A door creaks."),
        ("Rain. A door creaks loudly", "Rain. A door creaks"),
        ("a door creaks slowly in the old house", "a door creaks slowly in the old house"),
        ("of the and to a", "of"),
    ],
)
def test_a_text_of_the_most_words_ends_at_a_whole_word(text, trimmed):
    assert trim_text(text, 5) == trimmed


def test_a_single_word_is_never_cut():
    assert trim_text("Wow", 1) == "Wow"


SOUND = {"loudness": -15, "panning": 0.5, "start_time": 1, "duration": 2}
LINE = {"role": "speech", "speaker": "the old man there", "gender": "male", "emotion": "calm"}
MOST = {"speaker": 4, "text": 3, "line": 5, "user": 2, "description": 100}


def test_each_text_of_a_reply_has_a_limit_of_its_own():
    line = LINE | {"text": "Come in and sit down", "loudness": -15, "panning": 0, "start_time": 1}
    reply = StoryReply.model_validate_json(
        json.dumps({
            "description": "Rain falls",
            "user": "rain pleasenow",
            "ambience": {"text": "rain on roofs", "loudness": -28, "panning": 0},
            "sounds": [{"role": "effect", "text": "an owl hoots", **SOUND}, line],
        })
    )  # fmt: skip
    trimmed = trim_reply(reply, MOST)
    assert (trimmed.description, trimmed.user) == ("Rain falls", "rain")
    assert trimmed.ambience.text == "rain"
    assert [sound.text for sound in trimmed.sounds] == ["an owl", "Come in and sit"]
    assert trimmed.sounds[1].speaker == "the old man"


def test_operations_and_whole_dialogues_are_trimmed_too():
    sound = {"role": "effect", "text": "an owl hoots", **SOUND}
    edit = EditReply.model_validate(
        {"user": "u", "description": "d", "operations": [{"op": "add", "sound": sound}]}
    )
    assert trim_reply(edit, MOST).operations[0].sound.text == "an owl"
    story = {"user": "u", "description": "d", "elements": [{"id": 1, **sound}]}
    whole = make_whole_reply_model(1).model_validate({"story": story})
    assert trim_reply(whole, MOST).story.elements[0].text == "an owl"


def test_a_reply_is_written_as_a_model_writes_it():
    story = (
        '{"description":"Rain","user":"rain","ambience":{"text":"rain","loudness":-28,"panning":0.1},'
        '"sounds":[{"role":"effect","text":"an owl","loudness":-15,"panning":0,"start_time":1.25,'
        '"duration":2}]}'
    )
    assert write_reply(StoryReply.model_validate_json(story)) == story
    edit = (
        '{"user":"u","operations":[{"op":"change","slot":0,"loudness":-12},{"op":"remove","slot":1}],'
        '"description":"\u00e9"}'
    )
    assert write_reply(EditReply.model_validate_json(edit)) == edit
