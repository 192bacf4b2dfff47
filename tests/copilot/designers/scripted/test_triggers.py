"""The words of a seed that call for sounds and places, read as words and not as letters."""

import re

import pytest

from copilot.designers.scripted import ScriptedDesigner
from copilot.designers.scripted.clauses.english import list_noun_and_verb_forms, load_english
from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.lexicon import Lexicon
from copilot.designers.scripted.lexicon_data import load_lexicon
from copilot.designers.scripted.triggers import Triggers
from copilot.seed import STARTER_SEEDS, Seed

N_DIALOGUES = 2000


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()[0]


@pytest.fixture(scope="module")
def triggers(lexicon) -> Triggers:
    families = {tag: family.triggers for tag, family in lexicon.families.items()}
    return Triggers(lexicon.settings, families, load_english())


@pytest.mark.parametrize(
    "text",
    [
        "LEAVING NOTHING",
        "HE HUNG FIRE AGAIN",
        "IT WAS NOT THE FIR THAT THEY MEANT",
        "THEY CARED FOR NOTHING",
        "HE STARED AT THE RATE",
        "THE PLAN WAS TO WIN",
        "IT WAS MINE",
        "THEY PASSED HIM",
        "HER FACE ROSE",
        "ON ACCOUNT OF IT",
        "HE WAS TRAINED WELL",
        "IN GENERAL IT IS SO",
        "WITH ALL MY HEART",
        "A KNEE IN BLUE PANTS",
        "THE WINDING WAY",
    ],
)
def test_false_friends_call_for_nothing(triggers, text):
    assert triggers.find_families(text) == []
    assert not triggers.know(text)


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("THE LEAVES FELL", "leaves"),
        ("HE SAT BY THE FIRE", "fire"),
        ("THE FIRES WERE LIT", "fire"),
        ("IT HAS BEEN RAINING", "rain"),
        ("THE DOGS BARKED", "dog"),
        ("THE BELLS", "church_bell"),
        ("THEY SANG", "choir"),
        ("SINGING IN THE BATH", "choir"),
        ("A KEY TURNED", "keys"),
        ("BY TRAIN", "train"),
        ("HE RODE AWAY", "horse_hooves"),
        ("They were laughing", "laughter"),
    ],
)
def test_forms_of_a_word_call_for_its_sound(triggers, text, family):
    assert family in triggers.find_families(text)


def test_a_noun_counts_where_it_is_one(triggers):
    dice = Dice(1)
    assert triggers.pick_setting("A ROSE AND ANOTHER ROSE", dice).key == "garden"
    assert not triggers.know("THEY ROSE AND STOOD")


def test_each_called_sound_of_two_thousand_dialogues_has_its_word_in_the_seed(lexicon):
    english, designer = load_english(), ScriptedDesigner()
    forms = {
        tag: {form for word in family.triggers for form in list_noun_and_verb_forms(word, english)}
        for tag, family in lexicon.families.items()
    }
    sentences = STARTER_SEEDS.read_text("utf-8").split("\n")
    n_called = 0
    for number in range(N_DIALOGUES):
        text = f"{sentences[number % len(sentences)]} {sentences[number * 11 % len(sentences)]}".upper()
        words = set(re.findall(r"[a-z]+", text.lower()))
        for tag in designer._triggers.find_families(text):
            n_called += 1
            assert not words.isdisjoint(forms[tag]), (tag, text)
    assert n_called > N_DIALOGUES


def test_the_forms_of_a_word():
    english = load_english()
    assert list_noun_and_verb_forms("leaves", english) == ("leaves",)
    assert list_noun_and_verb_forms("star", english) == ("star", "stars", "starring", "starred")
    assert set(list_noun_and_verb_forms("ride", english)) == {"ride", "rides", "riding", "rode", "ridden"}
    assert {"learnt", "learned"} <= set(list_noun_and_verb_forms("learn", english))


def test_a_trigger_of_a_users_own_is_met_as_it_is_written(lexicon):
    triggers = Triggers(lexicon.settings, {"machine_hum": ["consumption", "rocking"]}, load_english())
    assert triggers.find_families("CONSUMPTION IS ROCKING") == ["machine_hum"]
    assert ScriptedDesigner().design(Seed("a", "CONSUMPTION"), 1).dialogue.turns
