"""Requests of a user's own, and samples that are continued, with a language model."""

from __future__ import annotations

import json

import pytest
from helpers.made_runs import a_dialogue

from copilot.designers.llm.conversation import Conversation
from copilot.designers.llm.exchange import Reply
from copilot.designers.llm.forms import FormBook
from copilot.designers.llm.settings import LlmSettings
from copilot.errors import RowFault
from copilot.rules import check_dialogue
from copilot.scene import SceneLimits
from copilot.seed import Continued, Seed

ASKED = (
    "A rainy evening at home, with a creaking door and a dog.",
    "Make the dog 6 dB louder!",
    "Add an owl.",
)


def sound(text, **more):
    fields = {"loudness": -18, "panning": 0.3, "start_time": 1, "duration": 2}
    return {"role": "effect", "text": text, **fields, **more}


STORY = {
    "description": "Rain falls on the roof while a door creaks, a dog barks and a clock ticks.",
    "ambience": {"text": "steady rain on a roof", "loudness": -28, "panning": 0},
    "sounds": [sound("a door creaks"), sound("a dog barks"), sound("a clock ticks")],
}
LOUDER = {
    "operations": [{"op": "change", "slot": 1, "loudness": -12}],
    "description": "Rain falls on the roof while a door creaks, a dog barks loudly and a clock ticks.",
}
OWL = {
    "operations": [{"op": "add", "sound": sound("an owl hoots", start_time=2)}],
    "description": "Rain falls, a door creaks, a dog barks, a clock ticks and an owl hoots in the dark.",
}


def play(seed, replies, n_turns=2, **settings):
    """The asks, and the dialogue or the fault that the replies lead to."""
    limits = SceneLimits(n_turns=8)
    conversation = Conversation(FormBook(limits, n_turns, LlmSettings(model="m", **settings)), seed, 7)
    asks, steps, queue = [], conversation.steps(), [json.dumps(reply) for reply in replies]
    try:
        ask = next(steps)
        while True:
            asks.append(ask)
            ask = steps.send(Reply(queue.pop(0), "stop", 100, 60, 10))
    except StopIteration as done:
        return asks, done.value
    except RowFault as fault:
        return asks, fault


def test_the_users_words_are_the_requests_and_the_model_writes_the_rest():
    asks, dialogue = play(Seed("r/1", ASKED[0], requests=ASKED), [STORY, LOUDER, OWL])
    assert [turn.user for turn in dialogue.turns] == list(ASKED)
    assert [turn.task for turn in dialogue.turns] == ["story", "volume", "add"]
    for ask, request in zip(asks, ASKED, strict=True):
        assert request in ask.messages[-1].content
        assert "user" not in ask.grammar.schema["properties"]
        assert "user" not in ask.grammar.schema["required"]
    # The chat continues with the words as the user said them.
    assert json.loads(asks[1].messages[2].content)["user"] == ASKED[0]
    found = check_dialogue(dialogue, own_requests=range(3))
    assert not [v for v in found if v.severity == "fatal"]


def test_what_a_model_says_in_the_users_place_is_dropped():
    _, dialogue = play(
        Seed("r/1", ASKED[0], requests=ASKED[:1]), [STORY | {"user": "Something else."}], n_turns=1
    )
    assert dialogue.turns[0].user == ASKED[0]


def test_the_same_words_twice_are_no_fault():
    requests = (ASKED[0], "Make the dog louder.", "Make the dog louder.")
    louder = {**LOUDER, "operations": [{"op": "change", "slot": 1, "loudness": -11}]}
    louder["description"] = "Rain falls, a door creaks, a dog barks ever more loudly and a clock ticks."
    asks, dialogue = play(Seed("r/1", ASKED[0], requests=requests), [STORY, LOUDER, louder])
    assert (len(asks), len(dialogue.turns)) == (3, 3)


def test_a_model_invents_what_no_request_is_given_for():
    seed = Seed("r/1", ASKED[0], requests=ASKED[:1])
    asks, _ = play(seed, [STORY, LOUDER, LOUDER, LOUDER], corrections=0, fresh_starts=0)
    assert "user" in asks[1].grammar.schema["properties"]


@pytest.mark.parametrize(("request_text", "speech"), [("A man says hello.", True), ("A dog at sea.", False)])
def test_a_request_decides_on_speech(request_text, speech):
    book = FormBook(SceneLimits(), 1, LlmSettings(model="m"), speech_share=0.5)
    for k in range(8):
        assert book.start_dialogue(Seed(str(k), request_text, requests=(request_text,)), 7).speech is speech


def test_a_sample_is_continued_from_its_last_scene():
    old = a_dialogue(Seed("s/1", "Someone comes in."))
    seed = Seed(
        "s/1/x", "Someone comes in.", requests=("Make the bell quieter.",), continued=Continued(old, {}, ())
    )
    softer = {
        "operations": [{"op": "change", "slot": 1, "loudness": -25}],
        "description": "Rain, a door that slams, and now a small bell that hardly rings.",
    }
    asks, dialogue = play(seed, [softer], n_turns=4)
    assert dialogue.turns[:3] == old.turns
    assert (dialogue.turns[3].task, dialogue.turns[3].user) == ("volume", "Make the bell quieter.")
    assert dialogue.turns[3].scene.get(4).loudness < old.turns[2].scene.get(4).loudness
    (ask,) = asks
    assert [message.role for message in ask.messages] == ["system", "user"]
    assert all(turn.user in ask.messages[1].content for turn in old.turns)
    assert (dialogue.seed_id, dialogue.seed_text) == ("s/1/x", "Someone comes in.")


def test_further_turns_of_a_sample_are_invented():
    old = a_dialogue(Seed("s/1", "Someone comes in."))
    seed = Seed("s/1/x", "Someone comes in.", continued=Continued(old, {}, ()))
    asks, _ = play(seed, [{}, {}], n_turns=4, corrections=0, fresh_starts=0)
    assert "user" in asks[0].grammar.schema["properties"]
    assert old.turns[2].user in asks[0].messages[1].content
