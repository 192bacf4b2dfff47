"""Speech that a user's request wants: what it quotes, or the words for somebody who speaks. English only."""

from __future__ import annotations

import re
from typing import get_args

from copilot.rules.request_targets import GENDER_HINTS
from copilot.scene import Gender
from copilot.text.word_stems import reduce_request_word

_WORD = re.compile(r"[a-z]+")
_QUOTE = re.compile('["\u201c\u201e\u00ab]([^"\u201c\u201d\u00bb]{2,200})["\u201c\u201d\u00bb]')
_SPEECH = re.compile(
    r"\b(?:says?|saying|speaks?|speaking|speech|talks?|talking|voices?|whispers?|whispering|shouts?|shouting|"
    r"calls?|calling out|line|lines|words|dialogue|conversation|chatting)\b"
)


def find_gender(request: str) -> Gender | None:
    """Return the gender of the people that the request names, if it names one gender alone."""
    words = {reduce_request_word(word) for word in _WORD.findall(request.lower())}
    named = [gender for gender in get_args(Gender) if not words.isdisjoint(GENDER_HINTS[gender])]
    return named[0] if len(named) == 1 else None


def find_quotes(request: str) -> list[str]:
    """Return what stands between quotation marks: words to be spoken, each with its punctuation."""
    return [quote.strip() for quote in _QUOTE.findall(request) if quote.strip()]


def asks_for_speech(request: str) -> bool:
    """Return whether the request speaks of somebody who speaks, or quotes what is said."""
    return _SPEECH.search(request.lower()) is not None or bool(find_quotes(request))
