"""Requests of a user's own, and dialogues that exist: what the scripted designer makes of them."""

from __future__ import annotations

from functools import cache

import pytest
from helpers.made_runs import a_dialogue

from copilot.designers.contract import DesignerContext
from copilot.designers.scripted import ScriptedDesigner
from copilot.errors import RowFault
from copilot.normalise import normalise_dialogue
from copilot.rules import check_dialogue
from copilot.scene import SceneLimits
from copilot.seed import Continued, Seed
from copilot.text.voices import holds_voices
from pipelines.options.limits import read_limits

STORY = "A forest in the rain, with an owl and a barking dog."
WINDY = "Wind in a forest with an owl."


@cache
def a_designer(n_turns):
    return ScriptedDesigner(DesignerContext(n_turns=n_turns, limits=SceneLimits(n_turns=max(5, n_turns))))


def design(*requests, n_turns=3, seed_id="requests/1"):
    designer = a_designer(n_turns)
    return designer.design(Seed(seed_id, requests[0], requests=requests), 7).dialogue


def continue_(dialogue, *requests, n_turns):
    seed = Seed(
        f"{dialogue.seed_id}/x", dialogue.seed_text, requests=requests, continued=Continued(dialogue, {}, ())
    )
    return a_designer(n_turns).design(seed, 7).dialogue


def fatal(dialogue):
    limits = SceneLimits(n_turns=8)
    normalised, _ = normalise_dialogue(dialogue, limits)
    assert normalised == dialogue
    return [v.message for v in check_dialogue(dialogue, limits) if v.severity == "fatal"]


def texts(scene):
    return " / ".join(element.text for element in scene.elements)


def test_the_story_is_the_request_word_for_word_with_what_it_names():
    dialogue = design(STORY)
    story = dialogue.turns[0]
    assert (story.user, len(dialogue.turns)) == (STORY, 3)
    assert all(word in texts(story.scene) for word in ("rain", "owl", "dog"))
    assert not fatal(dialogue)


def test_more_sounds_than_a_story_calls_for_are_all_there():
    story = design("At sea: gulls, thunder, a ship's horn, a bell, a dog and a cat.", n_turns=1).turns[0]
    assert all(word in texts(story.scene) for word in ("gull", "thunder", "horn", "bell", "dog", "cat"))


def test_a_quote_is_spoken_and_the_request_is_not():
    (story,) = design('In a kitchen a woman says "Dinner is ready!"', n_turns=1).turns
    assert "Dinner is ready!" in [e.text for e in story.scene.elements if e.role == "speech"]
    for gender, who in (("female", "a woman"), ("male", "a man")):
        for k in range(4):
            (story,) = design(f'In a kitchen {who} says "Dinner is ready!"', n_turns=1, seed_id=str(k)).turns
            assert {e.gender for e in story.scene.elements if e.role == "speech"} == {gender}
    for k in range(10):
        (story,) = design("A kitchen where someone speaks.", n_turns=1, seed_id=str(k)).turns
        assert not any("someone" in e.text.lower() for e in story.scene.elements if e.role == "speech")


def test_several_requests_are_the_whole_dialogue():
    edits = (
        "Make the dog louder.",
        "Remove the rain.",
        "Move the owl to the left.",
        "Add thunder at the end.",
    )
    dialogue = design(STORY, *edits, n_turns=2)
    assert [turn.user for turn in dialogue.turns] == [STORY, *edits]
    assert [turn.task for turn in dialogue.turns] == ["story", "volume", "remove", "panning", "add"]
    assert not fatal(dialogue)
    before = {e.text: e for e in dialogue.turns[0].scene.elements}
    after = {e.text: e for e in dialogue.turns[4].scene.elements}
    (dog,) = (text for text in before if "dog" in text)
    (owl,) = (text for text in before if "owl " in text)
    assert after[dog].loudness == pytest.approx(min(before[dog].loudness + 6, -10))
    assert after[owl].panning < before[owl].panning
    assert not any("rain" in text for text in after)
    (thunder,) = (e for e in dialogue.turns[4].scene.elements if "thunder" in e.text)
    assert thunder.start_time >= 3
    assert design(STORY, *edits, n_turns=5) == dialogue


@pytest.mark.parametrize(
    ("edit", "task"),
    [
        ("Make the dog 4 dB quieter.", "volume"),
        ("Softer rain, please.", "volume"),
        ("Make the owl and the dog quieter.", "volume"),
        ("Replace the dog by a cat.", "replace"),
        ("Replace the atmosphere with wind.", "replace"),
        ("Add a cat and a bell on the right.", "add"),
        ("Make the dog quieter and move the dog to the left.", "open"),
        ("Remove the rain, and then add thunder.", "replace"),
    ],
)
def test_an_edit_is_done_under_the_task_that_it_is(edit, task):
    dialogue = design(STORY, edit)
    assert (dialogue.turns[1].task, dialogue.turns[1].user) == (task, edit)
    assert not fatal(dialogue)


def test_a_figure_is_the_step():
    dialogue = design(STORY, "Make the dog 4 dB quieter.")
    before, after = (turn.scene for turn in dialogue.turns)
    (change,) = dialogue.turns[1].operations
    assert after.get(change.id).loudness == pytest.approx(before.get(change.id).loudness - 4)


@pytest.mark.parametrize(
    ("requests", "reason"),
    [
        (("qwertz uiop",), "request-not-understood"),
        ((STORY, "Make it lonelier."), "request-not-understood"),
        ((STORY, "Remove the elephant."), "request-not-understood"),
        ((STORY, "Remove the big green dog."), "request-not-understood"),
        ((STORY, "Add a purple quark."), "request-not-understood"),
        ((STORY, "Remove the dog and add a dog and remove the dog."), "request-not-understood"),
        ((STORY, "Make the dog louder, and make the dog quieter."), "request-not-understood"),
        ((STORY, "Move the atmosphere to the left."), "request-impossible"),
        ((STORY, *["Make the dog much louder."] * 4), "request-impossible"),
        ((WINDY, "Remove the wind."), "request-impossible"),
        ((WINDY, "Remove the wind and add thunder."), "request-impossible"),
    ],
)
def test_what_cannot_be_done_has_a_reason(requests, reason):
    with pytest.raises(RowFault) as caught:
        design(*requests)
    assert caught.value.reason == reason


def test_the_last_ambience_goes_if_another_comes():
    for edit in ("Replace the wind by rain.", "Remove the wind and add rain."):
        dialogue = design(WINDY, edit)
        (ambience,) = (e for e in dialogue.turns[1].scene.elements if e.role == "ambience")
        assert "rain" in ambience.text
        assert not fatal(dialogue)


def test_its_own_dialogue_is_continued_in_its_wording():
    old = ScriptedDesigner().design(Seed("s/3", "The dog barked at the sea, and the bell rang."), 7).dialogue
    new = continue_(old, "Make the dog quieter.", n_turns=5)
    assert new.turns[:3] == old.turns
    assert new.turns[3].user == "Make the dog quieter."
    assert new.turns[3].description.split(".")[0] == old.turns[2].description.split(".")[0]
    assert len(new.turns) == 5
    assert not fatal(new)


def test_the_dialogue_of_another_is_continued_by_its_captions():
    old = a_dialogue(Seed("s/1", "Someone comes in."))
    new = continue_(old, "Make the bell quieter.", "Remove the door.", n_turns=5)
    assert new.turns[:3] == old.turns
    assert [turn.task for turn in new.turns[3:]] == ["volume", "remove"]
    assert new.turns[4].description == "Steady rain. A small bell."
    assert not fatal(new)


@pytest.mark.parametrize("seed_id", [f"s/{k}" for k in range(8)])
def test_further_turns_are_invented(seed_id):
    old = a_dialogue(Seed(seed_id, "Someone comes in."))
    new = continue_(old, n_turns=8)
    assert new.turns[:3] == old.turns
    assert len(new.turns) == 8
    assert not fatal(new)
    assert continue_(old, n_turns=8) == new


def test_a_user_who_wants_no_voices_gets_none_in_later_turns_either():
    for number in range(20):
        dialogue = design("A street market. No voices, please.", n_turns=5, seed_id=f"silent/{number}")
        longer = continue_(dialogue, n_turns=7)
        assert len(longer.turns) == 7
        for element in longer.elements():
            assert element.role != "speech"
            assert not holds_voices(element.text)


def test_voices_that_a_user_asks_for_later_come():
    dialogue = design("A street market. No voices, please.", n_turns=1)
    longer = continue_(dialogue, "Add a crowd.", n_turns=2)
    assert "crowd" in texts(longer.turns[-1].scene)


def test_a_new_sound_is_the_one_that_the_words_name():
    for number in range(12):
        story = design("A painter's studio.", n_turns=1, seed_id=f"studio/{number}")
        scene = continue_(story, "Add a drink.", n_turns=2).turns[-1].scene
        assert scene.elements[-1].text in {
            "someone pouring a drink",
            "hot tea being poured",
            "coffee being poured",
            "wine being poured",
            "mint tea poured from a height",
        }


def test_a_person_with_several_lines_is_edited_in_all_of_them():
    limits = read_limits(None, ("duration_s=30", "n_elements=20"))
    designer = ScriptedDesigner(DesignerContext(n_turns=1, limits=limits, speech_share=1))
    story = designer.design(Seed("text/1", "THE OWL HOOTED IN THE FOREST AT NIGHT"), 7).dialogue
    lines = [e for e in story.turns[0].scene.elements if e.role == "speech"]
    speaker = next(e.speaker for e in lines if sum(e.speaker == other.speaker for other in lines) > 1)
    request = f"Make the {speaker} quieter."
    longer = ScriptedDesigner(DesignerContext(n_turns=2, limits=limits))
    seed = Seed(story.seed_id, story.seed_text, requests=(request,), continued=Continued(story, {}, ()))
    turn = longer.design(seed, 7).dialogue.turns[1]
    assert {operation.id for operation in turn.operations} == {e.id for e in lines if e.speaker == speaker}
    assert turn.task == "volume"
