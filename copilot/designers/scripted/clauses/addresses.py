"""Finds where questions and commands to a listener begin."""

from __future__ import annotations

from collections.abc import Sequence

from copilot.designers.scripted.clauses.english import English, at
from copilot.designers.scripted.clauses.heads import Head
from copilot.designers.scripted.clauses.subjects import Subjects

_LONGEST_QUESTION_PHRASE = 4
_NEVER_ASKED = frozenset({"was it", "was i", "was he", "were it", "were i", "were he"})
"""These begin a condition or a torn clause, rather than a question."""


class Addresses:
    """Finds the heads of questions and commands."""

    def __init__(self, english: English, subjects: Subjects) -> None:
        self._english = english
        self._subjects = subjects
        finite = {
            name: english.group("finite", name) for name in ("modals", "more_modals", "be", "do", "have")
        }
        self._asking = finite["modals"] | finite["do"]
        self._being = finite["be"] | finite["have"]
        self._finite = self._asking | self._being | finite["more_modals"] | {"had"}
        self._infinitives = english.base | {"be", "have", "do"}
        starts = {name: english.group("starts", name) for name in ("who_is", "asked_first", "listener")}
        self._who_is, self._asked_first, self._listener = starts.values()
        self._contracted = english.group("starts", "contracted_questions")
        self._behind_command = (
            english.group("starts", "behind_command")
            | english.determiners
            | english.objects
            | english.prepositions
            | english.particles
        )

    def asks_here(self, lower: Sequence[str], i: int) -> bool:
        """Return whether a question begins in the middle of a text: do you, are you, what have you."""
        if i == 0 or i + 2 >= len(lower) or lower[i - 1] in self._english.subordinators:
            return False
        first, second, third = lower[i : i + 3]
        asked = self._asking | self._being
        if first in self._english.question_words:
            return second in asked and third in ("you", "i", "we")
        return first in asked and second == "you"

    def find_question(self, lower: Sequence[str], i: int, j: int) -> Head | None:
        """Return the head of a question from the word at `i`, whose openers end before `j`."""
        word, following = at(lower, j), at(lower, j + 1)
        if j + 1 >= len(lower) or (i > 0 and word in self._asked_first):
            return None
        if word in self._contracted:
            return Head(i, j, "question", fronted=True)
        if word == "what" and following in ("a", "an"):
            return Head(i, j, "exclamation") if j + 2 < len(lower) else None
        if word in self._english.question_words:
            return self._find_behind_question_word(lower, i, j)
        return Head(i, j, "question") if self._is_inverted(lower, j) else None

    def _find_behind_question_word(self, lower: Sequence[str], i: int, j: int) -> Head | None:
        """Return the head of "how many men are there", "which way did he go", "who is that"."""
        english, word = self._english, lower[j]
        for k in range(j + 1, min(j + 1 + _LONGEST_QUESTION_PHRASE, len(lower) - 1)):
            following = lower[k + 1]
            if lower[k] in self._finite:
                # "which was the best" is the end of a sentence, and not a question.
                relative = word in ("which", "whom") and k == j + 1 and lower[k] in self._being
                asked = word != "who" or following in self._who_is
                plain = lower[k] not in ("have", "has", "haven't", "hasn't", "had")
                is_asked = (
                    asked and not relative and self._subjects.opens_subject(following, determined=plain)
                )
                return Head(i, k, "question", fronted=True) if is_asked else None
            inner = lower[k] in english.subjects or lower[k] in english.prepositions
            if inner or self._subjects.is_finite(lower, k):
                return None
        return None

    def _is_inverted(self, lower: Sequence[str], j: int) -> bool:
        """Return whether the words are an auxiliary with its subject: will he come, are you there."""
        word, following, third = lower[j], at(lower, j + 1), at(lower, j + 2)
        if not third or f"{word} {following}" in _NEVER_ASKED:
            return False
        if word in self._asking and self._subjects.opens_subject(following):
            return any(behind in self._infinitives for behind in lower[j + 2 :])
        doubled = third in self._english.auxiliaries and third not in ("have", "do")
        return (
            word in self._being and not doubled and self._subjects.opens_subject(following, determined=False)
        )

    def find_command(self, lower: Sequence[str], i: int, j: int) -> Head | None:
        """Return the head of a command from the word at `i`, whose openers end before `j`."""
        english, word, following = self._english, at(lower, j), at(lower, j + 1)
        if word == "let's":
            return Head(i, j, "command") if following in self._infinitives | {"not"} else None
        if word in ("don't", "never") or (word == "do" and following == "not"):
            verb = j + 2 if word == "do" else j + 1
            return Head(i, verb, "command") if at(lower, verb) in self._infinitives else None
        if word not in english.commands or word == "have":
            return None
        if word in english.two_faced:
            goes_on = following in self._listener
        elif following:
            goes_on = following in self._behind_command or english.is_adverb(following)
        else:
            goes_on = word in english.free_forms
        cost = 0.5 if following in english.prepositions else 0.0
        return Head(i, j, "command", cost) if goes_on else None
