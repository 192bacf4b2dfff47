"""Words of a caption: split, lightly stemmed, and compared by their stems.

The stemmer is small on purpose: it joins what captions vary (crackle, crackles, crackling, crackled) and
treats captions and keywords alike, so that a stem need not be a word.
"""

from __future__ import annotations

import re

_IRREGULAR = {
    "wolves": "wolf", "leaves": "leaf", "geese": "goose", "mice": "mouse", "hooves": "hoof", "hoofs": "hoof",
    "children": "child", "men": "man", "women": "woman", "feet": "foot", "knives": "knife",
    "winding": "wound", "firing": "shoot", "fired": "shoot", "ran": "run",
    "rang": "ring", "rung": "ring", "sang": "sing", "blew": "blow", "shook": "shake", "broke": "break",
    "broken": "break", "struck": "strike", "swung": "swing", "calves": "calf",
}  # fmt: skip
POSSESSIVE = "~"
_VOWEL = re.compile(r"[aeiouy]")
_POSSESSIVE = re.compile(r"'s\b|(?<=s)'(?!\w)")
_TOKEN = re.compile(rf"{POSSESSIVE}|[a-z0-9]+(?:-[a-z0-9]+)*|[,;:.]")


def stem(word: str) -> str:
    """The stem of a lower-case word: without plural, -ing, -ed, doubled end, or final e."""
    word = _IRREGULAR.get(word, word)
    word = _without_plural(word)
    for suffix in ("ing", "ed"):
        body = word.removesuffix(suffix)
        if body != word and len(body) >= 3 and _VOWEL.search(body):
            word = body
            break
    if len(word) > 2 and word[-1] == word[-2] and word[-1] not in "eo":
        word = word[:-1]
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return word[:-1] + "i" if len(word) > 2 and word.endswith("y") else word


def _without_plural(word: str) -> str:
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def tokens(text: str) -> list[str]:
    """Lower-case words, the marks , ; : . and POSSESSIVE behind an owner, in order."""
    text = _POSSESSIVE.sub(f" {POSSESSIVE} ", text.lower().replace("\u2019", "'"))
    return _TOKEN.findall(text.replace("'", ""))


def words_of(text: str) -> frozenset[str]:
    """The words of a string, as a set: tables of words stay readable."""
    return frozenset(text.split())
