"""Texts that no person would write: words glued together, letters of a foreign script, and loops.

What the seed itself has is never a fault, so that a request or a line may quote it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from copilot.rules.rule import Case, Finding, rule
from copilot.rules.texts import Text, list_texts

_LONGEST_WORD = 24
_LONGEST_COMPOUND = 40
"""Of languages that write compounds as one word."""

_LONGEST_CAMEL = 13
# Between these, a text is one piece: a comma or a full stop without a space after it ends no word.
_PIECE = re.compile(r"[^\s\u2014\u2013\u2026/|-]+")
# Chinese, Japanese, Thai, Lao, Burmese and Khmer have no spaces between words.
_MARKS = ".,;:!?\"'()\u2018\u2019\u201c\u201d"
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\uf9ff\U00020000-\U0003134f]+"
)
_CAMEL = re.compile(r"^[^\W\d_A-Z].*[a-z][A-Z][a-z]")
# Drawn out sounds, "aaaargh" and "hahahaha", are as long as the writer likes.
_DRAWN_OUT = re.compile(r"(\w{1,4}?)\1{2,}")

_MIXED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC")

_LOOPS = (
    # 's's's
    re.compile(r"(['\u2019`]\w{1,3})\1{2}"),
    # I'd.I'd,I'd and 05,05,05
    re.compile(r"\b(\w[\w'\u2019`]{0,30})(?:[.,;:_]\1){2}\b", re.IGNORECASE),
)
_WORD = re.compile(r"\w+(?:['\u2019`]\w+)*")
_SHORTEST_PHRASE, _LONGEST_PHRASE = 3, 20


def _list_normal_texts(case: Case) -> Iterator[Text]:
    # text-too-long reports the others; the patterns are for texts of a normal length.
    return (text for text in list_texts(case) if len(text.text) <= text.longest)


@rule("text-glued", "fatal")
def text_glued(case: Case) -> Iterator[Finding]:
    """No text has words glued together: 25 letters or more in a row, or a capital inside a long word."""
    seed = case.dialogue.seed_text.casefold()
    for text in _list_normal_texts(case):
        for piece in _PIECE.findall(_UNSPACED.sub(" ", text.text)):
            if (
                _is_glued(piece, _LONGEST_WORD if case.english else _LONGEST_COMPOUND)
                and piece.strip(_MARKS).casefold() not in seed
            ):
                yield text.fault(f"has {_shorten(piece)!r}; words have spaces between them")
                break


def _is_glued(piece: str, longest: int) -> bool:
    if len(piece) <= _LONGEST_CAMEL:
        return False
    letters = "".join(filter(str.isalpha, _DRAWN_OUT.sub(r"\1", piece)))
    return len(letters) > (_LONGEST_CAMEL if _CAMEL.search(piece) else longest)


@rule("text-foreign-script", "fatal")
def text_foreign_script(case: Case) -> Iterator[Finding]:
    """Every text is in Latin letters, or in the script of the seed."""
    seed = case.dialogue.seed_text
    # A micro sign has a Greek capital.
    known = _scripts(seed + seed.upper()) | {"LATIN"}
    for text in list_texts(case):
        if foreign := sorted(_scripts(text.text) - known):
            yield text.fault(
                f"has letters of another script ({', '.join(foreign).lower()}); use Latin letters"
            )


def _scripts(text: str) -> set[str]:
    return {_script(character) for character in text if not character.isascii() and character.isalpha()}


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    """Return the script of a letter by its name in Unicode; those that one language mixes count as one."""
    # Ligatures, superscripts and the like are letters in another shape; a micro sign is no Greek.
    plain = "m" if letter == "\u00b5" else unicodedata.normalize("NFKC", letter)[0]
    name = unicodedata.name(plain, "UNKNOWN")
    if name.startswith(_MIXED):
        return "CJK"
    return "LATIN" if name.startswith("MODIFIER LETTER") else name.partition(" ")[0]


@rule("text-loops", "hq")
def text_loops(case: Case) -> Iterator[Finding]:
    """No text says the same three times in a row, unless it is one word or two, such as "tick tock"."""
    seed = " ".join(_WORD.findall(case.dialogue.seed_text.lower()))
    for text in _list_normal_texts(case):
        said = _find_loop(text.text)
        if said and " ".join(_WORD.findall(3 * f"{said.lower()} ")) not in seed:
            yield text.fault(f"says {_shorten(said)!r} again and again; say it once")


def _find_loop(text: str) -> str | None:
    """Return what comes three times in a row, or None."""
    if found := next(filter(None, (pattern.search(text) for pattern in _LOOPS)), None):
        return found[1]
    words = _WORD.findall(text)
    lower = [word.lower() for word in words]
    for length in range(_SHORTEST_PHRASE, _LONGEST_PHRASE + 1):
        n_equal = 0
        for index in range(length, len(lower)):
            n_equal = n_equal + 1 if lower[index] == lower[index - length] else 0
            phrase = words[index - length + 1 : index + 1]
            if n_equal == 2 * length and len(set(phrase)) >= _SHORTEST_PHRASE:
                return " ".join(phrase)
    return None


def _shorten(text: str, longest: int = 40) -> str:
    return text if len(text) <= longest else f"{text[:longest]}..."


RULES = (text_glued, text_foreign_script, text_loops)
