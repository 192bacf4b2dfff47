"""A user's own words are not judged by their wording, but they are text of a length that the limits allow."""

from __future__ import annotations

import pytest
from helpers.made_runs import a_dialogue

from copilot.rules import check_dialogue
from copilot.scene import SceneLimits
from copilot.seed import Continued, Seed


def asking(request, *turns):
    dialogue = a_dialogue(Seed("s", "The rain"))
    changed = [
        t.model_copy(update={"user": request}) if i in turns else t for i, t in enumerate(dialogue.turns)
    ]
    return dialogue.model_copy(update={"turns": tuple(changed)})


def fatal(dialogue, own=(), limits=None):
    return {v.rule for v in check_dialogue(dialogue, limits, own_requests=own) if v.severity == "fatal"}


@pytest.mark.parametrize(
    ("request_text", "turns", "rule"),
    [
        ("Make that door louder.", (1, 2), "request-repeated"),
        ("Bitte den Regen lauter, \u5927\u304d\u304f", (1,), "text-foreign-script"),
        ("makeTheDoorMuchLouderPleaseNowAndForever", (1,), "text-glued"),
        ("the sound", (1,), "text-says-nothing"),
    ],
)
def test_only_a_designer_is_judged_by_the_words_of_a_request(request_text, turns, rule):
    assert rule in fatal(asking(request_text, *turns))
    assert not fatal(asking(request_text, *turns), own=turns)


def test_length_and_emptiness_hold_for_all():
    assert fatal(asking("...", 1), own=(1,)) == {"text-empty"}
    limits = SceneLimits(user_chars=60)
    assert fatal(asking("louder " * 20, 1), (1,), limits) == {"text-too-long"}


def test_the_turns_of_a_seed_that_are_not_the_designers():
    assert list(Seed("s", "t").own_requests) == []
    assert list(Seed("s", "t", requests=("a", "b")).own_requests) == [0, 1]
    continued = Continued(a_dialogue(Seed("s", "t")), {}, ())
    assert list(Seed("s", "t", requests=("a",), continued=continued).own_requests) == [0, 1, 2, 3]
