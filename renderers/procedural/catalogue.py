"""Recipes by name, and the recipe that fits a caption.

Matching reads nothing but words. A caption names its sound first and places it afterwards ("rain on a tin
roof", "a church bell over the square"), so words behind a preposition count half. Of several keywords that
fit, the more specific wins ("fire alarm" is not a fire), then the one that comes first in the caption.
The best recipe that accounts for the whole caption (`copilot.text.clauses`) makes the sound.
Equal captions always give equal recipes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from copilot.text.captions import POSSESSIVE, PREPOSITIONS, simplify, tokenize, word_set
from copilot.text.clauses import Latitude, accounts_for, read_clauses
from copilot.text.sound_words import THINGS
from copilot.text.word_stems import reduce_caption_word
from copilot.units import Audio
from renderers.procedural.companions import COMPANIONS, LATITUDES
from renderers.procedural.modifiers import Modifiers

RecipeFunction = Callable[[np.random.Generator, int, Modifiers], Audio]
"""From (random generator, n_samples, modifiers) to float32 audio, shape (1 or 2, n_samples).

Textures give 2 channels, point sources 1. The caller applies `modifiers.apply` and `dsp.finish`, so a recipe
need not care for level, offset or edges; it starts its first event within 20 ms, so that none is ever silent.
"""

_IGNORED = word_set("a an the some its his her their of is are being very")
_BREAKS = frozenset(",;:.")
# A word with such an ending is a verb or a plural, and not one half of a compound such as "mine cart".
_INFLECTIONS = ("s", "ing", "ed")

_PLACE_FACTOR = 0.5
_OWNER_FACTOR = 0.6
_QUALIFIER_FACTOR = 0.97
_ORDER_LOSS = 0.02
_HINT_WEIGHTS = (1.0,)
_HEAD_WEIGHTS = (4.0, 6.0, 7.0, 7.5)
_MORE_SHARE = 0.1


@dataclass(frozen=True)
class Recipe:
    """One kind of sound: how it is made, and the words that call for it.

    Keywords are comma-separated entries. An entry is a word ("rain"), words that follow each other ("church
    bell"; articles and prepositions are left out of both keyword and caption), or parts that all occur
    somewhere in any order ("footstep + gravel"). A part may list alternatives ("step/walk + gravel/pebble").
    Every word is compared by its stem, so plural, -ing and -ed need no entry of their own.

    `heads` name the sound: 4 points for a word, 6 for two, 7 for three. `hints` count 1 point, and find no
    recipe alone. An entry of `never` excludes the recipe.
    """

    name: str
    make: RecipeFunction
    heads: str
    hints: str = ""
    never: str = ""
    is_texture: bool = False

    def check(self) -> None:
        """Read the keywords. Raises ValueError for one that cannot be read."""
        self._keywords  # noqa: B018
        self._excluded  # noqa: B018

    @cached_property
    def own_stems(self) -> frozenset[str]:
        """The word stems that the recipe knows: those of its keywords, and of what may stand beside them."""
        beside = read_caption(COMPANIONS.get(self.name, "")).stems
        return frozenset((*self._names.stems, *self._keywords.stems, *beside))

    @cached_property
    def single_heads(self) -> frozenset[str]:
        """The word stems that name the sound alone."""
        return self._names.single_stems

    def find_names(self, words: Words) -> frozenset[str]:
        """Return the stems of the heads that occur; none if only hints do."""
        return self._names.find_stems(words)

    @cached_property
    def _names(self) -> _KeywordIndex:
        return _KeywordIndex.of((self.heads, _HEAD_WEIGHTS))

    @cached_property
    def _keywords(self) -> _KeywordIndex:
        return _KeywordIndex.of((self.heads, _HEAD_WEIGHTS), (self.hints, _HINT_WEIGHTS))

    @cached_property
    def _excluded(self) -> _KeywordIndex:
        return _KeywordIndex.of((self.never, _HINT_WEIGHTS))

    def score(self, words: Words) -> float:
        """Return how well the words of a caption fit this recipe; 0 for not at all."""
        if self._excluded.scores(words):
            return 0.0
        scores = sorted(self._keywords.scores(words), reverse=True)
        return scores[0] + _MORE_SHARE * min(sum(scores[1:]), scores[0]) if scores else 0.0


class Words:
    """The words of a caption as word stems, each with the weight of its place in the sentence."""

    def __init__(self, stems: Sequence[str], factors: Sequence[float]) -> None:
        self._stems, self._factors = tuple(stems), tuple(factors)
        self._places: dict[str, list[int]] = {}
        for place, word in enumerate(stems):
            self._places.setdefault(word, []).append(place)

    @property
    def stems(self) -> tuple[str, ...]:
        """The word stems in order, without articles and the like."""
        return self._stems

    def factor(self, phrase: tuple[str, ...]) -> float:
        """Return the weight of the phrase's best place; 0 if it does not occur."""
        places = self._places.get(phrase[0], ())
        n = len(phrase)
        found = (max(self._factors[k : k + n]) for k in places if self._stems[k : k + n] == phrase)
        return max(found, default=0.0)


@dataclass(frozen=True, slots=True)
class _Keyword:
    """Parts that must all occur, each one of several phrases, and the points by number of words."""

    parts: tuple[tuple[tuple[str, ...], ...], ...]
    weights: tuple[float, ...]

    @classmethod
    def parse(cls, entry: str, weights: tuple[float, ...]) -> _Keyword:
        parts = tuple(
            tuple(read_caption(phrase).stems for phrase in part.split("/")) for part in entry.split("+")
        )
        if not all(phrase for part in parts for phrase in part):
            raise ValueError(
                f"keyword: {entry!r} has an empty part; write 'word', 'two words' or 'word + word'"
            )
        return cls(parts, weights)

    @property
    def stems(self) -> frozenset[str]:
        """All word stems of all parts."""
        return frozenset(stem for part in self.parts for phrase in part for stem in phrase)

    def score(self, words: Words) -> float:
        n_words, best_factor = 0, 0.0
        for part in self.parts:
            factor, length = max((words.factor(phrase), len(phrase)) for phrase in part)
            if not factor:
                return 0.0
            n_words += length
            best_factor = max(best_factor, factor)
        return self.weights[min(n_words, len(self.weights)) - 1] * best_factor


@dataclass(frozen=True, slots=True)
class _KeywordIndex:
    """Keywords by a word stem that each of them needs, so that a caption is compared with few."""

    by_stem: Mapping[str, tuple[_Keyword, ...]]

    @classmethod
    def of(cls, *entries: tuple[str, tuple[float, ...]]) -> _KeywordIndex:
        by_stem: dict[str, tuple[_Keyword, ...]] = {}
        for keywords, weights in entries:
            for entry in filter(None, (entry.strip() for entry in keywords.split(","))):
                keyword = _Keyword.parse(entry, weights)
                for first in {phrase[0] for phrase in keyword.parts[0]}:
                    by_stem[first] = (*by_stem.get(first, ()), keyword)
        return cls(by_stem)

    @property
    def stems(self) -> frozenset[str]:
        """All word stems of all keywords."""
        return frozenset(stem for keyword in self._list() for stem in keyword.stems)

    @property
    def single_stems(self) -> frozenset[str]:
        """The word stems of the keywords that are one word."""
        return frozenset(
            phrase[0]
            for keyword in self._list()
            if len(keyword.parts) == 1
            for phrase in keyword.parts[0]
            if len(phrase) == 1
        )

    def find_stems(self, words: Words) -> frozenset[str]:
        """Return the word stems of the keywords that occur."""
        stems = {stem for keyword in self._find(words) if keyword.score(words) > 0 for stem in keyword.stems}
        return frozenset(stems.intersection(words.stems))

    def scores(self, words: Words) -> list[float]:
        """Return the scores above 0 of the keywords that occur."""
        return [score for score in (keyword.score(words) for keyword in self._find(words)) if score > 0]

    def _find(self, words: Words) -> list[_Keyword]:
        found = {id(keyword): keyword for word in words.stems for keyword in self.by_stem.get(word, ())}
        return list(found.values())

    def _list(self) -> list[_Keyword]:
        return [keyword for keywords in self.by_stem.values() for keyword in keywords]


def read_caption(caption: str) -> Words:
    """Return the caption's words, with less weight for those that place, own or qualify another.

    These are the words behind a preposition, before a possessive 's, and before the last of two nouns.
    """
    stems: list[str] = []
    factors: list[float] = []
    placed, opened_by_place, compound = False, False, False
    for token in tokenize(simplify(caption)):
        qualifies, compound = compound, False
        if token in PREPOSITIONS:
            placed = True
            opened_by_place |= not stems
        elif token in _BREAKS:
            # "In a stone hall, footsteps": the words after an opening place name the sound.
            placed &= not opened_by_place
            opened_by_place = False
        elif token == POSSESSIVE and factors:
            factors[-1] *= _OWNER_FACTOR
        elif token not in _IGNORED:
            bare = not token.endswith(_INFLECTIONS)
            if qualifies and bare:
                factors[-1] *= _QUALIFIER_FACTOR
            compound = bare
            factors.append((_PLACE_FACTOR if placed else 1.0) * (1.0 - _ORDER_LOSS * min(len(stems), 20)))
            stems.append(reduce_caption_word(token))
    return Words(stems, factors)


class Catalogue:
    """The recipes, by name, and the choice among them."""

    def __init__(self, recipes: Sequence[Recipe]) -> None:
        """Raises ValueError when two recipes share a name or a keyword cannot be read."""
        self.recipes: dict[str, Recipe] = {recipe.name: recipe for recipe in recipes}
        for recipe in recipes:
            recipe.check()
        if len(self.recipes) != len(recipes):
            names = [recipe.name for recipe in recipes]
            raise ValueError(
                f"catalogue: recipes share a name: {sorted({n for n in names if names.count(n) > 1})}"
            )

    @cached_property
    def sounding(self) -> frozenset[str]:
        """The word stems that name a sound: what any recipe makes, and what none does."""
        return THINGS.union(*(recipe.single_heads for recipe in self.recipes.values()))

    def match(self, caption: str) -> Recipe | None:
        """Return the recipe that fits the caption best and is meant for it, None if there is none.

        Equal scores go by name.
        """
        words, clauses = read_caption(caption), read_clauses(caption)
        for name, _ in self._rank(words):
            recipe = self.recipes[name]
            if (names := recipe.find_names(words)) and accounts_for(
                clauses,
                recipe.own_stems,
                names,
                self.sounding,
                LATITUDES.get(name, Latitude.THING),
            ):
                return recipe
        return None

    def scores(self, caption: str) -> list[tuple[str, float]]:
        """Return every recipe with a score, best first: the candidates for a match."""
        return self._rank(read_caption(caption))

    def _rank(self, words: Words) -> list[tuple[str, float]]:
        scored = [(recipe.name, recipe.score(words)) for recipe in self.recipes.values()]
        return sorted(
            ((name, score) for name, score in scored if score > 0), key=lambda item: (-item[1], item[0])
        )
