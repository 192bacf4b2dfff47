"""Finds where clauses may end: at the end of the text, or before another clause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from copilot.designers.scripted.clauses.english import English, at
from copilot.designers.scripted.clauses.heads import Head
from copilot.designers.scripted.clauses.starts import Starts
from copilot.designers.scripted.clauses.torn import Torn

_FEWEST_BEFORE_CUT = 5
_GLUED_COST = 2.5
_CUT_COST = 2.0


class Ends:
    """Finds the ends of clauses."""

    def __init__(self, english: English, starts: Starts, saying: frozenset[str]) -> None:
        self._english = english
        self._starts = starts
        self._saying = saying
        self._torn = Torn(english)
        names = ("breaks", "breaks_before_subject", "relatives", "cut_before", "loose", "joins", "before_so")
        groups = [english.group("ends", name) for name in names]
        self._breaks, self._breaks_before_subject, self._relatives, self._cut_before = groups[:4]
        self._loose, self._joins, self._before_so = groups[4:]
        self._all_words = english.group("ends", "all_words")

    def find(self, lower: Sequence[str], head: Head) -> Iterator[tuple[int, float]]:
        """Yield each end of a clause, behind its last word, with what is held against it."""
        limit = self._find_limit(lower, head)
        glued = 0.0
        for end in range(head.verb + 1, limit + 1):
            if end - 1 > head.verb and self._may_be_glued(lower, end - 1):
                glued = _GLUED_COST
            cost = 0.0 if end in (len(lower), limit) else self._cost_of_end(lower, head, end)
            whole = cost is not None and self._torn.is_whole(lower, head, end)
            if cost is not None and whole and self._have_subjects_verbs(lower, head, end):
                yield end, cost + glued

    def _find_limit(self, lower: Sequence[str], head: Head) -> int:
        """Return where the words of another speaker or clause begin at the latest."""
        for end in range(head.verb + 1, len(lower)):
            before = lower[end - 1]
            if self._tells(lower, end):
                if (
                    before in self._starts.nominatives
                    and end - 1 > head.verb
                    and at(lower, end - 2) not in self._joins
                ):
                    return end - 1
                named = at(lower, end + 1) in self._english.determiners or self._starts.is_name(
                    at(lower, end + 1)
                )
                if before not in self._starts.nominatives and (
                    named or before not in self._english.auxiliaries
                ):
                    return end
            if before in self._english.coordinators and self._starts.opens_condition(lower, end):
                return end - 1
            if self._opens_clause(lower, head, end) or self._starts.asks_here(lower, end):
                return end
        return len(lower)

    def _tells(self, lower: Sequence[str], k: int) -> bool:
        """Return whether a verb tells who speaks: said the king, he replied."""
        before = lower[k - 1]
        begins = lower[k] == "began" and at(lower, k + 1) == "to"
        if lower[k] not in self._saying or begins or before in ("to", "who", "and"):
            return False
        return before != "that" or at(lower, k + 1) in self._english.determiners

    def _opens_clause(self, lower: Sequence[str], head: Head, end: int) -> bool:
        """Return whether a pronoun and its verb begin another clause, without a word that joins them."""
        english, word, before = self._english, lower[end], lower[end - 1]
        loose = english.is_adjective(before) or before in self._loose
        if word in english.contractions:
            return loose
        if word in ("you", "it", "there") and at(lower, end + 1) in english.auxiliaries:
            loose = loose or before in english.free_forms - english.thinking
            return loose and self._starts.find_statement(lower, end) is not None
        if word not in self._starts.nominatives or self._starts.find_statement(lower, end) is None:
            return False
        if before in english.auxiliaries:
            return head.kind == "statement"
        joined = english.subordinators | english.coordinators | english.prepositions | english.thinking
        return before not in joined | self._all_words and not english.is_noun(before)

    def _have_subjects_verbs(self, lower: Sequence[str], head: Head, end: int) -> bool:
        """Return whether each "he" or "they" behind the verb has a verb; that of a question has it before."""
        first = head.verb + (2 if head.kind == "question" else 1)
        subjects = (k for k in range(first, end) if lower[k] in self._starts.nominatives)
        return all(self._starts.find_statement(lower[:end], k) is not None for k in subjects)

    def _may_be_glued(self, lower: Sequence[str], k: int) -> bool:
        """Return whether a noun meets a pronoun, "the man I saw": one clause, or two without punctuation."""
        english, before = self._english, lower[k - 1]
        pronoun = lower[k] in self._starts.nominatives or lower[k] in english.contractions | {"you", "it"}
        meets = pronoun and english.is_nounlike(before) and before not in english.thinking
        return meets and self._starts.find_statement(lower, k) is not None

    def _cost_of_end(self, lower: Sequence[str], head: Head, end: int) -> float | None:
        """Return what is held against an end before a word; None if the clause goes on there."""
        english, word, before, following = self._english, lower[end], lower[end - 1], at(lower, end + 1)
        cost: float | None = None
        if word in english.coordinators:
            cost = self._cost_before_coordinator(lower, end)
        elif word in self._breaks:
            cost = 0.5
        elif word in self._relatives or (word in english.prepositions and following in self._relatives):
            cost = 1.0 if english.is_nounlike(before) else None
        elif word in self._starts.nominatives | {"it"} and self._may_be_glued(lower, end):
            cost = 0.5
        elif word in self._cut_before and end - head.first >= _FEWEST_BEFORE_CUT and end > head.verb + 2:
            cost = _CUT_COST if english.is_nounlike(before) and not english.is_verb(before) else None
        if cost is None and word in self._breaks_before_subject:
            joined = following in self._starts.nominatives and before not in self._before_so
            cost = 0.5 if joined else None
        return cost

    def _cost_before_coordinator(self, lower: Sequence[str], end: int) -> float | None:
        english, word, following = self._english, lower[end], at(lower, end + 1)
        if word == "so" and lower[end - 1] in english.thinking | english.auxiliaries:
            return None
        if self._starts.find_statement(lower, end + 1) is not None:
            return 0.0 if word != "for" or following in english.subjects else None
        shares_subject = word == "and" and english.is_past(following)
        turns = word == "but" and following not in ("a", "one", "the")
        return 0.5 if turns or shares_subject else None
