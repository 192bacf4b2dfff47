from __future__ import annotations

import pytest
from helpers.examples import BELL, DOG, LIMITS, LINE, PIANO, RAIN, STORY, but, dialogue_of, with_turn

from copilot.edit import Add, Change, Remove
from copilot.rules import check_dialogue
from copilot.rules.request_targets import Targets, find_targets
from copilot.rules.requests import read_level, read_side
from copilot.scene import Scene
from copilot.text.word_stems import reduce_request_word

SCENE = Scene(elements=(RAIN, DOG, LINE, PIANO))

LEVELS = [
    ("Turn the rain up a little", "louder"),
    ("Could you make the dog louder?", "louder"),
    ("Make it quieter, please.", "quieter"),
    ("The dog isn't supposed to be so loud.", "quieter"),
    ("Not so loud, that bell!", "quieter"),
    ("I can barely hear the bell", "louder"),
    ("I can't hear the clock over the rain", "louder"),
    ("That is not loud enough.", "louder"),
    ("It's too loud", "quieter"),
    ("The clock is too quiet for me", "louder"),
    ("Bring down the crowd", "quieter"),
    ("bring the crowd way down", "quieter"),
    ("Bring the bell out more", "louder"),
    ("Push the rain further back", "quieter"),
    ("Push the wind into the background", "quieter"),
    ("bring the bell to the front", "louder"),
    ("Soften the ticking", "quieter"),
    ("raise the level of the bell by 4 dB", "louder"),
    ("boost the bell", "louder"),
    ("Fade the strings down", "quieter"),
    ("Make the bell more prominent", "louder"),
    ("Make the bell less prominent.", "quieter"),
    ("A softer clock would be nice.", "quieter"),
    ("Don't turn the rain up.", None),
    ("Turn the rain up and the dog down", None),
    ("Pan the dog left", None),
    ("The wind drowns everything, tone it down", "quieter"),
    ("Can the rain be a bit more subtle?", "quieter"),
    ("less quiet please", "louder"),
    ("keep the drums quiet.", "quieter"),
    ("Let the bell stand out", "louder"),
    ("Give the bell more presence", "louder"),
    ("Lower the music", "quieter"),
    ("the music is overpowering, pull it back", "quieter"),
    ("Not quiet enough, this wind", "quieter"),
    ("make it not so quiet", "louder"),
    ("The street is quiet at night and I like the soft rain", None),
    ("Dial the engine back", "quieter"),
    ("Crank up that engine!", "louder"),
    ("The strings are a touch too prominent", "quieter"),
    ("Could the waves be stronger?", "louder"),
    ("Reduce the volume of the waves", "quieter"),
    ("Increase the volume of the waves", "louder"),
    ("The volume of the waves", None),
    ("I'd like to hear more of the waves", "louder"),
]

SIDES = [
    ("Pan the dog to the left", "left"),
    ("Move the bell from the left to the right", "right"),
    ("I want it on the right side", "right"),
    ("Put it in my left ear", "left"),
    ("Bring the bell to the centre", "centre"),
    ("center the voice", "centre"),
    ("Move the dog on the left into the middle", "centre"),
    ("The dog sounds right to me", None),
    ("Move it right now", None),
    ("Move it right now to the left", "left"),
    ("It's too far left", "right"),
    ("the bell is too far to the right", "left"),
    ("a bit less to the left", "right"),
    ("It is too far left, bring it to the middle", "centre"),
    ("Put it to the left of the fire", None),
    ("a bit left of centre", "left"),
    ("Put it right in the middle", "centre"),
    ("Shift the clock leftwards", "left"),
    ("Let the horses come from the right", "right"),
    ("Spread them: the dog left, the cat right", None),
    ("What is left of the scene?", None),
    ("Move what is left of it to the right", "right"),
    ("further left please", "left"),
    ("Could you pan it right?", "right"),
    ("the knocking should come from my right", "right"),
    ("away from the centre", None),
    ("away from the right", "left"),
    ("Swap the left and the right one", None),
    ("Move the footsteps all the way over to the left-hand side", "left"),
    ("not on the left, somewhere else on the right or the middle", None),
    ("The dog, which is on the right, belongs to the far left", "left"),
]


@pytest.mark.parametrize(("request_text", "level"), LEVELS)
def test_level_that_is_asked(request_text: str, level: str | None):
    assert read_level(request_text) == level


@pytest.mark.parametrize(("request_text", "side"), SIDES)
def test_side_that_is_asked(request_text: str, side: str | None):
    assert read_side(request_text) == side


def test_typographic_apostrophe_negates():
    assert read_level("Don\u2019t turn it up") is None
    assert read_level("It isn\u2019t loud enough") == "louder"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bells", "bell"),
        ("strings", "string"),
        ("bees", "bee"),
        ("waves", "wave"),
        ("ticking", "ticks"),
        ("running", "runs"),
        ("glasses", "glass"),
        ("ponies", "pony"),
        ("breezes", "breeze"),
        ("rolling", "rolls"),
        ("barked", "barking"),
    ],
)
def test_stem_joins_forms_of_a_word(one: str, other: str):
    assert reduce_request_word(one) == reduce_request_word(other)


@pytest.mark.parametrize(
    ("one", "other"), [("bus", "bu"), ("ring", "r"), ("bell", "belt"), ("rain", "train")]
)
def test_stem_keeps_words_apart(one: str, other: str):
    assert reduce_request_word(one) != reduce_request_word(other)


@pytest.mark.parametrize(
    ("request_text", "possible", "certain"),
    [
        ("Turn down the dog.", {1}, {1}),
        ("That barking is too much.", {1}, {1}),
        ("The voice is too soft.", {2}, {2}),
        ("What Anna says is too soft.", {2}, {2}),
        ("Can she speak up?", {2}, set()),
        ("The music is too soft.", {3}, {3}),
        ("Make the dog louder than the rain.", {0, 1}, {1}),
        ("Lower the rain so that the dog comes through.", {0, 1}, {0}),
        ("I cannot hear the dog over the rain.", {0, 1}, set()),
        ("Keep the rain, but lose the dog.", {0, 1}, {1}),
        ("Swap the dog for a piano.", {1, 3}, {1}),
        ("Everything but the rain.", {0, 1, 2, 3}, {0}),
        ("Push it into the background.", {0}, set()),
        # The words of a line may mean it, but do not name it.
        ("Turn down the door.", {2}, set()),
        ("Make it softer.", set(), set()),
        ("Mach den Regen lauter.", set(), set()),
    ],
)
def test_sounds_that_a_request_names(request_text: str, possible: set[int], certain: set[int]):
    assert find_targets(request_text, SCENE) == Targets(frozenset(possible), frozenset(certain))


def test_word_that_two_sounds_share_names_neither_beyond_doubt():
    scene = Scene(elements=(RAIN, but(DOG, text="rain dripping from a gutter")))
    assert find_targets("Turn down the rain.", scene) == Targets(frozenset({0, 1}), frozenset())
    assert find_targets("Turn down the dripping.", scene) == Targets(frozenset({1}), frozenset({1}))


LOUDER_DOG, QUIETER_DOG = Change(id=1, loudness=-14), Change(id=1, loudness=-24)
LOUDER_RAIN, QUIETER_RAIN = Change(id=0, loudness=-24), Change(id=0, loudness=-30)


@pytest.mark.parametrize(
    ("task", "request_text", "operations"),
    [
        ("volume", "Make the dog louder than the rain.", [QUIETER_RAIN]),
        ("volume", "I cannot hear the dog over the rain.", [QUIETER_RAIN]),
        ("volume", "Make the dog louder than the rain.", [LOUDER_DOG, QUIETER_RAIN]),
        ("volume", "Turn the rain down and the dog up.", [LOUDER_DOG, QUIETER_RAIN]),
        ("volume", "Turn everything up, the piano most of all.", [LOUDER_DOG, LOUDER_RAIN]),
        ("volume", "That animal is too loud.", [QUIETER_DOG]),
        ("volume", "She is drowned by the rain. Bring her up.", [Change(id=2, loudness=-12)]),
        ("volume", "Don't make the dog any louder.", [LOUDER_DOG]),
        ("panning", "Take the dog from the left to the right.", [Change(id=1, panning=0.5)]),
        ("panning", "The dog is too far left.", [Change(id=1, panning=0.1)]),
        ("panning", "Put the dog to the left of the piano.", [Change(id=1, panning=0.1)]),
        (
            "panning",
            "Swap dog and piano, left and right.",
            [Change(id=1, panning=0.3), Change(id=3, panning=-0.5)],
        ),
        ("remove", "Leave me alone with the rain, no barking.", [Remove(id=1)]),
        ("add", "A bell on the right, please.", [Add(element=BELL)]),
        ("add", "A dog answers from the left.", [Add(element=but(BELL, panning=0.05))]),
        (
            "add",
            "Two bells, one on the left.",
            [Add(element=BELL), Add(element=but(BELL, id=5, text="a cow bell", panning=-0.5))],
        ),
        ("open", "Turn the rain down.", [LOUDER_RAIN]),
    ],
)
def test_words_that_do_not_contradict(task, request_text: str, operations):
    assert check_dialogue(dialogue_of(STORY, (task, request_text, operations)), LIMITS) == ()


@pytest.mark.parametrize(
    "said",
    [
        "-20 LUFS",
        "3.5 dB",
        "louder",
        "Quieter",
        "volume",
        "loudness",
        "panned",
        "panning",
        "hard left",
        "on the right",
        "to the left",
        "from the far right",
        "in your left ear",
        "on the left-hand side",
        "right channel",
    ],
)
def test_description_that_speaks_of_mixing(said: str):
    spoilt = with_turn(dialogue_of(STORY), 0, description=f"A bell, {said}, in the rain.")
    assert [(v.rule, v.message) for v in check_dialogue(spoilt, LIMITS)] == [
        (
            "description-free-of-mixing",
            f"turn 0: the description says {said!r}; it names no loudness and no panning",
        )
    ]


@pytest.mark.parametrize(
    "description",
    [
        "A quiet street where somebody speaks softly.",
        "A loud crowd in the centre of the town.",
        "A frying pan hisses, and a heavy volume of verse falls shut.",
        "Men are panning for gold on the left bank of the river.",
        "He has left; the right moment is gone.",
        "The wind drops a little in the soft rain.",
    ],
)
def test_description_of_a_place_and_what_happens(description: str):
    assert check_dialogue(with_turn(dialogue_of(STORY), 0, description=description), LIMITS) == ()
