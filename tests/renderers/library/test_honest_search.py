"""Recordings are honest matches: captions as people write them, with the label that is meant for each."""

from __future__ import annotations

import pytest

from renderers.library.search import Search

LABELS = (
    "dog bark", "rain", "sea waves", "baby cry", "clock tick", "person sneeze", "helicopter", "chainsaw",
    "rooster", "fire crackling", "cat", "church bell", "door creaking", "footsteps on gravel",
    "car engine idling",
)  # fmt: skip

JUDGED = {
    "a dog barks repeatedly": "dog bark",
    "several dogs bark in a kennel": "dog bark",
    "a dog panting heavily": None,
    "a dog whimpers softly": None,
    "a dog whistle being blown": None,
    "a dog barks and a bird chirps": None,
    "rain falls on a metal roof": "rain",
    "heavy rain pours down": "rain",
    "a rain jacket rustles": None,
    "rain falls while a man speaks": None,
    "waves roll in and out on a beach": "sea waves",
    "a baby cries loudly": "baby cry",
    "a baby babbles and giggles": None,
    "gulls cry over the harbour": None,
    "a clock is ticking loudly": "clock tick",
    "a clock strikes the hour": None,
    "a woman sneezes twice": "person sneeze",
    "a person snores": None,
    "a helicopter hovers overhead": "helicopter",
    "a helicopter toy buzzes": None,
    "a chainsaw starts": "chainsaw",
    "a rooster crows at dawn": "rooster",
    "a crow caws": None,
    "a fire crackles in the hearth": "fire crackling",
    "a fire truck drives by": None,
    "a fire alarm rings": None,
    "static crackles": None,
    "a cat meows": "cat",
    "a cat purrs close to the microphone": None,
    "cat food is poured into a bowl": None,
    "a church bell rings": "church bell",
    "a bicycle bell rings": None,
    "a church service with people singing": None,
    "a door creaks slowly": "door creaking",
    "a door slams": None,
    "a car door is shut": None,
    "footsteps on gravel": "footsteps on gravel",
    "a truck dumps gravel": None,
    "an engine idling roughly": "car engine idling",
    "a car horn honks": None,
    "a car alarm goes off": None,
    "music plays in the background": None,
}


@pytest.fixture(scope="module")
def search():
    search = Search(LABELS)
    yield search
    search.close()


@pytest.mark.parametrize(("caption", "label"), JUDGED.items())
def test_a_caption_finds_the_recording_that_is_meant_for_it(search, caption, label):
    assert {LABELS[row] for row in search.find(caption)} == ({label} if label else set())
