"""Ends texts at a whole word: a text that reached a grammar's most words was cut off.

At the most words a grammar allows no further space, so that a model which continues writes its words as one.
Such a text loses what follows its last sentence, or its last word if no sentence ends in its second half.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from copilot.frozen_model import FrozenModel

M = TypeVar("M", bound=FrozenModel)

_SENTENCE_END = re.compile(r"[.!?\u2026]['\u2019)]*$")
_SHORTEST_SHARE = 0.5
"""Of the words that a text keeps if it is cut at the end of a sentence."""
# No text ends with one of these: what they begin is missing.
_OPENING_WORDS = frozenset((
    *("a", "an", "and", "as", "at", "because", "but", "by", "for", "from", "her", "his", "if", "in", "into"),
    *("is", "its", "like", "my", "nor", "of", "on", "onto", "or", "our", "over", "so", "than", "that", "the"),
    *("their", "then", "through", "to", "under", "until", "when", "where", "which", "while", "who", "whose"),
    *("with", "without", "your"),
))  # fmt: skip
_CLAUSE_ENDS = ",;:-\u2013\u2014"


def trim_text(text: str, most_words: int) -> str:
    """Return a text of `most_words` words that ends in the middle of a sentence without its end.

    Any other text is returned as it is.
    """
    words = text.split(" ")
    if len(words) != most_words or most_words < 2 or _SENTENCE_END.search(text):
        return text
    for n in range(most_words - 1, int(_SHORTEST_SHARE * most_words), -1):
        if _SENTENCE_END.search(words[n - 1]):
            return " ".join(words[:n])
    kept = words[:-1]
    while len(kept) > 1 and kept[-1].strip(_CLAUSE_ENDS).lower() in _OPENING_WORDS:
        kept.pop()
    return " ".join(kept).rstrip(_CLAUSE_ENDS)


def trim_reply(reply: M, most_words: Mapping[str, int]) -> M:
    """Return a reply with trimmed texts; `most_words` is by field, and `line` is for the text of speech."""
    return reply.model_copy(update={name: _trim(reply, name, most_words) for name in reply.model_fields_set})


def _trim(reply: FrozenModel, name: str, most_words: Mapping[str, int]) -> object:
    value = getattr(reply, name)
    if isinstance(value, FrozenModel):
        return trim_reply(value, most_words)
    if isinstance(value, tuple):
        return tuple(trim_reply(one, most_words) if isinstance(one, FrozenModel) else one for one in value)
    kind = "line" if name == "text" and getattr(reply, "role", None) == "speech" else name
    return trim_text(value, most_words[kind]) if isinstance(value, str) and kind in most_words else value
