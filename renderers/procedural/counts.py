"""The number of events that a caption states: "barks twice", "three slow knocks", "a single gunshot"."""

from __future__ import annotations

from collections.abc import Sequence

from copilot.text.captions import word_set

_TIMES = {"once": 1, "twice": 2, "thrice": 3}
_NUMBERS = {
    word: number
    for number, words in enumerate(
        ("one single 1", "two 2", "three 3", "four 4", "five 5", "six 6", "seven 7", "eight 8"), start=1
    )
    for word in words.split()
}
# Nouns of single events: "three knocks" counts them, "three dogs" counts something else.
_EVENTS = word_set(
    """bark woof meow moo bleat neigh whinny howl hoot caw honk quack knock rap tap bang thud thump clap shot
    gunshot blast chime stroke ring toll beep ping drip cough sneeze step blow click snap splash"""
)


def read_count(words: Sequence[str]) -> int:
    """Return the stated number of events, 0 if none is stated. `words` are lower-case tokens."""
    for place, word in enumerate(words):
        if word in _TIMES and list(words[place - 1 : place]) != ["at"]:
            return _TIMES[word]
        number, following = _NUMBERS.get(word, 0), words[place + 1 : place + 3]
        if number and "times" in following[:1]:
            return number
        if number == 1 and "another" in words:
            continue
        if number and any(_is_event(noun, plural=number > 1) for noun in following):
            return number
    return 0


def _is_event(noun: str, *, plural: bool) -> bool:
    return noun.removesuffix("s") in _EVENTS if plural else noun in _EVENTS
