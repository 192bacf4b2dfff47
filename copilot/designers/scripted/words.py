"""Words of the lexicon: their stems, what they say of a sound, and the names by which a sound is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from copilot.frozen_model import FrozenModel
from copilot.text.voices import holds_voices
from copilot.text.word_stems import reduce_request_word

Trait = Literal["voices", "alive", "mechanical", "cheerful", "gloomy", "violent", "day", "night"]
"""What is true of a sound, so that a mood or a wish can be for or against it."""

TRAITS: tuple[Trait, ...] = get_args(Trait)

_WORD = re.compile(r"[a-z']+")


def _split_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words of a name that do not tell one sound from another.
_UNNAMING = _split_set(
    "the that those a an of in on at with sound noise little wooden metal light big old some"
)


_EMPTY = _split_set(
    "the that those a an of in on at with to by from and being sound noise some any few someone somebody "
    "something through over"
)


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case, without possessive endings."""
    return [word.removesuffix("'s").strip("'") for word in _WORD.findall(text.lower().replace("\u2019", "'"))]


def find_word_stems(text: str) -> frozenset[str]:
    """Return the stems of the words of a text."""
    return frozenset(reduce_request_word(word) for word in split_words(text) if word)


EMPTY_STEMS = frozenset(map(reduce_request_word, _EMPTY))
"""Words that say nothing of what is heard."""


def agrees_in_number(word: str, own: Sequence[str]) -> bool:
    """Return whether a word has the number of the same word in a caption, if the caption has it."""
    same = [other for other in own if reduce_request_word(other) == reduce_request_word(word)]
    return not same or word.endswith("ing") or any(_is_plural(other) == _is_plural(word) for other in same)


def _is_plural(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us", "is"))


def _split(value: object) -> object:
    return tuple(value.split()) if isinstance(value, str) else value


def _list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _split_lower(value: object) -> object:
    return frozenset(value.lower().split()) if isinstance(value, str) else value


def _split_word_stems(value: object) -> object:
    return frozenset(reduce_request_word(word) for word in value.split()) if isinstance(value, str) else value


WordList = Annotated[tuple[str, ...], BeforeValidator(_split)]
Traits = Annotated[frozenset[Trait], BeforeValidator(_split)]
Triggers = Annotated[frozenset[str], BeforeValidator(_split_lower)]
"""Words that call for something, as they are written."""
WordStems = Annotated[frozenset[str], BeforeValidator(_split_word_stems)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_list)]


class Words(FrozenModel):
    """Words of captions, by what they say of a sound; and words that are more general than others."""

    traits: dict[Trait, WordStems]
    general: dict[str, WordStems] = Field(default_factory=dict)

    def find_paraphrase(self, caption: str) -> frozenset[str]:
        """Return the stems of the words by which a caption may be called: its own, and more general ones."""
        return find_word_stems(caption).union(map(reduce_request_word, self.list_general(caption)))

    def list_general(self, caption: str) -> tuple[str, ...]:
        """Return more general words for those of a caption, each in the number of the word that it is for."""
        own = [(reduce_request_word(word), _is_plural(word)) for word in split_words(caption)]
        return tuple(
            f"{word}s" if plural else word
            for word, special in self.general.items()
            for stem, plural in own
            if stem in special
        )

    def find_traits(self, caption: str, own: Iterable[Trait] = ()) -> frozenset[Trait]:
        """Return what is true of a caption: the traits of its own, and those that its words give."""
        stems = find_word_stems(caption)
        found = {trait for trait, words in self.traits.items() if not stems.isdisjoint(words)}.union(own)
        if holds_voices(caption):
            found.add("voices")
        if "voices" in found:
            found.add("alive")
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Name:
    """An everyday name of a sound: `the gulls`, `that ticking`."""

    text: str
    plural: bool = False
    pronoun: str = "it"


@dataclass(frozen=True, slots=True)
class Naming:
    """Word stems that name a sound, and all that could refer to it."""

    names: frozenset[str]
    words: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[str], text: str) -> Naming:
        """Return the naming of a sound with these names and this caption."""
        named = frozenset(
            reduce_request_word(w) for name in names for w in split_words(name) if w not in _UNNAMING
        )
        return cls(named, named | find_word_stems(text))

    def clashes(self, other: Naming) -> bool:
        """Return whether a name of one could mean the other."""
        return not (self.names.isdisjoint(other.words) and other.names.isdisjoint(self.words))
