"""Tells whole clauses from torn ones: nothing is missing at the end, and no second clause is glued on."""

from __future__ import annotations

from collections.abc import Sequence

from copilot.designers.scripted.clauses.english import English, at
from copilot.designers.scripted.clauses.heads import Head

_LONGEST_ANSWER = 5
_POINTING = frozenset({"that", "this", "her", "all", "both", "each"})
_STEPS = frozenset({"more", "most", "very", "so", "and"})
_HOLDING = frozenset({"get", "got", "getting"})


class Torn:
    """Judges the ends of clauses."""

    def __init__(self, english: English) -> None:
        self._english = english
        self._modals = english.group("finite", "modals") | english.group("finite", "more_modals")
        self._hanging = english.group("ends", "hanging") | english.group("ends", "open_determiners")
        names = (
            "needs_verb",
            "before_infinitive",
            "closing_prepositions",
            "closing_fronted",
            "clear_particles",
        )
        groups = [english.group("ends", name) for name in names]
        self._needs_verb, self._before_infinitive, self._closing, self._fronted, self._clear = groups
        self._unfinished = english.group("ends", "unfinished")
        self._clear_auxiliaries = english.auxiliaries - {
            "have",
            "do",
            "had",
            "did",
            "will",
            "might",
            "may",
            "can",
            "must",
        }

    def is_whole(self, lower: Sequence[str], head: Head, end: int) -> bool:
        """Return whether the words up to an end are a whole clause."""
        return (
            not self._is_torn(lower, head, end)
            and self._has_its_verb(lower, head, end)
            and self._have_inner_clauses_verbs(lower, head, end)
            and not self._is_glued(lower, head, end)
        )

    def _is_torn(self, lower: Sequence[str], head: Head, end: int) -> bool:
        english, last, before = self._english, lower[end - 1], at(lower, end - 2)
        loose = before in english.coordinators and (english.is_adverb(last) or last in english.openers)
        if loose or last in self._hanging:
            return True
        if last.endswith(("'s", "s'")):
            owned = end - head.first > 2 and before in english.prepositions
            return not owned and last not in ("it's", "that's")
        named = before in english.prepositions or before in english.determiners
        if last in english.auxiliaries and not named:
            short = end - head.first <= _LONGEST_ANSWER and end == len(lower)
            return not (short and (last.endswith("n't") or lower[head.first] in ("yes", "no")))
        if last in english.prepositions or last in english.particles:
            return not self._may_close(lower, head, end)
        if last in english.coordinators or last in english.subordinators:
            return not self._may_point_back(last, before)
        torn_her = last == "her" and not (english.is_verb(before) or before in english.prepositions)
        return torn_her or self._lacks_noun(lower, end) or self._lacks_object(lower, head, end)

    def _may_point_back(self, last: str, before: str) -> bool:
        """Return whether "so" or "that" at the end stands for something: I think so; do you mean that."""
        english = self._english
        if last == "so":
            return before in english.thinking or before in english.auxiliaries or english.is_verb(before)
        known = before in english.thinking or before in ("is", "was")
        return last == "that" and not known and (before in english.prepositions or english.is_verb(before))

    def _may_close(self, lower: Sequence[str], head: Head, end: int) -> bool:
        """Return whether a preposition or particle may be the last word: come in; what is it like."""
        english, last, before = self._english, lower[end - 1], lower[end - 2]
        if head.fronted and last in self._fronted:
            return True
        if last not in english.particles:
            return last in self._closing and end == len(lower)
        moved = english.is_verb(before) or before in english.objects or before in english.be
        return moved and (end == len(lower) or last in self._clear)

    def _lacks_noun(self, lower: Sequence[str], end: int) -> bool:
        """Return whether an adjective at the end waits for its noun: of a more dreary, about bright."""
        english, k = self._english, end - 1
        if at(lower, k - 1) in ("more", "most") and at(lower, k - 2) in english.determiners:
            return True
        if not english.is_adjective(lower[k]) or lower[k] in english.nounlike_adjectives:
            return False
        while k > 0 and (english.is_adjective(lower[k]) or lower[k] in _STEPS or english.is_adverb(lower[k])):
            k -= 1
        determined = lower[k] in english.determiners and lower[k] not in _POINTING
        return determined or (lower[k] in english.prepositions and lower[k] not in ("as", "like", "than"))

    def _lacks_object(self, lower: Sequence[str], head: Head, end: int) -> bool:
        """Return whether a verb at the end, maybe before an adverb, waits for its object or complement."""
        english = self._english
        while end > head.verb + 1 and lower[end - 1].endswith("ly"):
            end -= 1
        last, before = lower[end - 1], at(lower, end - 2)
        if head.fronted:
            return False
        if before == "to" and at(lower, end - 3) in self._before_infinitive:
            return last not in english.free_forms
        if end - 1 == head.verb and last in self._unfinished:
            return True
        if last not in english.bound_forms:
            return False
        named = (
            before in english.determiners or english.is_adjective(before) or before in english.prepositions
        )
        if end - 1 == head.verb or (named and before != "to"):
            return end - 1 == head.verb
        return self._governs_object(lower, head, end)

    def _governs_object(self, lower: Sequence[str], head: Head, end: int) -> bool:
        """Return whether a bound verb at the end is active: he has given; without seeing; to take."""
        english, last, k = self._english, lower[end - 1], end - 2
        while k > head.first and (english.is_adverb(lower[k]) or lower[k] == "not"):
            k -= 1
        governor = lower[k]
        if last in english.participles or english.is_regular_past(last):
            return governor not in english.be and governor not in _HOLDING
        rules = governor == "to" or governor in english.auxiliaries or governor in english.subjects
        return rules or last.endswith("ing")

    def _has_its_verb(self, lower: Sequence[str], head: Head, end: int) -> bool:
        """Return whether an auxiliary has the verb or the complement that it needs."""
        english, verb, rest = self._english, lower[head.verb], lower[head.verb + 1 : end]
        if verb not in english.auxiliaries and verb not in english.contractions:
            return True
        if rest and all(map(english.is_adverb, rest)):
            return False
        if verb not in self._modals and not verb.endswith("'ll"):
            return True
        behind_subject = rest[1:] if head.kind == "question" else rest
        return any(word in english.base or word in ("be", "have", "do") for word in behind_subject)

    def _have_inner_clauses_verbs(self, lower: Sequence[str], head: Head, end: int) -> bool:
        """Return whether each clause inside, behind "if" or "what", has a verb of its own."""
        for k in range(head.verb + 1, end):
            joins = lower[k] in self._needs_verb or (
                lower[k] == "that" and self._opens_that_clause(lower, k, end)
            )
            if joins and not any(map(self._may_be_verb, lower[k + 1 : end])):
                return False
        return True

    def _opens_that_clause(self, lower: Sequence[str], k: int, end: int) -> bool:
        """Return whether "that" begins a clause, and does not point at something."""
        english, before, following = self._english, lower[k - 1], at(lower[:end], k + 1)
        if not following:
            return False
        return before in english.thinking or before in english.objects or not english.is_nounlike(following)

    def _may_be_verb(self, word: str) -> bool:
        english = self._english
        return (
            word == "to"
            or word in english.auxiliaries
            or word in english.contractions
            or english.is_verb(word)
        )

    def _is_glued(self, lower: Sequence[str], head: Head, end: int) -> bool:
        """Return whether there are more finite verbs than words that join clauses."""
        english = self._english
        joints = sum(word in english.subordinators for word in lower[head.first : head.verb])
        joints += lower[head.verb] in english.thinking or head.kind == "command"
        verbs = 0
        for k in range(head.verb + 1, end):
            word, before = lower[k], lower[k - 1]
            known = word in english.thinking and before not in english.determiners | english.prepositions
            joins = word in english.subordinators or word in english.coordinators or known
            joints += joins or (word in english.subjects and english.is_nounlike(before))
            verbs += self._is_clear_verb(lower, k)
        return verbs > joints

    def _is_clear_verb(self, lower: Sequence[str], k: int) -> bool:
        """Return whether a word can be nothing but the finite verb of a subject."""
        english, word, before, following = self._english, lower[k], lower[k - 1], at(lower, k + 1)
        if word in self._clear_auxiliaries:
            return True
        if english.is_past(word):
            return word not in english.participles and not english.is_regular_past(word)
        third = word in english.third and english.is_nounlike(before) and not before.endswith("s")
        determined = at(lower, k - 2) in english.determiners and following in english.prepositions
        return third and (determined or following in english.objects or following in english.determiners)
