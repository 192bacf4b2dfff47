import json
import random
import re
from collections import Counter
from dataclasses import replace

import pytest
from helpers.fake_schema import draw
from hypothesis import given
from hypothesis import strategies as st

from copilot.designers.llm.conversation import Conversation
from copilot.designers.llm.copying import find_copied_captions
from copilot.designers.llm.examples import Example
from copilot.designers.llm.exchange import Reply
from copilot.designers.llm.forms import FormBook
from copilot.designers.llm.replies import AmbienceReply, EditReply, StoryReply
from copilot.designers.llm.settings import LlmSettings
from copilot.dialogue import EDIT_TASKS, Dialogue
from copilot.errors import RowFault, UserError
from copilot.hashing import canonical_json
from copilot.masking import GOOD_LEAD_LU, predict_lead
from copilot.normalise import normalise_dialogue
from copilot.rules import check_dialogue
from copilot.scene import SceneLimits
from copilot.seed import Seed

LIMITS = SceneLimits()
SEED = Seed("test/1", "It was raining when she came home")
EVERYTHING = {"add": 1.0}


def sound(text, **more):
    fields = {"loudness": -15, "panning": 0.3, "start_time": 1, "duration": 2}
    return {"role": "effect", "text": text, **fields, **more}


STORY = {
    "description": "Rain falls on the roof while a door creaks and a dog barks",
    "user": "a rainy evening at home",
    "ambience": {"text": "steady rain on a roof", "loudness": -28, "panning": 0},
    "sounds": [sound("a door creaks"), sound("a dog barks"), sound("a clock ticks")],
}


def add(bird):
    return {
        "user": f"put an {bird} somewhere in there",
        "operations": [{"op": "add", "sound": sound(f"an {bird} hoots")}],
        "description": f"Rain falls on the roof while a door creaks, a dog barks and an {bird} hoots",
    }


ADD = add("owl")
REMOVE = {
    "user": "without that one, please",
    "operations": [{"op": "remove", "slot": 0}],
    "description": "Rain falls on the roof, and little else is heard",
}


def book(weights=None, n_turns=2, limits=LIMITS, speech_share=0.5, **settings):
    return FormBook(
        limits, n_turns, LlmSettings(**{"model": "m", "examples": 0} | settings), weights, speech_share
    )


def said(content, finish_reason="stop"):
    text = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"))
    return Reply(text, finish_reason, prompt_tokens=100, cached_tokens=60, generated_tokens=10)


def play(conversation, replies):
    """Send the replies; the asks, and the dialogue or the fault that they lead to."""
    asks, steps, queue = [], conversation.steps(), list(replies)
    try:
        ask = next(steps)
        while True:
            asks.append(ask)
            ask = steps.send(queue.pop(0))
    except StopIteration as done:
        return asks, done.value
    except RowFault as fault:
        return asks, fault


def roles(ask):
    return [message.role for message in ask.messages]


def test_a_dialogue_is_one_request_a_turn():
    conversation = Conversation(book(EVERYTHING), SEED, 7)
    asks, dialogue = play(conversation, [said(STORY), said(ADD)])
    assert isinstance(dialogue, Dialogue)
    assert (dialogue.seed_id, dialogue.mode) == ("test/1", "turnwise")
    assert [turn.task for turn in dialogue.turns] == ["story", "add"]
    assert dialogue.turns[1].scene.get(4).text == "an owl hoots"
    assert dialogue.edit(1).added == (4,)
    assert [roles(ask) for ask in asks] == [
        ["system", "user"],
        ["system", "user", "assistant", "user"],
    ]
    # What is shared comes first, so that a server's cache of prefixes holds it.
    assert asks[1].messages[:2] == asks[0].messages
    assert asks[1].messages[2].content == said(STORY).text
    assert SEED.text in asks[0].messages[1].content
    assert SEED.text not in asks[0].messages[0].content
    account = conversation.account(1.23456)
    assert account.model == "m"
    assert account.raw_replies == (said(STORY).text, said(ADD).text)
    assert account.prompt in {"turnwise-speech", "turnwise-sounds"}
    usage = account.usage
    assert (usage.requests, usage.corrections, usage.fresh_starts, usage.repairs) == (2, 0, 0, 0)
    assert (usage.prompt_tokens, usage.cached_tokens, usage.generated_tokens) == (200, 120, 20)
    assert usage.seconds == 1.235


def test_another_language_follows_the_system_prompt():
    texts = []
    for language in (None, "de"):
        made = FormBook(LIMITS, 1, LlmSettings(model="m"), EVERYTHING, language=language)
        asks, _ = play(Conversation(made, SEED, 7), [said(STORY)])
        texts.append(asks[0].messages[0].content)
    english, german = texts
    assert german == f"{english}\n\n{made.prompts.render('language', language='German')}"


def test_rules_that_read_english_do_not_judge_another_language():
    wrong = {**STORY, "description": f"{STORY['description']}, quieter on the left"}
    found = {}
    for language in (None, "de"):
        made = FormBook(LIMITS, 1, LlmSettings(model="m", corrections=0), EVERYTHING, language=language)
        _, dialogue = play(Conversation(made, SEED, 7), [said(wrong)])
        found[language] = {violation.rule for violation in check_dialogue(dialogue, LIMITS, language)}
    assert found == {None: {"description-free-of-mixing"}, "de": set()}


def test_a_turns_examples_are_not_in_the_chat_of_the_next_one():
    conversation = Conversation(book(EVERYTHING, examples=2), SEED, 7)
    asks, dialogue = play(conversation, [said(STORY), said(ADD)])
    assert isinstance(dialogue, Dialogue)
    forms, story = book(EVERYTHING, examples=2).start_dialogue(SEED, 7), dialogue.turns[0]
    edit = forms.edit(dialogue.model_copy(update={"turns": (story,)}), story.scene)
    for form, ask in ((forms.story(), asks[0]), (edit, asks[1])):
        earlier = "".join(message.content for message in ask.messages[:-1])
        assert ask.messages[-1] == form.request
        assert len(form.examples) == 2
        assert all(example.text in form.request.content for example in form.examples)
        assert not any(example.text in earlier for example in form.examples)
    assert asks[1].messages[1] == forms.story().remembered


def test_a_request_of_an_example_is_told_to_the_model_and_may_stay():
    request = book(examples=2, n_turns=1).start_dialogue(SEED, 7).story().examples[0].reply.user
    conversation = Conversation(book(examples=2, n_turns=1, corrections=1), SEED, 7)
    copied = {**STORY, "user": request}
    asks, dialogue = play(
        conversation, [said(copied), said({**copied, "description": "Rain, a door, a dog."})]
    )
    assert len(asks) == 2
    assert dialogue.turns[0].user == request


def test_a_sound_that_was_there_before_is_no_copy_of_an_example():
    forms = book({"remove": 1.0}, examples=2)
    story = forms.start_dialogue(SEED, 7).story()
    examples = [
        Example(story.examples[0].reply.model_copy(update={"ambience": AmbienceReply(**STORY["ambience"])}))
    ]
    _, dialogue = play(Conversation(book({"remove": 1.0}), SEED, 7), [said(STORY), said(REMOVE)])
    assert list(find_copied_captions(dialogue, 1, examples)) == []
    assert [fault.reason for fault in find_copied_captions(dialogue, 0, examples)] == ["example-copied"]


def test_a_turn_that_starts_again_sees_other_examples():
    conversation = Conversation(book(n_turns=1, examples=2, corrections=0), SEED, 7)
    asks, _ = play(conversation, [said("nonsense"), said(STORY)])
    forms = book(n_turns=1, examples=2).start_dialogue(SEED, 7)
    assert [ask.messages[-1] for ask in asks] == [forms.story(0).request, forms.story(1).request]
    assert asks[0].messages[-1] != asks[1].messages[-1]


def test_a_sound_of_an_example_is_a_fault():
    forms = book(examples=2, n_turns=1).start_dialogue(SEED, 7)
    caption = forms.story().examples[0].reply.ambience.text
    copied = {**STORY, "ambience": {**STORY["ambience"], "text": caption.upper()}}
    conversation = Conversation(book(examples=2, n_turns=1, corrections=0, fresh_starts=0), SEED, 7)
    _, fault = play(conversation, [said(copied)])
    assert fault.reason == "example-copied"


def test_a_fault_is_told_to_the_model():
    wrong = {**STORY, "sounds": [sound("a door creaks", loudness=-5), *STORY["sounds"][1:]]}
    conversation = Conversation(book(n_turns=1), SEED, 7)
    asks, dialogue = play(conversation, [said(wrong), said(STORY)])
    assert len(dialogue.turns) == 1
    # The reply itself is not shown, because a model would copy it.
    assert roles(asks[1]) == ["system", "user"]
    request, correction = asks[0].messages[1].content, asks[1].messages[1].content
    assert correction.startswith(request)
    assert (
        "loudness-range: the sound 'a door creaks': loudness is -5 LUFS; allowed is -30 to -10 LUFS"
        in correction
    )
    assert conversation.log.usage(0).corrections == 1


def test_faults_of_all_layers_are_told_at_once_with_the_ranges_of_the_data_set():
    wrong = {
        **STORY,
        "description": "The door is louder.",
        "user": "caption",
        "sounds": [sound("a door creaks", loudness=12, panning=-18), sound("rain\u96e8"), STORY["sounds"][2]],
    }
    asks, _ = play(Conversation(book(n_turns=1), SEED, 7), [said(wrong), said(STORY)])
    told = asks[1].messages[-1].content
    for fault in (
        "loudness-range: the sound 'a door creaks': loudness is 12 LUFS; allowed is -30 to -10 LUFS",
        "panning-range: the sound 'a door creaks': panning is -18; allowed is -1 to 1",
        "text-says-nothing: user is 'caption'",
        "text-foreign-script: the sound 'rain\u96e8': text",
        "description-free-of-mixing: the description says 'louder'",
    ):
        assert fault in told


def test_every_operation_that_does_not_fit_is_told_with_the_faults_of_the_rest():
    wrong = {
        **ADD,
        "operations": [
            {"op": "remove", "slot": 8},
            {"op": "remove", "slot": 9},
            {"op": "change", "slot": 0, "loudness": 4},
            {"op": "add", "sound": sound("caption")},
        ],
    }
    asks, dialogue = play(Conversation(book({"open": 1}), SEED, 7), [said(STORY), said(wrong), said(ADD)])
    told = asks[2].messages[-1].content
    for fault in (
        "there is no sound in slot 8",
        "there is no sound in slot 9",
        "loudness-range: the sound 'a door creaks': loudness is 4 LUFS; allowed is -30 to -10 LUFS",
        "text-says-nothing: the sound 'caption': text is 'caption'",
    ):
        assert fault in told
    assert dialogue.edit(1).added == (4,)


def test_a_reply_that_was_refused_before_is_a_fresh_start_at_once():
    conversation = Conversation(book(n_turns=1), SEED, 7)
    same = said({**STORY, "user": "caption"})
    asks, dialogue = play(conversation, [same, same, same, said(STORY)])
    assert len(dialogue.turns) == 1
    # The request, its correction, and two fresh starts.
    assert [ask.messages == asks[0].messages for ask in asks] == [True, False, True, True]
    usage = conversation.log.usage(0)
    assert (usage.corrections, usage.fresh_starts) == (1, 2)


@pytest.mark.parametrize(
    ("usual", "temperatures"),
    [
        (None, [None, 1.0, 1.2, 1.2, 1.2]),
        (0.0, [None, 0.2, 0.4, 0.6, 0.8]),
        (1.5, [None, 1.5, 1.5, 1.5, 1.5]),
    ],
)
def test_each_faulty_reply_of_a_turn_raises_the_temperature(usual, temperatures):
    replies = [said(f"nonsense {n}") for n in range(5)]
    conversation = Conversation(book(EVERYTHING, temperature=usual), SEED, 7)
    asks, _ = play(conversation, [*replies, said(STORY), said(ADD)])
    assert [ask.temperature for ask in asks[:5]] == temperatures
    assert asks[6].temperature is None


@pytest.mark.parametrize(
    ("request_text", "reason"),
    [
        ("Write the first turn of a new dialogue: the user asks for a scene", "prompt-copied"),
        ("It was raining when she came home!", "seed-quoted"),
    ],
)
def test_a_request_that_copies_what_it_was_told_is_refused(request_text, reason):
    copied = said({**STORY, "user": request_text})
    conversation = Conversation(book(n_turns=1, corrections=0, fresh_starts=0), SEED, 7)
    _, fault = play(conversation, [copied])
    assert fault.reason == reason


def test_words_of_the_scene_may_be_said_again():
    caption = "an old gate of rusty iron groans slowly in the evening wind"
    story = {**STORY, "sounds": [sound(caption), *STORY["sounds"][1:]]}
    edit = {**ADD, "description": f"Rain falls while {caption} and an owl hoots"}
    asks, dialogue = play(Conversation(book(EVERYTHING), SEED, 7), [said(story), said(edit)])
    assert len(asks) == len(dialogue.turns) == 2


def test_the_chat_goes_on_without_the_corrections():
    conversation = Conversation(book(EVERYTHING), SEED, 7)
    asks, dialogue = play(conversation, [said("nonsense"), said(STORY), said(ADD)])
    assert len(dialogue.turns) == 2
    assert [message.content for message in asks[2].messages[:3]] == [
        *(message.content for message in asks[0].messages),
        said(STORY).text,
    ]
    assert conversation.log.replies[0] == "nonsense"


def test_after_two_corrections_a_turn_starts_again_and_after_two_fresh_starts_the_seed_is_given_up():
    conversation = Conversation(book(), SEED, 7)
    asks, fault = play(conversation, [said(f"nonsense {n}") for n in range(9)])
    assert isinstance(fault, RowFault)
    assert fault.reason == "not-json"
    assert fault.detail.startswith("turn 0 (story): the reply is no JSON object")
    assert "given up after 9 requests, among them 6 corrections and 2 fresh starts" in fault.detail
    assert [len(ask.messages) for ask in asks] == [2] * 9
    assert [ask.messages == asks[0].messages for ask in asks] == [True, False, False] * 3
    assert "nonsense 0" not in asks[1].messages[-1].content
    assert conversation.log.replies == tuple(f"nonsense {n}" for n in range(9))


def test_the_limits_of_the_ladder_are_settings():
    conversation = Conversation(book(corrections=0, fresh_starts=1), SEED, 7)
    asks, fault = play(conversation, [said("nonsense")] * 2)
    assert fault.reason == "not-json"
    assert [len(ask.messages) for ask in asks] == [2, 2]


def test_a_truncated_reply_gets_a_larger_limit_once_and_no_correction():
    conversation = Conversation(book(EVERYTHING, max_tokens=100), SEED, 7)
    cut = said('{"description":"Rain', "length")
    asks, dialogue = play(conversation, [cut, said(STORY), said(ADD)])
    assert len(dialogue.turns) == 2
    assert [ask.max_tokens for ask in asks] == [100, 200, 100]
    assert asks[0].messages == asks[1].messages
    assert conversation.log.usage(0).corrections == conversation.log.usage(0).fresh_starts == 0


def test_a_reply_that_is_truncated_again_starts_the_turn_again():
    conversation = Conversation(book(n_turns=1, max_tokens=100), SEED, 7)
    cut = said('{"description":"Rain', "length")
    asks, dialogue = play(conversation, [cut, cut, said(STORY)])
    assert len(dialogue.turns) == 1
    assert [ask.max_tokens for ask in asks] == [100, 200, 200]
    assert [len(ask.messages) for ask in asks] == [2, 2, 2]
    assert conversation.log.usage(0).fresh_starts == 1


def test_white_space_that_runs_away_is_neither_enlarged_nor_corrected():
    conversation = Conversation(book(n_turns=1), SEED, 7)
    runaway = said("{" + " " * 1000, "length")
    asks, fault = play(conversation, [runaway] * 3)
    assert fault.reason == "white-space-runaway"
    assert [(ask.max_tokens, len(ask.messages)) for ask in asks] == [(asks[0].grammar.max_tokens, 2)] * 3


def test_what_only_falls_short_of_hq_is_corrected_but_not_given_up():
    loud = {**ADD, "description": "An owl hoots at -12 dB"}
    conversation = Conversation(book(EVERYTHING), SEED, 7)
    louder = {**ADD, "description": "An owl hoots at -11 dB"}
    asks, dialogue = play(conversation, [said(STORY), said(loud), said(louder), said(loud)])
    assert dialogue.turns[1].description == "An owl hoots at -12 dB"
    assert "description-free-of-mixing" in asks[2].messages[-1].content
    assert conversation.log.usage(0).corrections == 2


def test_a_turn_that_may_stand_survives_a_correction_that_breaks_it():
    loud = {**ADD, "description": "An owl hoots at -12 dB"}
    conversation = Conversation(book(EVERYTHING), SEED, 7)
    _, dialogue = play(conversation, [said(STORY), said(loud), said("nonsense"), said("{")])
    assert dialogue.turns[1].description == "An owl hoots at -12 dB"


def test_corrections_for_hq_can_be_left_out():
    loud = {**ADD, "description": "An owl hoots at -12 dB"}
    conversation = Conversation(book(EVERYTHING, correct_hq=False), SEED, 7)
    asks, dialogue = play(conversation, [said(STORY), said(loud)])
    assert len(asks) == len(dialogue.turns) == 2


def test_a_repaired_reply_is_counted_and_goes_into_the_chat_as_plain_json():
    conversation = Conversation(book(EVERYTHING), SEED, 7)
    fenced = said(f"Here:\n```json\n{json.dumps(STORY)}\n```")
    asks, dialogue = play(conversation, [fenced, said(ADD)])
    assert len(dialogue.turns) == 2
    assert conversation.log.usage(0).repairs == 1
    assert json.loads(asks[1].messages[2].content)["user"] == STORY["user"]
    assert conversation.log.replies[0] == fenced.text


def test_speech_that_was_not_offered_is_a_fault():
    line = {
        "role": "speech",
        "speaker": "Ann",
        "gender": "female",
        "emotion": "calm",
        "text": "Hello there",
        "loudness": -15,
        "panning": 0,
        "start_time": 3.5,
    }
    told = said({**STORY, "sounds": [*STORY["sounds"], line]})
    asks, dialogue = play(Conversation(book(n_turns=1, speech_share=0), SEED, 7), [told, said(STORY)])
    assert "this scene has no speech" in asks[1].messages[-1].content
    assert len(dialogue.turns) == 1
    asks, dialogue = play(Conversation(book(n_turns=1, speech_share=1), SEED, 7), [told])
    assert dialogue.turns[0].scene.get(4).speaker == "Ann"


def test_the_schema_is_shown_where_no_grammar_enforces_it():
    for structured, shown in (("json_schema", False), ("json_object", True), ("none", True)):
        asks, _ = play(Conversation(book(n_turns=1, structured=structured), SEED, 7), [said(STORY)])
        text = asks[0].messages[-1].content
        assert (canonical_json(asks[0].grammar.schema) in text) is shown


def test_edits_are_made_on_the_scene_as_it_is_mended():
    rough = {
        **STORY,
        "sounds": [sound("a door creaks", start_time=3.996, duration=7.5), *STORY["sounds"][1:]],
    }
    asks, dialogue = play(Conversation(book({"volume": 1}), SEED, 7), [
        said(rough),
        said({
            "user": "the door is too faint, make it louder",
            "operations": [{"op": "change", "slot": 0, "loudness": -11.96}],
            "description": "The door creaks clearly in the rain",
        }),
    ])  # fmt: skip
    assert "start_time 4, duration 4" in asks[1].messages[-1].content
    mended, notes = normalise_dialogue(dialogue, LIMITS)
    assert [v.rule for v in check_dialogue(mended, LIMITS)] == []
    assert {(note.turn, note.element_id, note.field) for note in notes} == {
        (0, 1, "start_time"),
        (0, 1, "duration"),
        (1, 1, "loudness"),
    }
    assert mended.turns[1].scene.get(1).loudness == -12.0


def test_ids_are_never_used_again():
    remove = {
        "user": "without the clock please",
        "operations": [{"op": "remove", "slot": 2}],
        "description": "Rain falls while a door creaks and a dog barks",
    }
    weights = {"add": 1.0, "remove": 1.0}
    for run_seed in range(50):
        conversation = Conversation(book(weights, n_turns=3), SEED, run_seed)
        if conversation._forms.tasks == ("remove", "add"):
            break
    _, dialogue = play(conversation, [said(STORY), said(remove), said(ADD)])
    assert (dialogue.edit(1).removed, dialogue.edit(2).added) == ((3,), (4,))


def test_a_story_leaves_room_for_the_additions_to_come():
    full = {**STORY, "sounds": [sound(f"bell {n}") for n in range(5)]}
    more = [said(add(bird)) for bird in ("owl", "crow", "lark", "duck")]
    asks, dialogue = play(Conversation(book(EVERYTHING, n_turns=5), SEED, 7), [said(full), *more])
    assert asks[0].grammar.schema["properties"]["sounds"]["maxItems"] == 5
    most = [ask.grammar.schema["properties"]["operations"]["maxItems"] for ask in asks[1:]]
    assert most == [1, 1, 1, 1]
    assert len(dialogue.turns[-1].scene) == 10


def test_a_task_that_cannot_be_done_is_drawn_again():
    crowded = book(EVERYTHING, limits=SceneLimits(n_elements=2))
    forms = crowded.start_dialogue(SEED, 7)
    assert forms.tasks == ("add",)
    story = {**STORY, "sounds": [sound("a door creaks")]}
    turn = forms._builder(0).build_story(StoryReply.model_validate_json(json.dumps(story)))
    label = forms.edit(Dialogue(seed_id="s", seed_text="t", turns=(turn,)), turn.scene).label
    assert label.removeprefix("turn 1 ").strip("()") in set(EDIT_TASKS) - {"add"}


def test_tasks_are_drawn_evenly_or_by_weight_and_by_content_alone():
    def tasks(weights=None, run_seed=0):
        made = book(weights, n_turns=5)
        seeds = [Seed(f"s/{n}", "text") for n in range(1500)]
        return [made.start_dialogue(seed, run_seed).tasks for seed in seeds]

    even = tasks()
    counts = Counter(task for drawn in even for task in drawn)
    assert set(counts) == set(EDIT_TASKS)
    assert all(900 < n < 1100 for n in counts.values())
    assert even == tasks()
    assert even != tasks(run_seed=1)
    weighed = Counter(task for drawn in tasks({"add": 3, "open": 1}) for task in drawn)
    assert set(weighed) == {"add", "open"}
    assert 2.7 < weighed["add"] / weighed["open"] < 3.3


def test_speech_is_drawn_by_its_share():
    for share in (0.0, 0.5, 1.0):
        made = book(speech_share=share)
        speaking = sum(made.start_dialogue(Seed(f"s/{n}", "text"), 0).speech for n in range(1000))
        assert abs(speaking / 1000 - share) < 0.06


@pytest.mark.parametrize("weights", [{"add": -1}, {"add": 0}, {"shout": 1}, {}])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(UserError, match="task_weights"):
        book(weights)


WHOLE = {
    "story": {
        "user": "a rainy evening",
        "description": "Rain falls while a door creaks",
        "elements": [
            {"id": 1, **sound("rain"), "role": "ambience", "panning": 0, "start_time": 0, "duration": 8},
            {"id": 2, **sound("a door creaks")},
        ],
    },
    "edit_1": {
        "user": "put an owl somewhere in there",
        "description": "Rain falls while a door creaks and an owl hoots",
        "added": [3],
        "changed": [],
        "removed": [],
        "elements": [
            {"id": 1, **sound("rain"), "role": "ambience", "panning": 0, "start_time": 0, "duration": 8},
            {"id": 2, **sound("a door creaks")},
            {"id": 3, **sound("an owl hoots")},
        ],
    },
}


def test_a_whole_dialogue_is_one_reply():
    conversation = Conversation(book(EVERYTHING, mode="whole"), SEED, 7)
    asks, dialogue = play(conversation, [said(WHOLE)])
    assert len(asks) == 1
    assert asks[0].max_tokens == asks[0].grammar.max_tokens < 4096
    assert dialogue.mode == "whole"
    assert dialogue.edit(1).added == (3,)
    assert check_dialogue(dialogue, LIMITS) == ()
    assert conversation.account(0).prompt.startswith("whole-")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda edit: edit["elements"][1].update(loudness=-11), "unasked-change"),
        (lambda edit: edit["elements"][1].update(text="a gate creaks"), "id-names-another-sound"),
        (lambda edit: edit.pop("added"), "schema"),
        (lambda edit: edit.update(added=[2]), "stated-edits-match"),
    ],
)
def test_what_a_whole_dialogue_restates_wrongly_is_told(change, reason):
    wrong = json.loads(json.dumps(WHOLE))
    change(wrong["edit_1"])
    conversation = Conversation(book(EVERYTHING, mode="whole"), SEED, 7)
    asks, dialogue = play(conversation, [said(wrong), said(WHOLE)])
    assert isinstance(dialogue, Dialogue)
    told = asks[1].messages[-1].content
    assert (reason if reason != "schema" else "edit_1.added: field required") in told


@pytest.mark.parametrize("mode", ["turnwise", "whole"])
def test_made_up_replies_give_valid_dialogues_or_a_reason(mode):
    made = book(n_turns=4, mode=mode, fresh_starts=1)
    outcomes = Counter()
    for number in range(40):
        rng = random.Random(number)
        steps = Conversation(made, Seed(f"s/{number}", "text"), 0).steps()
        try:
            ask = next(steps)
            while True:
                ask = steps.send(said(draw(ask.grammar.schema, rng)))
        except StopIteration as done:
            mended, _ = normalise_dialogue(done.value, LIMITS)
            assert [v for v in check_dialogue(mended, LIMITS) if v.severity == "fatal"] == []
            assert len(mended.turns) == 4
            outcomes["valid"] += 1
        except RowFault as fault:
            outcomes[fault.reason] += 1
    assert sum(outcomes.values()) == 40
    if mode == "turnwise":
        assert outcomes["valid"] == 40


@st.composite
def damaged(draw_value):
    """A reply that something has happened to."""
    content = draw_value(st.sampled_from([STORY, ADD, WHOLE]))
    text = json.dumps(content)
    for _ in range(draw_value(st.integers(0, 3))):
        start = draw_value(st.integers(0, len(text)))
        end = min(len(text), start + draw_value(st.integers(0, 20)))
        text = text[:start] + draw_value(st.text(max_size=6)) + text[end:]
    return Reply(text, draw_value(st.sampled_from(["stop", "stop", "stop", "length", "content_filter"])))


@given(st.sampled_from(["turnwise", "whole"]), st.lists(damaged(), min_size=40, max_size=40))
def test_no_replies_bring_a_conversation_down(mode, replies):
    conversation = Conversation(BOOKS[mode], SEED, 7)
    asks, outcome = play(conversation, replies)
    assert isinstance(outcome, Dialogue | RowFault)
    assert conversation.log.replies == tuple(reply.text for reply in replies[: len(asks)])
    if isinstance(outcome, Dialogue):
        mended, _ = normalise_dialogue(outcome, LIMITS)
        assert [v for v in check_dialogue(mended, LIMITS) if v.severity == "fatal"] == []


BOOKS = {mode: book(n_turns=3, mode=mode) for mode in ("turnwise", "whole")}


def test_tokens_of_every_request_are_counted():
    replies = [replace(said(f"nonsense {n}"), generated_tokens=n) for n in range(1, 10)]
    conversation = Conversation(book(), SEED, 7)
    play(conversation, replies)
    assert conversation.log.usage(0).generated_tokens == 45


def draw_removed(run_seed):
    """The sound in slot 0 of a turn that removes one: the one that the turn is about."""
    asks, _ = play(Conversation(book({"remove": 1}, corrections=0, fresh_starts=0), SEED, run_seed), [
        said(STORY),
        said("nonsense"),
    ])  # fmt: skip
    return re.search(r"slot 0 gone: (.*)\.", asks[1].messages[-1].content)[1]


def test_a_correction_names_sounds_by_what_they_are():
    twice = {
        "user": "no dog and no clock, please",
        "operations": [{"op": "remove", "slot": 1}, {"op": "remove", "slot": 1}],
        "description": "Rain falls while a door creaks",
    }
    run_seed = next(n for n in range(50) if draw_removed(n) == "a door creaks")
    conversation = Conversation(book({"remove": 1}), SEED, run_seed)
    other = {
        "user": "I do not need the clock any more",
        "operations": [{"op": "remove", "slot": 0}],
        "description": "Rain falls while a dog barks",
    }
    right = {**other, "operations": [{"op": "remove", "slot": 2}]}
    asks, dialogue = play(conversation, [said(STORY), said(twice), said(other), said(right)])
    assert "slot 1 is the subject of two operations" in asks[2].messages[-1].content
    assert (
        "the sound 'a door creaks': is edited, but the request names the sound 'a clock ticks' and not"
        in asks[3].messages[-1].content
    )
    assert dialogue.edit(1).removed == (3,)


def test_a_correction_of_a_whole_dialogue_says_in_which_turn():
    wrong = json.loads(json.dumps(WHOLE))
    wrong["edit_1"]["elements"][1].update(loudness=-11)
    wrong["story"]["elements"][1].update(loudness=-5)
    asks, _ = play(Conversation(book(EVERYTHING, mode="whole"), SEED, 7), [said(wrong), said(WHOLE)])
    told = asks[1].messages[-1].content
    assert "loudness-range: story, element 2: " in told
    assert "unasked-change: edit_1, element 2: " in told


def test_where_a_larger_limit_does_not_fit_the_first_one_stays():
    cut = said('{"description":"Rain', "length")
    full = Reply("the context is too short", "context-length")
    conversation = Conversation(book(n_turns=1, max_tokens=100), SEED, 7)
    asks, dialogue = play(conversation, [cut, full, said(STORY)])
    assert [ask.max_tokens for ask in asks] == [100, 200, 100]
    assert len(dialogue.turns) == 1
    assert conversation.log.usage(0).fresh_starts == 1


@pytest.mark.parametrize(
    ("ending", "reason"),
    [("content-refused", "content-filter"), ("context-length", "context-length"), ("refused", "refused")],
)
def test_what_the_server_refuses_is_not_requested_again_word_for_word(ending, reason):
    conversation = Conversation(book(EVERYTHING), SEED, 7)
    asks, fault = play(conversation, [said(STORY), Reply("not this one", ending)])
    assert (fault.reason, len(asks)) == (reason, 2)
    assert "not this one" in fault.detail
    assert conversation.log.replies[-1] == "not this one"


def test_a_correction_that_the_server_refuses_is_left_out_in_a_fresh_start():
    conversation = Conversation(book(n_turns=1), SEED, 7)
    refused = Reply("the chat is too long", "context-length")
    asks, dialogue = play(conversation, [said("nonsense"), refused, said(STORY)])
    assert [ask.messages == asks[0].messages for ask in asks] == [True, False, True]
    assert len(dialogue.turns) == 1


def test_an_empty_reply_is_not_sent_back():
    asks, _ = play(Conversation(book(n_turns=1), SEED, 7), [said(""), said(STORY)])
    assert [len(ask.messages) for ask in asks] == [2, 2]


def test_a_mended_reply_counts_whatever_else_is_wrong_with_it():
    conversation = Conversation(book(n_turns=1), SEED, 7)
    play(conversation, [said("{'user': 'x'}"), said(STORY)])
    assert conversation.log.usage(0).repairs == 1


def test_a_second_draw_of_a_task_is_even_too():
    offered = ("remove", "volume", "panning", "replace", "open")
    forms = book()
    drawn = Counter(
        forms.start_dialogue(Seed(f"s/{n}", "t"), 0)._draw(offered, 1, "again") for n in range(1000)
    )
    assert min(drawn[task] for task in offered) > 150


def test_a_text_that_a_grammar_cut_off_is_trimmed_and_goes_into_the_chat_so():
    glued = "a dog barks far off behind the barn while the wind goes on and on whispering"
    cut = {**STORY, "sounds": [sound(glued), *STORY["sounds"][1:]]}
    conversation = Conversation(book(EVERYTHING), SEED, 7)
    asks, dialogue = play(conversation, [said(cut), said(ADD)])
    trimmed = "a dog barks far off behind the barn while the wind goes"
    assert dialogue.turns[0].scene.get(1).text == trimmed
    assert json.loads(asks[1].messages[2].content)["sounds"][0]["text"] == trimmed
    assert conversation.log.replies[0] == said(cut).text
    reply = StoryReply.model_validate_json(said(cut).text)
    assert book(structured="none").mend(reply) == reply


def test_the_sound_of_an_aim_is_in_slot_0_and_its_change_in_the_grammar():
    for run_seed in range(20):
        asks, _ = play(Conversation(book({"panning": 1}, corrections=0, fresh_starts=0), SEED, run_seed), [
            said(STORY),
            said("nonsense"),
        ])  # fmt: skip
        operation = asks[1].grammar.schema["properties"]["operations"]["items"]["properties"]
        text = asks[1].messages[-1].content
        low, high = operation["panning"]["enum"][0], operation["panning"]["enum"][-1]
        assert operation["slot"] == {"const": 0}
        assert (f"becomes {low:g} to {high:g}." if low < high else f"becomes {low:g}.") in text
        assert re.search(r"- slot 0: effect, (.*?);", text)[1] in text.partition("user wants slot 0")[2]


def test_turns_are_about_different_sounds(monkeypatch):
    monkeypatch.setattr("copilot.designers.llm.aims.keep_audible", lambda options, *_: options)
    for run_seed in range(10):
        forms = book({"volume": 1}, n_turns=4).start_dialogue(SEED, run_seed)
        turn = forms._builder(0).build_story(StoryReply.model_validate_json(json.dumps(STORY)))
        dialogue = Dialogue(seed_id="s", seed_text="t", turns=(turn,))
        edited = []
        for _ in range(3):
            form = forms.edit(dialogue, dialogue.turns[-1].scene)
            (value, *_) = form.grammar.schema["properties"]["operations"]["items"]["properties"]["loudness"][
                "enum"
            ]
            change = {"op": "change", "slot": 0, "loudness": value}
            reply = {"user": "u", "description": "d", "operations": [change]}
            dialogue = form.finish(EditReply.model_validate_json(json.dumps(reply)))
            edited += dialogue.edit(len(dialogue.turns) - 1).changed
        assert len(set(edited)) == len(edited) == 3


def test_a_reply_gets_the_tokens_of_its_grammar_and_after_a_truncated_one_those_of_the_setting():
    cut = said('{"description":"Rain', "length")
    asks, _ = play(Conversation(book(EVERYTHING), SEED, 7), [cut, said(STORY), said(ADD)])
    assert [ask.max_tokens for ask in asks] == [
        asks[0].grammar.max_tokens,
        2 * asks[0].grammar.max_tokens,
        asks[2].grammar.max_tokens,
    ]
    asks, _ = play(Conversation(book(EVERYTHING, max_tokens=9000), SEED, 7), [cut, said(STORY), said(ADD)])
    assert [ask.max_tokens for ask in asks[:2]] == [asks[0].grammar.max_tokens, 9000]
    asks, _ = play(Conversation(book(EVERYTHING, structured="none"), SEED, 7), [said(STORY), said(ADD)])
    assert [ask.max_tokens for ask in asks] == [2048, 2048]


def test_a_model_that_follows_the_remedy_makes_speech_understood():
    line = {
        "role": "speech",
        "speaker": "Ann",
        "gender": "female",
        "emotion": "calm",
        "text": "Who is there?",
    }
    line |= {"loudness": -13, "panning": 0, "start_time": 1}

    def tell(loudness):
        others = [{**other, "loudness": loudness} for other in STORY["sounds"]]
        return said({**STORY, "sounds": [*others, line]})

    conversation = Conversation(book(n_turns=1, speech_share=1), SEED, 7)
    steps = conversation.steps()
    next(steps)
    correction = steps.send(tell(-15)).messages[-1].content
    (loudness,) = re.findall(r"speech-masked: .* to (-\d+) LUFS", correction)
    with pytest.raises(StopIteration) as finished:
        steps.send(tell(int(loudness)))
    story = finished.value.value.turns[0].scene
    assert predict_lead(story, story.get(4)) >= GOOD_LEAD_LU - 1
