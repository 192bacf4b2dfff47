"""Finds the clauses of a text that a person could say: whole ones, with a finite verb and no torn end.

Seeds may be in capitals without punctuation, and may be torn out of a longer sentence. A clause is taken only
if its beginning, its verb and its end are certain; many a seed has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from copilot.designers.scripted.clauses.ends import Ends
from copilot.designers.scripted.clauses.english import English, at
from copilot.designers.scripted.clauses.heads import Head, Kind
from copilot.designers.scripted.clauses.starts import Starts

FEWEST_WORDS, MOST_WORDS = 2, 14
_LEAST_SCORE = 1.0
_IDIOM_SCORE = 3.0
_LONG_WORD = 11
_PRONOUNS = frozenset(
    {"this", "that", "these", "those", "her", "his", "all", "both", "each", "some", "any", "another"}
)
_TOLD = frozenset(
    {"that", "to", "for", "if", "what", "so", "nothing", "something", "no", "about", "of", "in"}
)
_JOINING = frozenset({"and", "but", "or", "nor", "of", "to", "from", "with", "into", "than"})


@dataclass(frozen=True, slots=True)
class Clause:
    """The words of a clause, as the text has them. A higher `score` is more like something spoken."""

    words: tuple[str, ...]
    kind: Kind
    score: float


class ClauseFinder:
    """Finds clauses. `names` may be subjects without a determiner; `saying` verbs tell who speaks."""

    def __init__(self, english: English, names: frozenset[str], saying: frozenset[str]) -> None:
        self._english = english
        self._saying = saying
        self._starts = Starts(english, names, saying)
        self._ends = Ends(english, self._starts, saying)

    def is_sentence(self, words: Sequence[str]) -> bool:
        """Return whether words that are written as a sentence are one: a clause begins with them."""
        lower = _lower(words)
        if not self._english.archaic.isdisjoint(lower):
            return False
        said = self._starts.count_idiom(lower) == len(lower) or self._starts.find_first(lower) is not None
        return said or self._has_main_verb(lower)

    def _has_main_verb(self, lower: Sequence[str]) -> bool:
        """Return whether a verb comes behind the first word and before any "who" or "because"."""
        english = self._english
        joins = english.subordinators - english.prepositions
        inner = next((k for k, word in enumerate(lower) if word in joins or word == "that"), len(lower))
        third = any(
            word in english.third and english.is_noun(before) and not english.is_plural(before)
            for before, word in pairwise(lower[:inner])
        )
        return third or any(word in english.auxiliaries or english.is_past(word) for word in lower[1:inner])

    def find(self, words: Sequence[str]) -> Iterator[Clause]:
        """Yield the clauses of some words without punctuation between them, in no order."""
        lower = self._trim(_lower(words))
        if n_said := self._starts.count_idiom(lower):
            yield Clause(tuple(words[:n_said]), "statement", _IDIOM_SCORE)
        for head in self._starts.find(lower):
            for end, cost in self._ends.find(lower, head):
                score = self._rate(lower, head, end) - cost
                if FEWEST_WORDS <= end - head.first <= MOST_WORDS and score >= _LEAST_SCORE:
                    yield Clause(tuple(words[head.first : end]), head.kind, score)

    def _trim(self, lower: list[str]) -> list[str]:
        """Return the words without articles and the like at a torn end."""
        torn = (self._english.determiners - _PRONOUNS) | _JOINING
        last = len(lower)
        while last and lower[last - 1] in torn:
            last -= 1
        return lower[:last]

    def _rate(self, lower: Sequence[str], head: Head, end: int) -> float:
        """Return how much a clause is like something that a person says to another."""
        own = lower[head.first : end]
        personal = not self._english.first_or_second.isdisjoint(own)
        told = at(lower[:end], head.verb + 1)
        has_object = told in self._english.determiners | self._english.objects | _TOLD
        tells = lower[head.verb] in self._saying and (not personal or not has_object)
        opens, closes = head.first == 0, end == len(lower)
        scores = (
            (2.0, True),
            (2.0, personal or head.kind in ("question", "command")),
            (1.0, opens and closes),
            (0.5, opens or closes),
            (0.5, 4 <= len(own) <= 10),
            (-9.0, tells),
            (-9.0, not self._english.archaic.isdisjoint(own)),
        )
        long = sum(len(word) > _LONG_WORD for word in own)
        return sum(score for score, applies in scores if applies) - head.cost - 0.5 * long


def _lower(words: Sequence[str]) -> list[str]:
    return [word.lower().replace("\u2019", "'") for word in words]
