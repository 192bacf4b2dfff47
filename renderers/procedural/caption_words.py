"""Words of a caption: split into tokens, and tables of words."""

from __future__ import annotations

import re

POSSESSIVE = "~"
_POSSESSIVE = re.compile(r"'s\b|(?<=s)'(?!\w)")
_TOKEN = re.compile(rf"{POSSESSIVE}|[a-z0-9]+(?:-[a-z0-9]+)*|[,;:.]")


def tokens(text: str) -> list[str]:
    """Lower-case words, the marks , ; : . and POSSESSIVE behind an owner, in order."""
    text = _POSSESSIVE.sub(f" {POSSESSIVE} ", text.lower().replace("\u2019", "'"))
    return _TOKEN.findall(text.replace("'", ""))


def words_of(text: str) -> frozenset[str]:
    """The words of a string, as a set: tables of words stay readable."""
    return frozenset(text.split())
