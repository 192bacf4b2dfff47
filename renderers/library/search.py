"""Finds the recordings that a caption calls for: full text search, and a rule for what counts as found.

A caption names its sound ("rain", "dog barks"), tells its manner ("distant", "softly") and its place ("on a
tin roof"). A recording fits only where its text holds at least half of the words that name the sound, and one
of them decides: a thing, not what it does ("crying" in "gulls crying") and not the qualifier of another thing
("fire" in "fire truck"). Those that hold most of the naming words come first, then most of the others, then
by BM25.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from copilot.errors import CopilotError
from copilot.text.word_stems import reduce_caption_word
from renderers.procedural.caption_words import words_of
from renderers.procedural.modifiers import plain

_STOP_WORDS = words_of(
    """a an the some any its his her their my your our of is are was were be being been it this that these
    those there very quite rather so too just who which what where somewhere somebody something one other
    another each every all both no not or heard hear hearing"""
)
# Words behind these place the sound, and do not name it.
_PREPOSITIONS = words_of(
    """on in into onto over at near from through against under underneath behind beside by with without
    across along down up outside inside within around between beneath above below while as and then to
    toward towards for after before amid amidst among amongst during past off beyond throughout upon like
    until when"""
)
# How a sound is, and how often: never what it is.
_MODIFIERS = words_of(
    """soft gentle quiet faint subdued calm mild delicate hushed subtle light thin weak low high deep loud
    heavy torrential massive violent fierce furious raging powerful intense strong thick wild vigorous
    relentless hard harsh sharp rough energetic forceful sparse scattered occasional frequent steady
    constant continuous intermittent persistent regular irregular rhythmic repeated repetitive sudden
    brief short long fast rapid quick slow lazy leisurely hurried frantic brisk urgent large huge giant
    enormous great big small tiny little miniature young old new distant faraway remote nearby near close
    far muffled dull dampened clear bright dark warm cold cool hot wet dry shrill squeaky piercing
    high-pitched low-pitched angry happy sad excited nervous playful aggressive friendly single lone solitary
    several many few multiple various two three four five dozen once twice thrice again overhead outdoors
    indoors away ahead forth back first second last final"""
)
# Who does it, and doing anything at all: as little a name of a sound.
_ANYBODY = words_of(
    """person people man woman men women someone male female boy girl human play playing plays played move
    moving moves go going goes come coming comes pass passing passes make making makes start starting stop
    stopping begin begins end ends get gets getting fill filling fills turn turning turns open opening
    opens close closing closes fall falling falls set setting"""
)
# Kinds of sound: alone they name it ("soft music"), beside another word they do not.
_GENERIC = words_of(
    """sound noise audio recording ambience ambiance ambient atmosphere background effect sfx music musical
    song melody tune track piece"""
)
# As the second of two nouns they tell what the first one does, and not another thing.
_MANNERS = words_of(
    """bark growl howl whine yelp meow purr hiss moo bleat neigh whinny snort oink quack cluck crow caw coo
    hoot chirp tweet squawk screech cry scream shout laugh cough sneeze snore roar rumble crackle crack
    drip drizzle splash hum buzz tick click creak squeak slam bang thud rattle clatter clink crash call
    fall flow shower sound noise ambience blow rustle whoosh crunch knock step"""
)
_NO_ADVERBS = words_of("fly family belly jelly butterfly trolley assembly bully early supply reply rally")
_INFLECTIONS = ("s", "ing", "ed")
_VERBS = ("ing", "ed")
_TOKEN = re.compile(r"[^\W_]+(?:-[^\W_]+)*|[,;:.]")
_OWNERS = re.compile(r"['\u2019]s?\b")
_BREAKS = frozenset(",;:.")

_FITTING_SHARE = 0.5
_AS_GOOD = 0.9
"""Recordings with the same words, and at least this share of the best BM25 score, are equally good."""


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a caption: whether it `names` the sound, and whether a recording may be taken for it."""

    word: str
    names: bool
    decides: bool


class Search:
    """Full text search over texts, in memory. Raises CopilotError where SQLite has none.

    Belongs to one process, and is not for two threads at once.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        try:
            self._database.execute(
                "CREATE VIRTUAL TABLE sounds USING fts5(text, tokenize='porter unicode61')"
            )
        except sqlite3.OperationalError as error:
            self._database.close()
            raise CopilotError(
                f"library: {error}; this Python's SQLite is built without FTS5, use another Python"
            ) from error
        self._database.executemany("INSERT INTO sounds (rowid, text) VALUES (?, ?)", enumerate(texts))

    def find(self, caption: str) -> list[int]:
        """The indices of the texts that fit the caption best, all equally well; empty where none fits."""
        terms = terms_of(caption)
        n_naming = sum(term.names for term in terms)
        names: dict[int, int] = {}
        others: dict[int, int] = {}
        scores: dict[int, float] = {}
        decided: set[int] = set()
        for term in terms:
            counts = names if term.names else others
            for row, score in self._rows(term.word):
                counts[row] = counts.get(row, 0) + 1
                scores[row] = scores.get(row, 0.0) + score
                if term.decides:
                    decided.add(row)
        fitting = [row for row in decided if names[row] >= _FITTING_SHARE * n_naming]
        most = max(((names[row], others.get(row, 0)) for row in fitting), default=None)
        best = [row for row in fitting if (names[row], others.get(row, 0)) == most]
        highest = max((scores[row] for row in best), default=0.0)
        return sorted(row for row in best if scores[row] >= _AS_GOOD * highest)

    def close(self) -> None:
        """Let go of the table."""
        self._database.close()

    def _rows(self, word: str) -> list[tuple[int, float]]:
        # A quoted string is words to FTS5, whatever it holds.
        quoted = '"' + word.replace('"', '""') + '"'
        query = "SELECT rowid, -bm25(sounds) FROM sounds WHERE sounds MATCH ?"
        return self._database.execute(query, (quoted,)).fetchall()


def terms_of(caption: str) -> list[Term]:
    """The caption's distinct words, without stop words, and what each of them does.

    Where no word names the sound by itself, the generic ones do ("soft music"), else those of the place.
    """
    roles = [(word, role) for word, role in _roles(caption) if role != "stop"]
    naming = next((role for role in ("name", "generic", "place") if any(role == r for _, r in roles)), None)
    only_verbs = all(word.endswith(_VERBS) for word, role in roles if role == naming)
    terms: dict[str, Term] = {}
    for (word, role), (after, role_after) in pairwise([*roles, ("", "break")]):
        if role in {"break", "preposition"}:
            continue
        compound = role_after == role and not word.endswith(_INFLECTIONS) and not after.endswith(_INFLECTIONS)
        decides = not (compound and after not in _MANNERS) and (only_verbs or not word.endswith(_VERBS))
        names = role == naming
        terms.setdefault(reduce_caption_word(word), Term(word, names, names and decides))
    return list(terms.values())


def _roles(caption: str) -> list[tuple[str, str]]:
    """Each word with its role, and the marks and prepositions between them."""
    roles: list[tuple[str, str]] = []
    placed = opened_by_place = False
    for token in _TOKEN.findall(_OWNERS.sub("", plain(caption))):
        if token in _BREAKS:
            # "In a stone hall, footsteps": what follows an opening place names the sound.
            placed &= not opened_by_place
            opened_by_place = False
            roles.append((token, "break"))
        elif token in _PREPOSITIONS:
            opened_by_place |= not any(role in {"name", "generic"} for _, role in roles)
            placed = True
            roles.append((token, "preposition"))
        else:
            roles += [(word, _role(word, placed=placed)) for word in _words(token)]
    return roles


def _words(token: str) -> list[str]:
    """A hyphenated word is several to the table, unless it is known as one."""
    return [token] if token in _MODIFIERS else token.split("-")


def _role(word: str, *, placed: bool) -> str:
    if word in _STOP_WORDS:
        return "stop"
    if word in _MODIFIERS or word in _ANYBODY or word.isdigit():
        return "modifier"
    if word.endswith("ly") and word not in _NO_ADVERBS:
        return "modifier"
    if placed:
        return "place"
    return "generic" if word in _GENERIC else "name"
