"""From a text to what espeak-ng is given to speak, and from its word events back to the text's words.

Only letters, digits, spoken symbols and plain punctuation reach the library: its control characters, phoneme
notation and names of decorations cannot be triggered by a text. Every word of the text gets a time, in order,
start before end, whatever events the library reports.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

_BREAK = re.compile(r"-{2,}|[\u2012-\u2015]+|\.{2,}|\u2026+|(?<!\d)/|/(?!\d)")
_SPOKEN_SYMBOLS = frozenset("&%+=@$£€°")
_PUNCTUATION = frozenset("'.,;:!?()/-")
_PAUSES = ".,;:!?"
_STRAIGHT = str.maketrans("\u2018\u2019\u201b\u2032\u2044", "''''/")


@dataclass(frozen=True, slots=True)
class SpokenText:
    """`text` is what the library hears. Token i of it ends before the character `ends[i]`.

    `words[i]` is the word as the text writes it, without the punctuation around it; empty where the token is
    a symbol that is spoken without being a word ("&").
    """

    text: str
    ends: tuple[int, ...]
    words: tuple[str, ...]


def spoken_text(text: str) -> SpokenText:
    """What to speak for `text`; without any word where there is nothing to say.

    Words end at white space, dashes, dots of omission, slashes and at whatever is not heard. A text without
    any small letter is spoken as words, not letter by letter.
    """
    visible = "".join(_visible(character) for character in text)
    all_capitals = visible == visible.upper()
    pieces: list[str] = []
    words: list[str] = []
    for token in _BREAK.sub(_pause, visible).split():
        heard = _heard(token.lower() if all_capitals else token)
        if any(c.isalnum() or c in _SPOKEN_SYMBOLS for c in heard):
            pieces.append(heard)
            words.append(_bare(token))
        elif pieces and pieces[-1][-1] not in _PAUSES:
            pieces[-1] += next((c for c in heard if c in _PAUSES), ",")
    if not any(words):
        return SpokenText("", (), ())
    ends = tuple(accumulate(len(piece) + 1 for piece in pieces))
    return SpokenText(" ".join(pieces), ends, tuple(words))


def _visible(character: str) -> str:
    """The character, nothing for an invisible one, a space for one that is neither heard nor a pause."""
    category = unicodedata.category(character)
    if category.startswith("C"):
        return " " if category == "Cc" else ""
    return character if category == "Pd" or any(map(_is_heard, _plain(character))) else " "


def _pause(found: re.Match[str]) -> str:
    return " " if found.group() == "/" else " , "


def _heard(token: str) -> str:
    return " ".join("".join(c if _is_heard(c) else " " for c in _plain(token)).split())


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_STRAIGHT)


def _is_heard(character: str) -> bool:
    return _is_word_part(character) or character in _SPOKEN_SYMBOLS or character in _PUNCTUATION


def _is_word_part(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _bare(token: str) -> str:
    """The token between its first and its last letter or digit; empty where it has none."""
    inside = [index for index, character in enumerate(token) if _is_word_part(character)]
    word = token[inside[0] : inside[-1] + 1] if inside else ""
    return word if any(map(str.isalnum, word)) else ""


def word_spans(
    spoken: SpokenText, events: Sequence[tuple[int, int]], loud: NDArray[np.intp]
) -> list[tuple[str, float, float]]:
    """Each word with its start and end, as (fractions of) samples, where it is heard.

    `events` are the library's (character index, sample), `loud` the rising indices of the samples that are
    heard: at least one. A word runs from its event to the next, without the silence at both ends. Words that
    share one event share its time by their lengths.
    """
    tokens, starts = [0], [float(loud[0])]
    for position, sample in events:
        token = bisect_right(spoken.ends, position)
        # The first token begins with the sound, and one that runs back, or past the sound, tells nothing.
        if tokens[-1] < token < len(spoken.words) and starts[-1] < sample < loud[-1]:
            tokens.append(token)
            starts.append(float(sample))
    edges = [0, *spoken.ends]
    bounds = np.interp(
        edges,
        [edges[token] for token in (*tokens, len(spoken.words))],
        [*starts, float(loud[-1]) + 1.0],
    )
    return [
        (word, *_heard_part(float(start), float(end), loud))
        for word, (start, end) in zip(spoken.words, pairwise(bounds), strict=True)
        if word
    ]


def _heard_part(start: float, end: float, loud: NDArray[np.intp]) -> tuple[float, float]:
    first, last = np.searchsorted(loud, (start, end))
    if first == last:  # nothing but silence: better the library's span than none
        return start, end
    return float(loud[first]), min(float(loud[last - 1]) + 1.0, end)
