"""Writes words of a text in capitals as one would: names with a capital, and the first word of a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from copilot.designers.scripted.clauses.english import English, read_data
from copilot.designers.scripted.lexicon import TextRules

_I_WORDS = frozenset({"i", "i'm", "i'll", "i'd", "i've"})
_TELLING = frozenset(
    {
        "said",
        "replied",
        "answered",
        "cried",
        "exclaimed",
        "demanded",
        "inquired",
        "murmured",
        "whispered",
        "shouted",
    }
)
_SAID = frozenset({"aloud", "grace", "good", "prayers", "mass", "somebody", "someone", "amid", "hoarsely"})
_NOT_SURNAMES = frozenset(
    {"home", "sir", "dear", "alone", "too", "like", "said", "told", "asked", "himself", "herself"}
)
_SMALL = frozenset({"of", "de", "and", "the"})
_OWNED = frozenset({"the", "a", "an", "my", "his", "her", "our", "their", "your"})
_CALLS = frozenset({"oh", "ah", "yes", "no", "well", "alas", "hello"})
_LISTENERS = frozenset({"sir", "madam", "ma'am", "gentlemen", "sire"})
_KIND = frozenset({"good", "dear", "old", "poor", "kind", "young"})
_DEAR = frozenset({"dear", "child", "friend", "friends", "boy", "lord", "lad", "son", "love", "lady"})
_MONTH_BEFORE = frozenset({"in", "of", "last", "next", "late", "early", "since", "until", "th", "first"})


class Casing:
    """Gives words their capitals, by the names of the package and those of a lexicon."""

    def __init__(self, rules: TextRules, english: English) -> None:
        names = _load_names()
        self._names = names.words | set(rules.proper)
        self._together = names.together
        self._before_names = names.before_names
        self._months = names.months
        self._titles = frozenset(rules.titles)
        self._title_forms = rules.title_forms
        self._english = english
        self._people = names.people

    @property
    def words_before_verbs(self) -> frozenset[str]:
        """The words that a subject may begin with although it has no determiner: names, and titles."""
        return frozenset(self._names) | self._titles

    def write_spoken(self, words: Sequence[str]) -> str:
        """Return the words as somebody says them: "oh" stands apart, and so does "sir"."""
        sentence = self.write_sentence(words)
        lower = [word.lower() for word in words]
        if len(words) > 2 and lower[0] in _CALLS:
            first, rest = sentence.split(" ", 1)
            sentence = f"{first.rstrip(',')}, {rest}"
        n_called = self._count_called(lower)
        if not n_called:
            return sentence
        written = sentence.split(" ")
        return f"{' '.join(written[:-n_called])}, {' '.join(written[-n_called:])}"

    def _count_called(self, lower: Sequence[str]) -> int:
        """Return how many words at the end name the listener: sir; my dear."""
        if len(lower) > 2 and lower[-1] in _LISTENERS and lower[-2] not in _OWNED | _KIND:
            return int(lower[-2] not in self._english.prepositions)
        own = len(lower) > 3 and lower[-2] == "my" and lower[-1] in _DEAR
        return 2 if own and self._closes(lower[-3]) else 0

    def _closes(self, word: str) -> bool:
        """Return whether a sentence may be over behind a word."""
        english = self._english
        opens = english.prepositions | english.auxiliaries | english.coordinators | _OWNED
        return word not in opens and not english.is_verb(word)

    def is_name(self, word: str) -> bool:
        """Return whether a word in lower case is a name, with or without 's."""
        return word.removesuffix("'s").removesuffix("s'") in self._names

    def write_sentence(self, words: Sequence[str]) -> str:
        """Return the words with capitals and spaces; a word that has capitals of its own keeps them."""
        written = list(words)
        for i, word in enumerate(words):
            if word.islower():
                written[i] = self._set_case(words, i)
        self._join_names(words, written)
        sentence = " ".join(written)
        return sentence[:1].upper() + sentence[1:]

    def _set_case(self, words: Sequence[str], i: int) -> str:
        word = words[i]
        before = words[i - 1].lower() if i else ""
        following = words[i + 1].lower() if i + 1 < len(words) else ""
        if word in _I_WORDS or self.is_name(word):
            return _capitalise(word)
        if word in self._titles:
            return (
                self._title_forms.get(word, word.capitalize())
                if self._may_name(following) and before not in _OWNED
                else word
            )
        if word in self._months and before in _MONTH_BEFORE:
            return word.capitalize()
        if word in self._before_names and before not in _OWNED - {"the"}:
            return word.capitalize() if self.is_name(following) else word
        titled = before in self._titles and (i < 2 or words[i - 2].lower() not in _OWNED)
        told = before in _TELLING and not self._english.is_plural(word) and word not in _SAID
        named = titled or told or before in self._people or before == "named"
        return _capitalise(word) if named and self._may_name(word) else word

    def _may_name(self, word: str) -> bool:
        """Return whether a word behind a title or a first name is a name: one of no other class."""
        english = self._english
        other = english.is_verb(word) or english.is_adverb(word) or english.is_adjective(word)
        return bool(word) and (
            self.is_name(word) or not (other or word in _NOT_SURNAMES or not english.is_nounlike(word))
        )

    def _join_names(self, words: Sequence[str], written: list[str]) -> None:
        """Give names of several words their capitals."""
        lower = [word.lower() for word in words]
        for i, word in enumerate(lower):
            for parts in self._together.get(word, ()):
                last = i + len(parts)
                if [w.removesuffix("'s") for w in lower[i:last]] == list(parts):
                    written[i:last] = [w if w in _SMALL else _capitalise(w) for w in words[i:last]]


class _Names:
    def __init__(self) -> None:
        data = read_data("names")
        kinds = ("people", "places", "peoples", "calendar", "sacred")
        self.words = frozenset(word for kind in kinds for word in data[kind].split())
        self.people = frozenset(data["people"].split())
        self.before_names = frozenset(data["before_names"].split())
        self.months = frozenset(data["months"].split())
        self.together: dict[str, list[tuple[str, ...]]] = {}
        for name in data["together"].split(";"):
            parts = tuple(name.split())
            self.together.setdefault(parts[0], []).append(parts)


@cache
def _load_names() -> _Names:
    return _Names()


def _capitalise(word: str) -> str:
    return "-".join(part[:1].upper() + part[1:] for part in word.split("-"))
