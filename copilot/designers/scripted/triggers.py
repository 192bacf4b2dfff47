"""Finds the settings and families that the words of a seed call for. Words are read as words, not as letters.

A trigger is met by itself and its inflected forms: "fires" calls for a fire, "fir" does not. Forms and
sayings that mean something else are left out: "the horses were trained", "he hung fire", "the sun rose".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from copilot.designers.scripted.clauses.english import English, at, list_noun_and_verb_forms
from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.lexicon import Family, Setting
from copilot.designers.scripted.words import split_words


class Triggers:
    """The words that call for the settings and families of a lexicon."""

    def __init__(
        self, settings: Sequence[Setting], families: Mapping[str, Iterable[str]], english: English
    ) -> None:
        self._settings = tuple(settings)
        self._english = english
        self._by_setting: dict[str, list[Setting]] = {}
        self._by_family: dict[str, list[str]] = {}
        self._never = english.group("reading", "never")
        self._behind_article = english.group("reading", "behind_article")
        self._not_before_noun = english.group("reading", "not_before_noun")
        for setting in settings:
            for form in self._list_forms(setting.triggers):
                self._by_setting.setdefault(form, []).append(setting)
        for tag, triggers in families.items():
            for form in self._list_forms(triggers):
                self._by_family.setdefault(form, []).append(tag)

    def _list_forms(self, triggers: Iterable[str]) -> list[str]:
        """Return the words by which some triggers are met, each once."""
        forms = (
            form
            for trigger in sorted(triggers)
            for form in list_noun_and_verb_forms(trigger, self._english)
            if form == trigger or form not in self._never
        )
        return list(dict.fromkeys(forms))

    def pick_setting(self, text: str, dice: Dice, families: Sequence[Family] = ()) -> Setting:
        """Return the setting that most words call for; drawn evenly from ties, or from all without any.

        Of ties, those are left in which most of the families that are called for may be heard.
        """
        scores: dict[str, float] = {}
        for word in self._read(text):
            called = self._by_setting.get(word, [])
            # A word that many settings share says less about each of them.
            for setting in called:
                scores[setting.key] = scores.get(setting.key, 0.0) + 1.0 / len(called)
        best = max(scores.values(), default=0.0)
        tied = [s for s in self._settings if scores.get(s.key, 0.0) > best - 1e-9]
        n_heard = [sum(setting.where in family.where for family in families) for setting in tied]
        return dice.pick([s for s, n in zip(tied, n_heard, strict=True) if n == max(n_heard)])

    def know(self, text: str) -> bool:
        """Return whether any word of the text calls for a setting or a family."""
        return any(word in self._by_setting or word in self._by_family for word in self._read(text))

    def find_families(self, text: str) -> list[str]:
        """Return the families that the words of a text call for, in the order of the words."""
        found = (tag for word in self._read(text) for tag in self._by_family.get(word, ()))
        return list(dict.fromkeys(found))

    def _read(self, text: str) -> list[str]:
        """Return the words of a text that may call for something."""
        words = split_words(text)
        said = {k for k in range(len(words)) for k in self._find_saying(words, k)}
        return [word for k, word in enumerate(words) if k not in said and self._means_thing(words, k)]

    def _means_thing(self, words: Sequence[str], k: int) -> bool:
        """Return whether a word that can be a verb or an adjective as well is a noun here."""
        english, word, before = self._english, words[k], at(words, k - 1)
        following = at(words, k + 1)
        described = following and english.is_nounlike(following) and not english.is_verb(following)
        if word in self._not_before_noun and described:
            return False
        if word not in self._behind_article:
            return True
        named = english.determiners | english.prepositions - {"to"}
        return not before or before in named or english.is_adjective(before)

    def _find_saying(self, words: Sequence[str], k: int) -> Iterable[int]:
        """Return the places of the words of a saying that begins at a place which mean something else."""
        for saying, silent in self._sayings.get(words[k], ()):
            if tuple(words[k : k + len(saying)]) == saying:
                return [k + i for i in silent]
        return ()

    @cached_property
    def _sayings(self) -> dict[str, list[tuple[tuple[str, ...], tuple[int, ...]]]]:
        """Sayings by their first word, each with the places of the words that do not count."""
        sayings: dict[str, list[tuple[tuple[str, ...], tuple[int, ...]]]] = {}
        for text in self._english.list_texts("reading", "sayings"):
            words = text.split()
            silent = tuple(i for i, word in enumerate(words) if word.isupper())
            lower = tuple(word.lower() for word in words)
            sayings.setdefault(lower[0], []).append((lower, silent))
        return sayings
