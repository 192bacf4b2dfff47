"""A caption's clauses, and whether a sound accounts for all that they say one hears.

Each word of the main clause must be the sound's own, or one that changes nothing (an adjective, a place, a
person who does it); and no other clause may name another sound. "Whale song" is not a song, "dog whistle"
neither a dog nor a whistle, and "rain and thunder" not rain alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from typing import Literal

from copilot.text.captions import POSSESSIVE, PREPOSITIONS, simplify, tokenize
from copilot.text.sound_words import (
    ADJECTIVE_ENDINGS,
    FAILURES,
    JOINING,
    NEGATIONS,
    NEUTRAL,
    NOISY_VERBS,
    PEOPLE,
    SOUND_VERBS,
    THINGS,
    VOICE_VERBS,
)
from copilot.text.word_stems import reduce_caption_word

Kind = Literal["word", "person", "verb", "neutral"]
"""`verb` is one that sounds; `word` may be a noun or any other verb."""

_PLACING = PREPOSITIONS - JOINING
_MARKS = frozenset(",;:.")
_VERB_ENDINGS = ("ing", "ed")
_ARTICLES = frozenset(("a", "an", "the", "one", "some", "this", "another"))
_PLURALS = frozenset(("children", "people", "men", "women", "geese", "mice", "oxen", "cattle", "sheep"))


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a clause: as it stands, its stem, its kind, and if it stands behind a preposition.

    It `qualifies` what stands before it if it is behind an `of`: `a crowd of guests`. An owner is neutral:
    `the dog's bowl`.
    """

    word: str
    stem: str
    kind: Kind
    placed: bool
    qualifies: bool = False

    @property
    def is_plural(self) -> bool:
        """True for a noun of which there are several, behind which a bare word is a verb: `robins trill`."""
        return self.word in _PLURALS or (self.word.endswith("s") and not self.word.endswith(("ss", "us")))


@dataclass(frozen=True, slots=True)
class Clause:
    """Words between two joining words or marks; `has_article` if its first noun has one."""

    tokens: tuple[Token, ...]
    has_article: bool

    def names(self, stems: Collection[str]) -> bool:
        """Return whether one of the stems stands in the clause, and not behind a preposition."""
        return any(token.stem in stems for token in self.tokens if not token.placed)


def read_clauses(caption: str) -> list[Clause]:
    """Return the clauses of a caption without what it negates."""
    clauses: list[list[str]] = [[]]
    before = ""
    for word in tokenize(simplify(caption)):
        # "A guard answered by a whistle": what answers is no place.
        is_answer = word == "by" and before.endswith("ed")
        if word in JOINING or word in _MARKS or is_answer:
            clauses.append([])
        else:
            clauses[-1].append(word)
        before = word
    read = [_read_clause(words) for words in clauses if FAILURES.isdisjoint(words)]
    return [clause for clause in read if clause.tokens]


def _read_clause(words: Sequence[str]) -> Clause:
    tokens: list[Token] = []
    placed = qualifies = False
    for place, word in enumerate(words):
        if word in NEGATIONS:
            break
        qualifies |= word == "of"
        if word in _PLACING:
            placed = placed or bool(words[place + 1 :])
            continue
        if word in VOICE_VERBS:
            placed = False
        if word == POSSESSIVE:
            if tokens:
                tokens[-1] = replace(tokens[-1], kind="neutral")
            continue
        stem = reduce_caption_word(word)
        tokens.append(Token(word, stem, _find_kind(word, stem), placed, qualifies))
    return Clause(tuple(tokens), bool(words) and words[0] in _ARTICLES)


def _find_kind(word: str, stem: str) -> Kind:
    if word in PEOPLE:
        return "person"
    if word in NEUTRAL:
        return "neutral"
    if stem in SOUND_VERBS:
        return "verb"
    if stem in NEUTRAL or word.isdigit():
        return "neutral"
    if stem not in THINGS and word.endswith(ADJECTIVE_ENDINGS):
        return "neutral"
    return "word"


class Latitude(StrEnum):
    """The part of a caption that a sound may leave unexplained: words that are neither its own nor others'.

    A `strict` sound, an animal, is known by what it does: a dog that eats is no bark. A `thing` (a clock, a
    piano) may roar, rattle or whirr. `any_verb` is for what sounds as it does whatever it does (rain
    falls, drums, lashes), `any_thing` for what happens, to whatever it happens (a splash).
    """

    STRICT = auto()
    THING = auto()
    ANY_VERB = auto()
    ANY_THING = auto()


def accounts_for(
    clauses: Sequence[Clause],
    own: Collection[str],
    naming: Collection[str],
    others: Collection[str],
    latitude: Latitude,
) -> bool:
    """Return whether a sound accounts for all that the clauses say one hears.

    `own` are the stems that belong to it, `naming` those by which it was found, `others` those that name
    other sounds.
    """
    main = [clause for clause in clauses if clause.names(naming)]
    return bool(main) and all(
        _explains_main(clause, own, others, latitude)
        if clause in main
        else _explains_other(clause, own, others, latitude)
        for clause in clauses
    )


def _explains_main(clause: Clause, own: Collection[str], others: Collection[str], latitude: Latitude) -> bool:
    behind: Token | None = None
    for token in clause.tokens:
        if token.stem in own:
            behind = token
        elif token.placed or token.kind in {"neutral", "person"}:
            continue
        elif token.kind == "verb":
            if not _allows_verb(token, latitude):
                return False
        elif token.stem in others or not _is_harmless(token, behind, clause, latitude):
            return False
    return True


def _allows_verb(token: Token, latitude: Latitude) -> bool:
    if token.word in VOICE_VERBS or latitude is Latitude.STRICT:
        return False
    return latitude is Latitude.ANY_VERB or token.stem in NOISY_VERBS


def _is_harmless(token: Token, behind: Token | None, clause: Clause, latitude: Latitude) -> bool:
    """Return whether an unknown word names no other sound, judged by its place behind the recipe's own."""
    if behind is None or token.qualifies or latitude is Latitude.ANY_THING:
        return True
    if latitude is not Latitude.ANY_VERB:
        return False
    if token.word.endswith(_VERB_ENDINGS):
        return True
    # "A stream trills", "streams trill"; but "stream bed" is a thing of its own.
    return clause.has_article if token.word.endswith("s") else behind.is_plural


def _is_silent(token: Token, others: Collection[str]) -> bool:
    """Return whether a word names nothing that one hears: "while children play" does."""
    return token.kind == "neutral" or (token.kind == "person" and token.stem not in others)


def _explains_other(
    clause: Clause, own: Collection[str], others: Collection[str], latitude: Latitude
) -> bool:
    heard = [
        token
        for token in clause.tokens
        if not (token.placed or token.stem in own or _is_silent(token, others))
    ]
    # "A windmill turning and groaning": what does so stands before.
    goes_on = all(token.stem in NOISY_VERBS for token in heard) and latitude is not Latitude.STRICT
    return goes_on or not any(token.kind == "verb" or token.stem in others for token in heard)
