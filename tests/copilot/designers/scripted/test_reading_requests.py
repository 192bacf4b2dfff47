"""The forms of requests that are understood, and those that are not."""

from __future__ import annotations

import pytest

from copilot.designers.scripted.reading_requests import (
    Addition,
    Exchange,
    LevelChange,
    Move,
    Removal,
    read_request,
)
from copilot.designers.speech_wishes import asks_for_speech, find_quotes


@pytest.mark.parametrize(
    ("request_text", "wishes"),
    [
        ("Make the dog louder.", [LevelChange("the dog", "louder", "plain")]),
        ("Could you make the dog a bit quieter, please?", [LevelChange("the dog", "quieter", "slight")]),
        ("Make the rain much softer!", [LevelChange("the rain", "quieter", "strong")]),
        ("Make the rain 5 dB louder", [LevelChange("the rain", "louder", "plain", 5.0)]),
        ("Make the rain louder by 5 dB", [LevelChange("the rain", "louder", "plain", 5.0)]),
        ("Louder rain, please.", [LevelChange("rain", "louder", "plain")]),
        ("The bell should be quieter", [LevelChange("the bell", "quieter", "plain")]),
        ("Turn the music down", [LevelChange("the music", "quieter", "plain")]),
        ("turn up the wind a little", [LevelChange("the wind", "louder", "slight")]),
        ("Raise the volume of the bell by 4.5 LU.", [LevelChange("the bell", "louder", "plain", 4.5)]),
        ("Lower the dog.", [LevelChange("the dog", "quieter", "plain")]),
        ("Remove the rain.", [Removal("the rain")]),
        ("please get rid of the rain and the dog", [Removal("the rain and the dog")]),
        ("Take the bell out.", [Removal("the bell")]),
        ("I\u2019d like you to drop the music, thanks.", [Removal("the music")]),
        ("Move the bell to the left.", [Move("the bell", "left", "plain")]),
        ("Pan the dog hard right", [Move("the dog", "right", "strong")]),
        ("Shift the footsteps slightly to the right side", [Move("the footsteps", "right", "slight")]),
        ("Put the voice in the centre", [Move("the voice", "centre", "plain")]),
        ("Replace the dog by a cat.", [Exchange("the dog", "a cat")]),
        ("Swap the rain for wind", [Exchange("the rain", "wind")]),
        ("Turn the piano into a guitar", [Exchange("the piano", "a guitar")]),
        ("Add thunder.", [Addition("thunder")]),
        ("Now add a dog on the left at the end", [Addition("a dog", "left", "end")]),
        ("Bring in some birds", [Addition("some birds")]),
        (
            "Make the dog louder and remove the rain.",
            [LevelChange("the dog", "louder", "plain"), Removal("the rain")],
        ),
        ("Add thunder, then move the bell left.", [Addition("thunder"), Move("the bell", "left", "plain")]),
        ("Make it lonelier.", None),
        ("Remove the rain and make it lonelier.", None),
        ("What a lovely dog!", None),
        ("Move the bell somewhere.", None),
        ("Make the dog louder than the rain", None),
        ("", None),
    ],
)
def test_a_request_is_understood_whole_or_not(request_text, wishes):
    assert read_request(request_text) == (None if wishes is None else tuple(wishes))


def test_quotes_are_lines_to_speak():
    assert find_quotes('A woman says "Who is there?" and \u201crun!\u201d') == ["Who is there?", "run!"]
    assert find_quotes('an empty "" one') == []


@pytest.mark.parametrize(("text", "expected"), [("Two men talking", True), ("A dog by the sea", False)])
def test_speech_is_asked_for_by_its_words(text, expected):
    assert asks_for_speech(text) is expected
