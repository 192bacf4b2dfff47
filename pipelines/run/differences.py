"""Differences between two JSON values, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def find_differences(known: Any, requested: Any, at: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Yield a line for each value that differs: `config.run_seed is 7 in the run, but 8 was requested`."""
    if isinstance(known, dict) and isinstance(requested, dict):
        for name in sorted(known.keys() | requested.keys()):
            inner = f"{at}.{name}" if at else name
            yield from find_differences(known.get(name), requested.get(name), inner)
    elif known != requested:
        yield f"{at} is {known!r} in the run, but {requested!r} was requested"
