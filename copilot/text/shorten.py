"""Texts of others, as messages show them."""

from __future__ import annotations

SHOWN_CHARS = 300


def shorten(text: str) -> str:
    """Return a text in one line of 300 characters at most."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARS else f"{line[:SHOWN_CHARS]}..."
