"""Search for the recordings that fit a caption: full text search, and a rule for what fits.

A caption names its sound ("rain", "dog barks"), its manner ("distant", "softly") and its place ("on a tin
roof"). A recording fits only if its text has at least half of the words that name the sound, and one of them
decides: a thing, not what it does ("crying" in "gulls crying") and not the qualifier of another thing ("fire"
in "fire truck"). It must account for all that the caption says one hears: "a dog panting" finds no bark.
Recordings with most of the naming words come first, then those with most of the others, then by BM25.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from copilot.errors import CopilotError
from copilot.text.captions import PREPOSITIONS, simplify, word_set
from copilot.text.clauses import Clause, Latitude, accounts_for, read_clauses
from copilot.text.sound_words import PEOPLE, SOUND_VERBS, SOURCES
from copilot.text.word_stems import reduce_caption_word

_STOP_WORDS = word_set(
    """a an the some any its his her their my your our of is are was were be being been it this that these
    those there very quite rather so too just who which what where somewhere somebody something one other
    another each every all both no not or heard hear hearing"""
)
# Words behind these place the sound, and do not name it.
_PLACING = PREPOSITIONS | word_set("until when")
# How a sound is, and how often: never what it is.
_MODIFIERS = word_set(
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
# Who does it, and verbs for doing anything: they do not name a sound either.
_ANYBODY = word_set(
    """person people man woman men women someone male female boy girl human play playing plays played move
    moving moves go going goes come coming comes pass passing passes make making makes start starting stop
    stopping begin begins end ends get gets getting fill filling fills turn turning turns open opening
    opens close closing closes fall falling falls set setting"""
)
# Kinds of sound: alone they name it ("soft music"), beside another word they do not.
_GENERIC = word_set(
    """sound noise audio recording ambience ambiance ambient atmosphere background effect sfx music musical
    song melody tune track piece"""
)
# As the second of two nouns they say what the first one does, and are not another thing.
_MANNERS = word_set(
    """bark growl howl whine yelp meow purr hiss moo bleat neigh whinny snort oink quack cluck crow caw coo
    hoot chirp tweet squawk screech cry scream shout laugh cough sneeze snore roar rumble crackle crack
    drip drizzle splash hum buzz tick click creak squeak slam bang thud rattle clatter clink crash call
    fall flow shower sound noise ambience blow rustle whoosh crunch knock step"""
)
# What a text says that names the thing alone: "rooster" is one that crows.
_USUAL: Mapping[str, str] = {
    "dog": "bark", "puppy": "bark", "rooster": "crow", "cat": "meow", "cow": "moo", "sheep": "bleat",
    "bird": "sing chirp tweet call", "crow": "caw", "owl": "hoot", "frog": "croak", "cricket": "chirp",
    "bee": "buzz", "baby": "cry", "bell": "ring toll chime", "clock": "tick", "phone": "ring",
    "siren": "wail",
    "alarm": "ring beep", "engine": "idle run", "car": "drive", "helicopter": "fly", "airplane": "fly",
    "chainsaw": "saw cut", "applause": "clap", "laughter": "laugh", "footsteps": "walk", "music": "play",
}  # fmt: skip
_WEATHER = word_set(
    "rain drizzle thunder storm wind breeze snow waves surf sea ocean river stream waterfall fire"
)
_LIVING = word_set(
    """dog puppy wolf cat kitten cow sheep lamb goat horse pig rooster hen chicken duck goose bird crow owl
    gull frog insect cricket cicada bee fly mosquito lion elephant monkey baby child"""
)
_NO_ADVERBS = word_set("fly family belly jelly butterfly trolley assembly bully early supply reply rally")
_INFLECTIONS = ("s", "ing", "ed")
_VERBS = ("ing", "ed")
_TOKEN = re.compile(r"[^\W_]+(?:-[^\W_]+)*|[,;:.]")
_OWNERS = re.compile(r"['\u2019]s?\b")
_BREAKS = frozenset(",;:.")

_FITTING_SHARE = 0.5
_AS_GOOD = 0.9
"""Recordings with the same words, and at least this share of the best BM25 score, are equally good."""


_WEATHER_STEMS = frozenset(map(reduce_caption_word, _WEATHER))
_LIVING_STEMS = frozenset(map(reduce_caption_word, _LIVING | PEOPLE))


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a caption: it may name the sound, and may decide that a recording fits."""

    word: str
    names: bool
    decides: bool


class Search:
    """Full text search over texts, in memory. Raises CopilotError if SQLite is built without it.

    Belongs to one process, and to one thread at a time.
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
        self._texts = texts

    def find(self, caption: str, without: Collection[int] = ()) -> list[int]:
        """Return the indices of the texts that fit the caption best, all equally well; empty if none fits.

        Those of `without` are passed over.
        """
        terms = parse_terms(caption)
        n_naming = sum(term.names for term in terms)
        names: dict[int, int] = {}
        others: dict[int, int] = {}
        scores: dict[int, float] = {}
        decided: set[int] = set()
        for term in terms:
            counts = names if term.names else others
            for row, score in self._query(term.word):
                counts[row] = counts.get(row, 0) + 1
                scores[row] = scores.get(row, 0.0) + score
                if term.decides:
                    decided.add(row)
        fitting = [row for row in decided.difference(without) if names[row] >= _FITTING_SHARE * n_naming]
        ranks = {row: (names[row], others.get(row, 0)) for row in fitting}
        clauses = read_clauses(caption)
        deciding = {reduce_caption_word(term.word) for term in terms if term.decides}
        for _, group in groupby(sorted(fitting, key=ranks.__getitem__, reverse=True), key=ranks.__getitem__):
            if best := [row for row in group if _accounts_for(self._texts[row], clauses, deciding)]:
                highest = max(scores[row] for row in best)
                return sorted(row for row in best if scores[row] >= _AS_GOOD * highest)
        return []

    def close(self) -> None:
        """Release the table."""
        self._database.close()

    def _query(self, word: str) -> list[tuple[int, float]]:
        # FTS5 reads a quoted string as words, whatever it contains.
        quoted = '"' + word.replace('"', '""') + '"'
        query = "SELECT rowid, -bm25(sounds) FROM sounds WHERE sounds MATCH ?"
        return self._database.execute(query, (quoted,)).fetchall()


def _accounts_for(text: str, clauses: Sequence[Clause], deciding: Collection[str]) -> bool:
    """Return whether a recording's text accounts for all that the clauses of a caption say one hears."""
    tokens = [token for clause in read_clauses(text) for token in clause.tokens]
    own = {token.stem for token in tokens}
    # "Static crackles" is no crackling fire: what does so has to be the same, unless it is just somebody.
    things = {token.stem for token in tokens if token.kind == "word"}
    named = own.intersection(deciding)
    if named <= SOUND_VERBS and things and not any(clause.names(things) for clause in clauses):
        return False
    if own.isdisjoint(SOUND_VERBS):
        for thing, verbs in _USUAL.items():
            if reduce_caption_word(thing) in own:
                own.update(map(reduce_caption_word, verbs.split()))
    if not own.isdisjoint(_WEATHER_STEMS):
        latitude = Latitude.ANY_VERB
    elif own.isdisjoint(_LIVING_STEMS):
        latitude = Latitude.THING
    else:
        latitude = Latitude.STRICT
    return accounts_for(clauses, own, named, SOURCES, latitude)


def parse_terms(caption: str) -> list[Term]:
    """Return the caption's distinct words, without stop words, and the role of each.

    If no word names the sound by itself, the generic ones do ("soft music"), else those of the place.
    """
    roles = [(word, role) for word, role in _assign_roles(caption) if role != "stop"]
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


def _assign_roles(caption: str) -> list[tuple[str, str]]:
    """Return each word with its role, and the marks and prepositions between them."""
    roles: list[tuple[str, str]] = []
    placed = opened_by_place = False
    for token in _TOKEN.findall(_OWNERS.sub("", simplify(caption))):
        if token in _BREAKS:
            # "In a stone hall, footsteps": the words after an opening place name the sound.
            placed &= not opened_by_place
            opened_by_place = False
            roles.append((token, "break"))
        elif token in _PLACING:
            opened_by_place |= not any(role in {"name", "generic"} for _, role in roles)
            placed = True
            roles.append((token, "preposition"))
        else:
            roles += [(word, _find_role(word, placed=placed)) for word in _split_hyphens(token)]
    return roles


def _split_hyphens(token: str) -> list[str]:
    """Return the parts of a hyphenated word, which are words to the table, unless it is a known modifier."""
    return [token] if token in _MODIFIERS else token.split("-")


def _find_role(word: str, *, placed: bool) -> str:
    if word in _STOP_WORDS:
        return "stop"
    if word in _MODIFIERS or word in _ANYBODY or word.isdigit():
        return "modifier"
    if word.endswith("ly") and word not in _NO_ADVERBS:
        return "modifier"
    if placed:
        return "place"
    return "generic" if word in _GENERIC else "name"
