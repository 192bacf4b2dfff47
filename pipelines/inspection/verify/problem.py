"""A problem that verifying a run found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Damage in a run: a kebab-case kind, a message for people, and the file and the row it is in."""

    kind: str
    message: str
    file: str = ""
    id: str = ""
