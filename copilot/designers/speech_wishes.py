"""Speech that a user's request wants: what it quotes, or the words for somebody who speaks. English only."""

from __future__ import annotations

import re

_QUOTE = re.compile('["\u201c\u201e\u00ab]([^"\u201c\u201d\u00bb]{2,200})["\u201c\u201d\u00bb]')
_SPEECH = re.compile(
    r"\b(?:says?|saying|speaks?|speaking|speech|talks?|talking|voices?|whispers?|whispering|shouts?|shouting|"
    r"calls?|calling out|line|lines|words|dialogue|conversation|chatting)\b"
)


def find_quotes(request: str) -> list[str]:
    """Return what stands between quotation marks: words to be spoken, each with its punctuation."""
    return [quote.strip() for quote in _QUOTE.findall(request) if quote.strip()]


def asks_for_speech(request: str) -> bool:
    """Return whether the request speaks of somebody who speaks, or quotes what is said."""
    return _SPEECH.search(request.lower()) is not None or bool(find_quotes(request))
