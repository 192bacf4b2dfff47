"""Captions of sounds as words: simplified phrases, tokens, and the prepositions that place a sound."""

from __future__ import annotations

import re

POSSESSIVE = "~"
"""The token that stands behind an owner: `the dog's bark` is the, dog, ~, bark."""

_POSSESSIVE = re.compile(r"'s\b|(?<=s)'(?!\w)")
_TOKEN = re.compile(rf"{POSSESSIVE}|[a-z0-9]+(?:-[a-z0-9]+)*|[,;:.]")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set, so that tables of words are easy to read."""
    return frozenset(text.split())


PREPOSITIONS = word_set(
    """on in into onto over at near from through against under underneath behind beside by with without across
    along down up outside inside within around between beneath above below while as and then to toward towards
    for after before amid amidst among amongst during past off beyond throughout upon like"""
)
"""The words behind these place a sound, and do not name it."""

# Phrases with a preposition in them that mean one word, which replaces them before a caption is read.
_PHRASES: dict[str, str] = {
    "in the distance": "distant",
    "in the far distance": "distant",
    "from the distance": "distant",
    "from a distance": "distant",
    "at a distance": "distant",
    "far away": "distant",
    "far off": "distant",
    "far below": "distant",
    "a long way off": "distant",
    "up close": "close",
    "close up": "close",
    "close by": "close",
    "high pitched": "high-pitched",
    "low pitched": "low-pitched",
    "through a wall": "muffled",
    "through the wall": "muffled",
    "through walls": "muffled",
    "behind a door": "muffled",
    "behind a closed door": "muffled",
    "behind a wall": "muffled",
    "behind the wall": "muffled",
    "from the next room": "muffled",
    "in the next room": "muffled",
    "from another room": "muffled",
    "next door": "muffled",
    "under water": "underwater",
    "under the water": "underwater",
    "under the sea": "underwater",
    "beneath the sea": "underwater",
    "beneath the waves": "underwater",
    "beneath the surface": "underwater",
    "below the surface": "underwater",
    "under the surface": "underwater",
}
_PHRASE = re.compile(rf"\b({'|'.join(sorted(_PHRASES, key=len, reverse=True))})\b")


def simplify(caption: str) -> str:
    """Return the caption in lower case, with phrases such as "in the distance" replaced by one word each."""
    return _PHRASE.sub(lambda found: _PHRASES[found.group()], caption.lower())


def tokenize(text: str) -> list[str]:
    """Return lower-case words, the marks , ; : . and POSSESSIVE behind an owner, in order."""
    text = _POSSESSIVE.sub(f" {POSSESSIVE} ", text.lower().replace("\u2019", "'"))
    return _TOKEN.findall(text.replace("'", ""))
