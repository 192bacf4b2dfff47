from copilot.designers.llm.repeats import drop_repeats
from copilot.designers.llm.replies import AmbienceReply, EffectReply, LineReply, StoryReply

LEVELS = {"loudness": -15, "panning": 0.3, "start_time": 1}


def effect(text):
    return EffectReply(role="effect", text=text, duration=2, **LEVELS)


def line(text):
    return LineReply(role="speech", speaker="Ann", gender="female", emotion="calm", text=text, **LEVELS)


def left(*sounds):
    ambience = AmbienceReply(text="Rain on a roof", loudness=-28, panning=0)
    reply = StoryReply(description="d", user="u", ambience=ambience, sounds=sounds)
    return drop_repeats(reply).sounds


def test_a_sound_that_another_or_the_ambience_is_already_is_dropped():
    door, dog = effect("a door creaks"), effect("a dog barks")
    assert left(door, effect("The door creaks."), dog, effect("the rain on the roof")) == (door, dog)


def test_a_line_may_be_said_twice():
    assert left(line("Hello?"), line("Hello?")) == (line("Hello?"), line("Hello?"))


def test_repeats_stay_if_too_few_sounds_would_be_left():
    sounds = (effect("a door creaks"), effect("a door creaks"), effect("rain on a roof"))
    assert left(*sounds) == sounds
