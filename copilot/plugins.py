"""Backends by name: this distribution's, and those of any installed package, as entry points."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from copilot.errors import UserError

DESIGNERS = "copilot.designers"
RENDERERS = "copilot.renderers"


def names(group: str) -> list[str]:
    """The names that a group has; nothing is imported."""
    return sorted({entry.name for entry in entry_points(group=group)})


def load(group: str, name: str, option: str) -> Any:  # noqa: ANN401 - whatever the entry point names
    """What is registered under a name. Raises UserError, which names the option, for an unknown one."""
    found = {entry.name: entry for entry in entry_points(group=group)}
    if name not in found:
        there = ", ".join(sorted(found)) or "none"
        raise UserError(f"{option} {name}: there is none of that name; there are: {there}")
    return found[name].load()
