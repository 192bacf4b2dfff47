"""Every caption of the scripted designer's lexicon calls for the recipe of its family."""

from copilot.designers.scripted.lexicon_data import load_lexicon
from renderers.procedural.all_recipes import CATALOGUE


def test_every_family_is_a_recipe():
    assert set(load_lexicon()[0].families) - set(CATALOGUE.recipes) == set()


def test_every_caption_matches_its_family():
    matched = {
        caption: (sound.tag, CATALOGUE.match(caption))
        for caption, sound in load_lexicon()[0].sounds().items()
    }
    wrong = {
        caption: (tag, recipe and recipe.name)
        for caption, (tag, recipe) in matched.items()
        if recipe is None or recipe.name != tag
    }
    assert wrong == {}
