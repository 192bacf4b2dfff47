"""Matches are honest: of captions as people write them, hardly one gets a recipe for another sound.

`captions.tsv` says of each caption, judged by hand, which recipes are meant for that very thing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from copilot.text.clauses import read_clauses
from renderers.procedural.all_recipes import CATALOGUE
from renderers.procedural.companions import COMPANIONS, LATITUDES

MOST_FALSE = 0.03
LEAST_FOUND = 0.95


def read_judged() -> dict[str, set[str]]:
    """Return the captions with their recipes; none for a caption of several sounds (`rain+thunder`)."""
    lines = (Path(__file__).parent / "captions.tsv").read_text().splitlines()
    judged = [line.split("\t") for line in lines if not line.startswith("#")]
    return {
        caption: set() if recipes == "-" or "+" in recipes else set(recipes.split(","))
        for caption, recipes in judged
    }


JUDGED = read_judged()


def test_the_list_is_long_and_knows_the_recipes():
    assert len(JUDGED) > 800
    assert {name for names in JUDGED.values() for name in names} <= set(CATALOGUE.recipes)
    assert sum(not names for names in JUDGED.values()) > 300


def test_hardly_a_match_is_false_and_hardly_a_true_one_is_missed():
    found = {caption: recipe.name for caption in JUDGED if (recipe := CATALOGUE.match(caption))}
    false = [(caption, name) for caption, name in found.items() if name not in JUDGED[caption]]
    missed = [caption for caption, names in JUDGED.items() if names and caption not in found]
    assert len(false) < MOST_FALSE * len(found), false
    assert len(missed) < (1 - LEAST_FOUND) * sum(bool(names) for names in JUDGED.values()), missed


def test_tables_name_recipes_that_exist():
    assert COMPANIONS.keys() | LATITUDES.keys() <= CATALOGUE.recipes.keys()


@pytest.mark.parametrize(
    "caption",
    [
        "whale song",
        "a dog whistle being blown",
        "a dog panting heavily",
        "cat food is poured into a metal bowl",
        "a water heater rumbles in the basement",
        "a fire engine honks its horn",
        "rain falls and thunder rumbles",
        "a man in a car speaks",
        "no wind at all",
        "an engine fails to start",
        "a crowd talks as music plays",
        "a man in the rain",
    ],
)
def test_what_no_recipe_makes_matches_none(caption):
    assert CATALOGUE.match(caption) is None


@pytest.mark.parametrize(
    ("caption", "name"),
    [
        ("a neighbour's dog barks", "dog"),
        ("a guard answered by a sharp train whistle", "train_whistle"),
        ("on the roof, rain", "rain"),
        ("no birds, only silence", "room_tone"),
        ("a car alarm goes off in a parking lot", "alarm"),
        ("a windmill turning and groaning", "windmill"),
        ("a crowd of courtiers murmuring", "crowd"),
    ],
)
def test_what_changes_no_sound_hinders_no_match(caption, name):
    recipe = CATALOGUE.match(caption)
    assert (recipe.name if recipe else None) == name


def test_clauses_tell_what_is_named_from_where_it_is():
    first, second = read_clauses("A farmer's dog barks in the yard while nobody speaks, and a gate creaks")
    assert [(token.word, token.kind, token.placed) for token in first.tokens] == [
        ("a", "neutral", False),
        ("farmer", "neutral", False),
        ("dog", "word", False),
        ("barks", "verb", False),
        ("the", "neutral", True),
        ("yard", "neutral", True),
    ]
    assert [token.word for token in second.tokens] == ["a", "gate", "creaks"]
