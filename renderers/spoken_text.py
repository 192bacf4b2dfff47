"""From a text to the one that an engine speaks, and from the engine's word events back to the text's words.

Only letters, digits, spoken symbols and plain punctuation reach the engine: its control characters, phoneme
notation and names of decorations cannot be triggered by a text. Every word of the text gets a time, in order,
start before end, whatever events the engine reports.
"""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from copilot.errors import RowFault
from renderers.contract import RenderRequest

_MAX_CHARACTERS = 5_000

_BREAK = re.compile(r"-{2,}|[\u2012-\u2015]+|\.{2,}|\u2026+|(?<!\d)/|/(?!\d)")
_SPOKEN_SYMBOLS = frozenset("&%+=@$£€°")
_PUNCTUATION = frozenset("'.,;:!?()/-")
_PAUSES = ".,;:!?"
_STRAIGHT = str.maketrans("\u2018\u2019\u201b\u2032\u2044", "''''/")


@dataclass(frozen=True, slots=True)
class SpokenText:
    """A text that the engine receives. Token i of it ends before the character `ends[i]`.

    `words[i]` is the word as the original text writes it, without the punctuation around it; empty if the
    token is a symbol that is spoken without being a word ("&").
    """

    text: str
    ends: tuple[int, ...]
    words: tuple[str, ...]


def read_request(request: RenderRequest) -> SpokenText:
    """Return the text to speak for a request.

    Raises RowFault: `bad-duration`, `no-speech` for a text without a word, `text-too-long`.
    """
    if not 0 < request.duration_s < math.inf:
        raise RowFault("bad-duration", f"{request.duration_s} s is not a duration to speak in")
    spoken = make_spoken_text(request.text)
    if not spoken.words:
        raise RowFault("no-speech", "the text has no word")
    if len(spoken.text) > _MAX_CHARACTERS:
        raise RowFault("text-too-long", f"{len(spoken.text)} characters; the limit is {_MAX_CHARACTERS}")
    return spoken


def make_spoken_text(text: str) -> SpokenText:
    """Return the text to speak for `text`; it has no words if there is nothing to say.

    Words end at white space, dashes, ellipses, slashes and at any character that is not spoken. A text
    without a small letter is spoken as words, not letter by letter.
    """
    visible = "".join(_replace_invisible(character) for character in text)
    all_capitals = visible == visible.upper()
    pieces: list[str] = []
    words: list[str] = []
    for token in _BREAK.sub(_replace_break, visible).split():
        heard = _keep_spoken(token.lower() if all_capitals else token)
        if any(c.isalnum() or c in _SPOKEN_SYMBOLS for c in heard):
            pieces.append(heard)
            words.append(_strip(token))
        elif pieces and pieces[-1][-1] not in _PAUSES:
            pieces[-1] += next((c for c in heard if c in _PAUSES), ",")
    if not any(words):
        return SpokenText("", (), ())
    ends = tuple(accumulate(len(piece) + 1 for piece in pieces))
    return SpokenText(" ".join(pieces), ends, tuple(words))


def _replace_invisible(character: str) -> str:
    """Return the character, nothing if it is invisible, a space if it is neither spoken nor a pause."""
    category = unicodedata.category(character)
    if category.startswith("C"):
        return " " if category == "Cc" else ""
    return character if category == "Pd" or any(map(_is_spoken, _normalise(character))) else " "


def _replace_break(found: re.Match[str]) -> str:
    return " " if found.group() == "/" else " , "


def _keep_spoken(token: str) -> str:
    return " ".join("".join(c if _is_spoken(c) else " " for c in _normalise(token)).split())


def _normalise(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_STRAIGHT)


def _is_spoken(character: str) -> bool:
    return is_word_part(character) or character in _SPOKEN_SYMBOLS or character in _PUNCTUATION


def is_word_part(character: str) -> bool:
    """Return whether a character is a letter, a digit or a mark on one."""
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _strip(token: str) -> str:
    """Return the token from its first to its last letter or digit; empty if it has none."""
    inside = [index for index, character in enumerate(token) if is_word_part(character)]
    word = token[inside[0] : inside[-1] + 1] if inside else ""
    return word if any(map(str.isalnum, word)) else ""


def find_word_spans(
    spoken: SpokenText, events: Sequence[tuple[int, int]], loud: NDArray[np.intp]
) -> list[tuple[str, float, float]]:
    """Return each word with the start and end of its sound, as (fractions of) samples.

    `events` are the engine's (character index, sample), `loud` the rising indices of the audible samples: at
    least one. A word runs from its event to the next, without the silence at both ends. Words that share one
    event share its time by their lengths.
    """
    tokens, starts = [0], [float(loud[0])]
    for position, sample in events:
        token = bisect_right(spoken.ends, position)
        # The first token begins with the sound; an event that runs back, or past the sound, is ignored.
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
        (word, *_trim_silence(float(start), float(end), loud))
        for word, (start, end) in zip(spoken.words, pairwise(bounds), strict=True)
        if word
    ]


def _trim_silence(start: float, end: float, loud: NDArray[np.intp]) -> tuple[float, float]:
    first, last = np.searchsorted(loud, (start, end))
    if first == last:  # only silence: the engine's span is better than none
        return start, end
    return float(loud[first]), min(float(loud[last - 1]) + 1.0, end)
