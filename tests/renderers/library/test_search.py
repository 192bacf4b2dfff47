"""Which recordings a caption calls for, and which it must not get."""

from __future__ import annotations

import pytest

from renderers.library.search import Search, parse_terms

LABELS = [
    "dog bark",
    "dog bark",
    "distant dog barking at night",
    "rain",
    "rain on a tent",
    "fire crackling",
    "person sneeze",
    "rooster",
    "baby cry",
    "clock tick",
    "sea waves",
    "music",
    "guitar melody",
    "caf\u00e9 crowd",
]


@pytest.fixture(scope="module")
def search():
    search = Search(LABELS)
    yield search
    search.close()


@pytest.mark.parametrize(
    ("caption", "found"),
    [
        ("a distant dog barks twice", ["distant dog barking at night"]),
        ("a dog barks twice", ["dog bark"]),
        ("dogs barking in the distance", ["distant dog barking at night"]),
        ("a loud dog bark", ["dog bark"]),
        ("rain on a tin roof", ["rain"]),
        ("rain on a tent", ["rain on a tent"]),
        ("crackling fire", ["fire crackling"]),
        ("a man sneezes", ["person sneeze"]),
        ("A rooster crow!", ["rooster"]),
        ("babies crying softly", ["baby cry"]),
        ("in the old house, a clock ticking", ["clock tick"]),
        ("soft music playing", ["music"]),
        ("a cafe crowd", ["caf\u00e9 crowd"]),
    ],
)
def test_a_caption_finds_what_it_names(search, caption, found):
    assert sorted({LABELS[row] for row in search.find(caption)}) == found


@pytest.mark.parametrize(
    "caption",
    [
        "soft piano melody",
        "fire truck passing",  # a qualifier is not the thing
        "fire alarm",
        "dog whistle",
        "gulls crying overhead",  # others cry too
        "a person walking",
        "a dog panting",  # another sound of the same thing
        "a dog drinks water",
        "static crackles",  # the same sound of another thing
        "rain falls and thunder rumbles",  # two sounds
        "a man speaks while a clock ticks",
        "no rain, only wind",
        "a baby laughing",
        "on the sea",  # a place alone
        "leaves rustling in the rain",  # a place is not the sound
        "distant thunder at night",
        "the wooden door of a fire station creaks",
        "softly",
        "",
        "...",
    ],
)
def test_a_caption_that_nothing_fits_finds_nothing(search, caption):
    assert search.find(caption) == []


@pytest.mark.parametrize(
    "caption",
    [
        '"',
        'rain" OR "dog',
        "text : rain*",
        "NEAR(rain dog)",
        "rain AND NOT dog",
        "^rain",
        "a\x00b",
        "\ud800 {rain}",
    ],
)
def test_captions_are_words_and_no_query(search, caption):
    assert {LABELS[row] for row in search.find(caption)} <= {"rain", "dog bark"}


def test_more_of_the_distinct_words_comes_first():
    search = Search(["dog dog dog dog", "dog bark", "dog bark growl", "bark"])
    assert search.find("a dog barks and growls") == [2]
    assert search.find("a dog, dogs, a dog barking") == [1]
    search.close()


def test_equally_good_ones_are_all_there(search):
    assert search.find("a dog barks") == [0, 1]


def test_what_the_words_of_a_caption_do():
    terms = parse_terms("A distant fire engine roars past, its siren wailing over the roofs")
    assert {term.word: (term.names, term.decides) for term in terms} == {
        "distant": (False, False),
        "fire": (True, False),
        "engine": (True, True),
        "roars": (True, True),
        "siren": (False, False),
        "wailing": (False, False),
        "roofs": (False, False),
    }
