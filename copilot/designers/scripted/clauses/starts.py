"""Finds where clauses begin in words without punctuation: a subject with its verb, a question, a command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from copilot.designers.scripted.clauses.addresses import Addresses
from copilot.designers.scripted.clauses.english import English, at
from copilot.designers.scripted.clauses.heads import Head
from copilot.designers.scripted.clauses.subjects import Subjects

_MOST_OPENERS = 3
_LONGEST_EXCLAMATION = 3
_LONGEST_FRONT = 7
_LONGEST_CONDITION = 10
_LONGEST_BEFORE_TELLING = 6


class Starts:
    """Finds the heads of clauses. `saying` are verbs that tell who speaks."""

    def __init__(self, english: English, names: frozenset[str], saying: frozenset[str]) -> None:
        self._english = english
        self._names = names
        self._saying = saying
        self._subjects = Subjects(english, names)
        self._addresses = Addresses(english, self._subjects)
        self.asks_here = self._addresses.asks_here
        self.nominatives = english.group("starts", "nominatives")
        self._existing = english.group("finite", "existing")
        self._conditions = english.group("starts", "conditions")
        self._fronted = english.group("starts", "fronted_subjects")
        self._articles = english.group("starts", "articles")
        self._asked_about = english.group("starts", "asked_about")

    def opens_condition(self, lower: Sequence[str], k: int) -> bool:
        """Return whether "if ..." or "when ..." begins, with a subject: "as well" does not."""
        return lower[k] in self._conditions and self._subjects.find_verb(lower, k + 1) is not None

    def is_name(self, word: str) -> bool:
        """Return whether a word may be a subject without a determiner."""
        return word in self._names

    def count_idiom(self, lower: Sequence[str]) -> int:
        """Return how many words at the start are said without a verb: all, or those before "he said"."""
        ends = range(1, min(len(lower), _LONGEST_BEFORE_TELLING))
        longest = next((k for k in ends if self._tells_at(lower, k)), len(lower))
        said = list(lower[:longest])
        inner = said[:-1] if len(said) > 1 and said[-1] in self._english.closing else said
        short = 0 < len(inner) <= _LONGEST_EXCLAMATION and self._english.exclamations.issuperset(inner)
        return longest if short or " ".join(inner) in self._english.idioms else 0

    def _tells_at(self, lower: Sequence[str], k: int) -> bool:
        """Return whether words about the speaker follow: said the king; she said."""
        return at(lower, k + 1 if lower[k] in self._english.subjects else k) in self._saying

    def find(self, lower: Sequence[str]) -> Iterator[Head]:
        """Yield the heads of clauses."""
        for i in range(len(lower)):
            cost = self._cost_of_start(lower, i)
            if cost is None:
                continue
            head = self.find_first(lower) if i == 0 else self._find_inner(lower, i)
            if head is not None:
                yield head if head.kind == "question" else replace(head, cost=head.cost + cost)

    def find_first(self, lower: Sequence[str]) -> Head | None:
        """Return the head of a clause that begins with the first word, or behind "and"."""
        i = 1 if len(lower) > 1 and lower[0] in self._english.coordinators else 0
        j = self._skip_openers(lower, i)
        return (
            self._addresses.find_question(lower, i, j)
            or self._addresses.find_command(lower, i, j)
            or self.find_statement(lower, i)
        )

    def _find_inner(self, lower: Sequence[str], i: int) -> Head | None:
        asked = self._addresses.find_question(lower, i, self._skip_openers(lower, i))
        return asked or self.find_statement(lower, i)

    def _cost_of_start(self, lower: Sequence[str], i: int) -> float | None:
        """Return what is held against a clause that begins at a word; None if none begins there."""
        english = self._english
        if i == 0:
            return 0.0
        word, before = lower[i], lower[i - 1]
        pronoun = word in english.subjects or word in english.contractions
        if word in english.coordinators and word not in ("so", "for"):
            return None
        if before in ("and", "but") and (pronoun or word in english.openers or self._is_second(lower, i)):
            return 0.0
        if before in english.coordinators:
            return 0.5 if pronoun and word not in english.determiners else None
        called = before in english.closing and before not in english.openers
        return 0.5 if (called and pronoun) or self.asks_here(lower, i) else None

    def _is_second(self, lower: Sequence[str], i: int) -> bool:
        """Return whether a clause can stand before "and", so that a noun behind it begins another."""
        has_verb = any(self._subjects.is_finite(lower, k) for k in range(1, i - 1))
        return lower[i] not in self._names and has_verb

    def _skip_openers(self, lower: Sequence[str], i: int) -> int:
        j = i
        while j < len(lower) - 1 and j - i < _MOST_OPENERS:
            if f"{lower[j]} {lower[j + 1]}" in self._english.idioms:
                j += 2
            elif self._opens(lower, j):
                j += 1
            else:
                break
        return j

    def _opens(self, lower: Sequence[str], j: int) -> bool:
        word, following = lower[j], lower[j + 1]
        if word in ("here", "there") and following in self._existing:
            return False
        if word in ("once", "never") and following in self._english.base:
            return False
        return word in self._english.openers or (word.endswith("ly") and self._english.is_adverb(word))

    def find_statement(self, lower: Sequence[str], i: int) -> Head | None:
        """Return the head of a statement that begins at a word."""
        j = self._skip_openers(lower, i)
        word = at(lower, j)
        if word in self._conditions and (main := self._find_main_clause(lower, j)):
            return Head(i, main, "statement", 0.5)
        if word in self._english.prepositions and (subject := self._find_behind_front(lower, j)):
            verb = self._subjects.find_verb(lower, subject)
            return None if verb is None else Head(i, verb, "statement", 0.5)
        verb = self._subjects.find_verb(lower, j)
        if verb is None:
            return None
        if word == "who":
            asks = i == 0 and at(lower, verb + 1) in self._asked_about
            return Head(i, verb, "question", fronted=True) if asks else None
        pronoun = word in self._english.subjects or word in self._english.contractions
        return Head(i, verb, "statement", 0.0 if pronoun else 0.5)

    def _find_main_clause(self, lower: Sequence[str], j: int) -> int | None:
        """Return the verb of the clause behind "if ..." or "when ..."."""
        inner, english = self._subjects.find_verb(lower, j + 1), self._english
        if inner is None:
            return None
        for k in range(inner + 1, min(len(lower) - 1, j + _LONGEST_CONDITION)):
            joined = english.subordinators | english.coordinators | english.thinking
            if lower[k] in self.nominatives and lower[k - 1] not in joined:
                return self._subjects.find_verb(lower, k)
        return None

    def _find_behind_front(self, lower: Sequence[str], j: int) -> int | None:
        """Return the subject behind "in the morning ..."."""
        english = self._english
        if lower[j] == "like" or (lower[j] == "to" and at(lower, j + 1) in english.base | {"be"}):
            return None
        for k in range(j + 2, min(len(lower) - 1, j + _LONGEST_FRONT)):
            word, before = lower[k], lower[k - 1]
            noun = english.is_nounlike(before)
            if word in self._fronted:
                return k if noun else None
            if word in self._articles and noun and not english.is_adjective(before):
                return k
            joins = (word == "to" and at(lower, k + 1) in english.base) or word in english.coordinators
            joins = joins or word in english.subordinators - english.prepositions
            if joins or self._subjects.is_finite(lower, k):
                return None
        return None
