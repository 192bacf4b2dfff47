"""Sizes as commands print them."""

from __future__ import annotations


def size_text(n_bytes: int) -> str:
    """A number of bytes for people, decimal."""
    size, unit = float(n_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 999.5:
            break
        size, unit = size / 1000, larger
    return f"{size:.3g} {unit}"
