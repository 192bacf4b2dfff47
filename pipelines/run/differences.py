"""Differences between two fingerprints, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_SETTINGS = ("config.", "filter.")
"""The parts of a fingerprint that hold settings under their own names."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that differs: its dotted place in the JSON, and both values."""

    place: str
    known: Any
    requested: Any

    @property
    def field(self) -> str | None:
        """The setting that the value belongs to, such as `run_seed` or `llm.model`; None for other values."""
        for part in _SETTINGS:
            if self.place.startswith(part):
                name = self.place.removeprefix(part)
                return name if name.startswith("llm.") else name.partition(".")[0]
        return None

    def __str__(self) -> str:
        name = self.place
        if self.field:
            _, _, inner = self.place.partition(f"{self.field}.")
            name = f"`{self.field}`: {inner}" if inner else f"`{self.field}`"
        return f"{name} is {self.known!r} in the run, but {self.requested!r} was requested"


def find_differences(known: Any, requested: Any, at: str = "") -> Iterator[Difference]:  # noqa: ANN401 - any JSON
    """Yield each value that differs."""
    if isinstance(known, dict) and isinstance(requested, dict):
        for name in sorted(known.keys() | requested.keys()):
            inner = f"{at}.{name}" if at else name
            yield from find_differences(known.get(name), requested.get(name), inner)
    elif known != requested:
        yield Difference(at, known, requested)
