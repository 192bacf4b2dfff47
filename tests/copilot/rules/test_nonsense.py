"""Texts that people do write, which the rules against nonsense let pass."""

from __future__ import annotations

import time

import pytest
from helpers.examples import DOG, LIMITS, LINE, RAIN, STORY, but, dialogue_of, story_of, with_turn

from copilot.edit import Change
from copilot.rules import check_dialogue


@pytest.mark.parametrize(
    "caption",
    [
        "thunder",
        "Rain",
        "music",
        "laughter",
        "tick tick tick tick tick",
        "knock knock, knock knock, knock knock",
        "hahahahahahahahahahahahahahahaha",
        "Brrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr",
        "a church bell tolls three o'clock, then four",
        "a PlayStation starts up beside a MacBook",
        "a caf\u00e9 in Krak\u00f3w, 5 \u00b5m of dust, a \ufb01re, Hawai\u02bbi, 3 \u212b",
        "the sound of an effect pedal",
        "thunderstorm\u2014everything rattles, windows-shutters-doors-and-all",
    ],
)
def test_a_caption_that_names_a_sound_passes(caption: str):
    assert check_dialogue(story_of(RAIN, but(DOG, text=caption)), LIMITS) == ()


@pytest.mark.parametrize(
    "line", ["No no no no no!", "And the...", "Caption? Number?", "Ha ha ha ha ha ha, number one."]
)
def test_a_line_may_say_anything(line: str):
    assert check_dialogue(story_of(RAIN, but(LINE, text=line)), LIMITS) == ()


@pytest.mark.parametrize(
    "seed_text",
    [
        "Всю ночь шёл дождь и лаяла собака",
        "雨の夜に犬が吠えていて、そして誰かがドアを叩いた",
        "Vor der Donaudampfschifffahrtsgesellschaft bellt ein Hund",
        "so it goes on, so it goes on, so it goes on",
    ],
    ids=["russian", "japanese", "german", "refrain"],
)
def test_a_request_and_a_line_may_quote_the_seed(seed_text: str):
    dialogue = with_turn(
        story_of(RAIN, but(LINE, text=seed_text, start_time=1, duration=7)),
        0,
        user=f'Here is my text: "{seed_text}". Make a scene of it.',
    )
    assert check_dialogue(dialogue.model_copy(update={"seed_text": seed_text}), LIMITS) == ()


def test_a_description_may_quote_a_seed_that_somebody_says_or_asks_for():
    seed_text = "he moved uneasily and his chair creaked"
    told = "Rain falls. He moved uneasily and his chair creaked."
    spoken = with_turn(story_of(RAIN, but(LINE, text=seed_text, duration=4)), 0, description=told)
    asked = with_turn(story_of(RAIN), 0, user=seed_text.capitalize(), description=told)
    for dialogue in (spoken, asked):
        assert check_dialogue(dialogue.model_copy(update={"seed_text": seed_text}), LIMITS) == ()


@pytest.mark.parametrize("text", ["a'" * 150, "1," * 150, "so and so " * 30, "a b " * 75, "x" * 300])
def test_odd_texts_take_no_time(text: str):
    start = time.process_time()
    check_dialogue(story_of(RAIN, but(DOG, text=text)), LIMITS)
    assert time.process_time() - start < 1


def test_a_single_sound_may_be_request_and_description():
    dialogue = with_turn(story_of(RAIN), 0, user=RAIN.text, description=f"{RAIN.text.capitalize()}.")
    assert check_dialogue(dialogue, LIMITS) == ()


def test_a_short_request_may_come_twice_and_a_description_stay_where_no_sound_comes_or_goes():
    dialogue = dialogue_of(
        STORY,
        ("volume", "Louder rain!", [Change(id=0, loudness=-25)]),
        ("volume", "Louder rain!", [Change(id=0, loudness=-22)]),
    )
    same = with_turn(dialogue, 2, description=dialogue.turns[1].description)
    assert check_dialogue(same, LIMITS) == ()


@pytest.mark.parametrize(
    "request_text",
    [
        "Turn the rain up by 4 dB.",
        "After 0.5 seconds the rain should come up.",
        "I need it like 1990-95, louder rain",
        "Turn the rain up, as on radio 101.5",
    ],
)
def test_figures_that_people_speak_of_pass(request_text: str):
    dialogue = dialogue_of(STORY, ("volume", request_text, [Change(id=0, loudness=-24)]))
    assert check_dialogue(dialogue, LIMITS) == ()
