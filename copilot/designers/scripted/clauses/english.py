"""English words by class: which may be the verb of a sentence, its subject, or the end of one.

A word may be in several classes. Text is in lower case here, as the seeds of a corpus in capitals have none.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

_VOWELS = "aeiou"
_ADJECTIVE_ENDINGS = ("ous", "ful", "less", "able", "ible", "ish", "ical")
_SHORTEST_PAST = 4
_SHORTEST_SINGULAR = 3
_LONGEST_BASE_IN_ING = 5
_CLOSED = re.compile(r"(?<![aeiou])[aeiouy][bcdfgklmnprtvz]$")
_SYLLABLE = re.compile(r"[aeiouy]+")
_PLURALS = frozenset({"people", "men", "women", "children", "folk"})
_FUNCTION_WORDS = (
    "auxiliaries",
    "contractions",
    "determiners",
    "prepositions",
    "coordinators",
    "subordinators",
    "objects",
    "subjects",
    "openers",
    "middles",
)


def read_data(name: str) -> dict[str, Any]:
    """Return a data file of the package that is no part of a lexicon."""
    return tomllib.loads(
        resources.files("copilot.designers.scripted")
        .joinpath("data", f"{name}.toml")
        .read_text(encoding="utf-8")
    )


def at(words: Sequence[str], k: int) -> str:
    """Return a word by its place, or nothing if there is none."""
    return words[k] if 0 <= k < len(words) else ""


class English:
    """The word classes, from the data of the package; all words are in lower case."""

    def __init__(self, data: Mapping[str, Mapping[str, Any]]) -> None:
        verbs, self._data = data["verbs"], data
        words = {name: frozenset(text.split()) for name, text in data["words"].items()}
        self.auxiliaries = words["auxiliaries"]
        self.be = words["be"]
        self.contractions = words["contractions"]
        self.subjects = words["subjects"]
        self.first_or_second = words["first_or_second"]
        self.objects = words["objects"]
        self.determiners = words["determiners"]
        self.prepositions = words["prepositions"]
        self.coordinators = words["coordinators"]
        self.subordinators = words["subordinators"]
        self.particles = words["particles"]
        self.openers = words["openers"]
        self.exclamations = words["exclamations"]
        self.archaic = words["archaic"]
        self.question_words = words["question_words"]
        self.nounlike_adjectives = words["nounlike_adjectives"]
        self.closing = words["closing"]
        self.telling = words["telling"]
        self.idioms = frozenset(idiom.strip() for idiom in data["words"]["idioms"].split(";"))
        self._adjectives = words["adjectives"]
        self._middles = words["middles"]
        self.thinking = frozenset(verbs["thinking"].split())
        self.commands = frozenset(verbs["commands"].split())
        self.two_faced = frozenset(verbs["two_faced"].split())
        self._not_past = frozenset(verbs["not_past"].split())
        free, bound = frozenset(verbs["free"].split()), frozenset(verbs["bound"].split())
        forms = {base: (past, participle) for base, past, participle in map(str.split, verbs["irregular"])}
        self.irregular = forms
        self.base = free | bound
        self.third = frozenset(map(_add_s, self.base))
        self._pasts = frozenset(past for past, _ in forms.values())
        self.participles = frozenset(participle for _, participle in forms.values()) | {"been", "done", "had"}
        self.free_forms = frozenset(form for verb in free for form in _inflect(verb, forms))
        self.bound_forms = (
            frozenset(form for verb in bound for form in _inflect(verb, forms)) - self.free_forms
        )
        self._function_words = frozenset().union(
            *(words[name] for name in _FUNCTION_WORDS), {"that", "which", "who"}
        )

    def group(self, table: str, name: str) -> frozenset[str]:
        """Return a group of words that only one step of the reading needs."""
        return frozenset(self._data[table][name].split())

    def list_texts(self, table: str, name: str) -> list[str]:
        """Return texts of several words, which only one step of the reading needs."""
        return [text.strip() for text in self._data[table][name].split(";") if text.strip()]

    def is_past(self, word: str) -> bool:
        """Return whether a word is a past form, by an ending or by heart."""
        return word in self._pasts or self.is_regular_past(word)

    def is_regular_past(self, word: str) -> bool:
        """Return whether a word ends as a regular past form or participle does."""
        return word.endswith("ed") and len(word) >= _SHORTEST_PAST and word not in self._not_past

    def is_adjective(self, word: str) -> bool:
        """Return whether a noun is missing behind a determiner and this word."""
        return word in self._adjectives or word.endswith(_ADJECTIVE_ENDINGS)

    def is_adverb(self, word: str) -> bool:
        """Return whether a word may stand between a subject and its verb."""
        return word in self._middles or (word.endswith("ly") and len(word) > _SHORTEST_PAST)

    def is_verb(self, word: str) -> bool:
        """Return whether a word may be a verb of any form."""
        return word in self.base or word in self.third or word in self.participles or self.is_past(word)

    def is_nounlike(self, word: str) -> bool:
        """Return whether a word belongs to no class of function words."""
        return word not in self._function_words

    def is_plural(self, word: str) -> bool:
        """Return whether a noun is one of several."""
        return word in _PLURALS or (word.endswith("s") and not word.endswith(("ss", "'s", "us", "is")))

    def is_noun(self, word: str) -> bool:
        """Return whether a word can end the name of something: no adjective, no possessive."""
        return self.is_nounlike(word) and not self.is_adjective(word) and not word.endswith(("'s", "s'"))


@cache
def load_english() -> English:
    """Return the word classes of the package."""
    return English(read_data("english"))


def _add_s(verb: str) -> str:
    if verb.endswith(("s", "sh", "ch", "x", "z", "o")):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if verb.endswith("y") and verb[-2:-1] not in _VOWELS else f"{verb}s"


def _add_ed(verb: str) -> tuple[str, ...]:
    """Return the possible past forms of a regular verb: stopped, carried, moved, opened."""
    if verb.endswith("e"):
        return (f"{verb}d",)
    if verb.endswith("y") and verb[-2:-1] not in _VOWELS:
        return (f"{verb[:-1]}ied",)
    return tuple(f"{stem}ed" for stem in _double(verb))


def _inflect(verb: str, forms: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return (verb, _add_s(verb), *_add_ing(verb), *forms.get(verb, _add_ed(verb)))


def _add_ing(verb: str) -> tuple[str, ...]:
    if verb.endswith("ie"):
        return (f"{verb[:-2]}ying",)
    if verb.endswith("e") and not verb.endswith("ee"):
        return (f"{verb[:-1]}ing",)
    return tuple(f"{stem}ing" for stem in _double(verb))


def _double(verb: str) -> tuple[str, ...]:
    """Return the stems before -ed and -ing: stopp, not stop; open; both of refer and referr."""
    closed = _CLOSED.search(verb)
    if not closed:
        return (verb,)
    doubled = f"{verb}{verb[-1]}"
    return (doubled,) if len(_SYLLABLE.findall(verb)) == 1 else (verb, doubled)


def list_noun_and_verb_forms(word: str, english: English) -> tuple[str, ...]:
    """Return a word with its plural and its forms as a verb; of a plural the singular as well.

    "leaves" is what falls from a tree, and no form of "leave".
    """
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        single = word[:-1]
        own = (
            word.endswith(("ves", "ses", "xes", "shes", "ches", "mines")) or len(single) < _SHORTEST_SINGULAR
        )
        return (word,) if own else (word, single)
    if word.endswith(("ing", "ed")) and len(word) > _LONGEST_BASE_IN_ING:
        return (word, f"{word}s")
    past, participle = english.irregular.get(word, ("", ""))
    # Both "learnt" and "learned", but not "runned".
    regular = () if past and not past.endswith("t") else _add_ed(word)
    irregular = (past, participle) if past else ()
    return tuple(dict.fromkeys((word, _add_s(word), *_add_ing(word), *irregular, *regular)))
