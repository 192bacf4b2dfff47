"""The manners of users: what they take out of several phrasings, and how they write."""

import pytest

from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.lexicon_data import load_lexicon
from copilot.designers.scripted.manners import Manner, draw_manner, expand

TEXTS = ["Could you please add rain?", "Rain.", "I would like to hear some rain in the background."]


@pytest.mark.parametrize(
    ("takes", "position"), [("any", 0), ("shortest", 1), ("longest", 2), ("politest", 0)]
)
def test_a_user_takes_one_of_several(takes, position):
    assert Manner(takes=takes).choose(TEXTS) == position


def test_lower_case_spares_what_is_quoted():
    manner = Manner(lower_case=True)
    assert manner.write('I want "We Are Here." In it.') == 'i want "We Are Here." in it'
    assert Manner().write("I want it.") == "I want it."


def test_choices_are_made():
    made = {expand("[Add|[Put|Mix] in] rain[.|, please.]", Dice(0, n)) for n in range(60)}
    assert made == {f"{verb} rain{end}" for verb in ("Add", "Put in", "Mix in") for end in (".", ", please.")}


def test_manners_are_drawn_by_their_shares():
    manners = {"often": Manner(share=3), "seldom": Manner(share=1)}
    drawn = [draw_manner(manners, Dice("m", n)) for n in range(400)]
    assert 270 < drawn.count(manners["often"]) < 330


def test_nothing_around_a_request_makes_it_too_long():
    book = load_lexicon()[1]
    manner = Manner(before=1, behind=1)
    made = {book.surround("Add some rain.", Dice(n), manner, 50, opens=False) for n in range(99)}
    assert max(map(len, made)) <= 50
    assert min(map(len, made)) == len("Add some rain.")


def test_users_of_all_kinds_ask_in_different_ways():
    book = load_lexicon()[1]
    lengths = {
        name: sum(len(book.draw(Dice(n), "remove", ("any",), manner).text) for n in range(200))
        for name, manner in book.manners.items()
    }
    assert lengths["terse"] < lengths["plain"] < lengths["rambling"]
