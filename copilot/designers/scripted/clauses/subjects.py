"""Finds the finite verb of a subject: a pronoun, a name, or a noun with what belongs to it."""

from __future__ import annotations

from collections.abc import Sequence

from copilot.designers.scripted.clauses.english import English, at

_LONGEST_SUBJECT = 8
_ALONE = frozenset({"a", "an", "this", "that", "each", "every", "another"})
_RELATIVE_DETERMINERS = frozenset({"whose", "which"})
_DEMONSTRATIVES = frozenset({"this", "that"})


class Subjects:
    """Finds verbs. `names` may be subjects without a determiner."""

    def __init__(self, english: English, names: frozenset[str]) -> None:
        self._english = english
        self._names = names
        self._existing = english.group("finite", "existing")
        self._singular = english.group("starts", "singular")
        self._plural = english.group("starts", "plural")
        self._not_with = {kind: english.group("finite", f"not_with_{kind}") for kind in ("i", "he", "they")}
        self._inside = english.group("starts", "inside_subjects")
        self._clear_particles = english.group("ends", "clear_particles")

    def opens_subject(self, word: str, *, determined: bool = True) -> bool:
        """Return whether a subject may begin with a word; with `determined` also one with a determiner."""
        if word in self._english.subjects and word not in ("who", "here"):
            return True
        return determined and (word in self._english.determiners or word in self._names)

    def find_verb(self, lower: Sequence[str], j: int) -> int | None:
        """Return the place of the finite verb of the subject that begins at a word."""
        english, word = self._english, at(lower, j)
        if word in english.contractions:
            return None if word == "let's" or word.startswith(("who", "what", "where", "how")) else j
        if word in english.subjects:
            k = self._skip_adverbs(lower, j + 1)
            if k < len(lower) and self._agrees(word, lower, k):
                return k
            if word not in english.determiners and word not in ("all", "both", "some", "none", "one"):
                return None
        return self._find_verb_of_noun(lower, j)

    def is_finite(self, lower: Sequence[str], k: int) -> bool:
        """Return whether a word may be the finite verb of a noun before it."""
        english, word, before = self._english, lower[k], at(lower, k - 1)
        if word in english.auxiliaries:
            return True
        if before in english.determiners or before in english.prepositions:
            return False
        if english.is_past(word):
            return True
        following = at(lower, k + 1)
        has_object = (
            following in english.determiners
            or following in english.prepositions
            or following in english.objects
            or following == "that"
        )
        plural = english.is_plural(before)
        return has_object and (word in english.base if plural else word in english.third)

    def _skip_adverbs(self, lower: Sequence[str], k: int) -> int:
        while k < len(lower) - 1 and self._english.is_adverb(lower[k]):
            k += 1
        return k

    def _agrees(self, subject: str, lower: Sequence[str], k: int) -> bool:
        """Return whether a word is a finite verb for a pronoun."""
        english, verb = self._english, lower[k]
        if subject in ("there", "here"):
            following = at(lower, k + 1)
            return verb in self._existing and (following not in english.prepositions or following == "of")
        singular = subject in self._singular
        if subject in ("that", "all", "one", "none") and verb not in english.auxiliaries:
            return False
        if verb in english.auxiliaries:
            kind = "i" if subject == "i" else "he" if singular else "they"
            return verb not in self._not_with[kind]
        if english.is_past(verb):
            return True
        return verb in english.third if singular else subject in self._plural and verb in english.base

    def _find_verb_of_noun(self, lower: Sequence[str], j: int) -> int | None:
        """Return the finite verb behind a noun with its determiner, a plural or a name."""
        if not self._opens_noun(lower, j):
            return None
        english = self._english
        for k in range(j + 1, min(len(lower), j + _LONGEST_SUBJECT)):
            word, before = lower[k], lower[k - 1]
            noun = english.is_noun(before)
            if noun and english.is_adverb(word) and k + 1 < len(lower):
                continue
            if self.is_finite(lower, k) and (noun or (english.is_adverb(before) and k - j > 1)):
                return k if self._is_verb_of(lower, k) and self._agrees_in_number(lower, j, k) else None
            inside = word in self._inside or word in english.determiners or english.is_nounlike(word)
            if not inside or word in _RELATIVE_DETERMINERS:
                return None
        return None

    def _agrees_in_number(self, lower: Sequence[str], j: int, k: int) -> bool:
        """Return whether an auxiliary is no plural behind a noun that is certainly one alone."""
        if lower[k] in ("have", "do", "haven't", "don't") and "and" not in lower[j:k]:
            return self._english.is_plural(lower[k - 1]) or self._english.is_adverb(lower[k - 1])
        alone = lower[j] in _ALONE or (lower[j] in self._names and not self._english.is_plural(lower[j]))
        return not alone or "and" in lower[j:k] or lower[k] not in self._not_with["he"]

    def _opens_noun(self, lower: Sequence[str], j: int) -> bool:
        english, first, second = self._english, at(lower, j), at(lower, j + 1)
        if first in _RELATIVE_DETERMINERS or (first in _DEMONSTRATIVES and second in english.determiners):
            return False
        several = english.is_plural(first) and english.is_nounlike(first) and first not in english.third
        return first in english.determiners or first in self._names or several

    def _is_verb_of(self, lower: Sequence[str], k: int) -> bool:
        """Return whether a past form is the verb of the noun before it, and not "the story told by ..."."""
        english, word, following = self._english, lower[k], at(lower, k + 1)
        certain = word in english.auxiliaries or not english.is_past(word)
        if certain or not (english.is_regular_past(word) or word in english.participles):
            return True
        behind = following in english.prepositions and following not in self._clear_particles
        return following != "by" and not (behind and word not in english.free_forms)
