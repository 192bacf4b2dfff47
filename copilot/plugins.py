"""Backends by name: this distribution's, and those of any installed package, as entry points."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from copilot.errors import CopilotError, UserError

DESIGNERS = "copilot.designers"
RENDERERS = "copilot.renderers"


def names(group: str) -> list[str]:
    """The names that a group has; nothing is imported."""
    return sorted({entry.name for entry in entry_points(group=group)})


def load(group: str, name: str, option: str) -> Any:  # noqa: ANN401 - whatever the entry point names
    """What is registered under a name.

    Raises UserError, which names the option, for an unknown one, and one that cannot be imported.
    """
    found = {entry.name: entry for entry in entry_points(group=group)}
    if name not in found:
        there = ", ".join(sorted(found)) or "none"
        raise UserError(f"{option} {name}: there is none of that name; there are: {there}")
    with blamed(f"{option} {name}{_of(found[name])}", "be imported"):
        return found[name].load()


def package(group: str, name: str) -> str:
    """` (PACKAGE)` for messages, where it is known which one brings what is registered under a name."""
    return next((_of(entry) for entry in entry_points(group=group, name=name)), "")


def _of(entry: EntryPoint) -> str:
    return f" ({entry.dist.name})" if entry.dist else ""


@contextmanager
def blamed(who: str, what: str) -> Iterator[None]:
    """Turn what a package's code raises, which may be anything, into a UserError: WHO cannot WHAT."""
    try:
        yield
    except (CopilotError, MemoryError):
        raise
    except Exception as error:
        raise UserError(f"{who}: cannot {what}: {describe_exception(error)}") from error


def describe_exception(error: Exception) -> str:
    """An exception of a package's code in one line, with the place that raised it."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said} ({Path(place.filename).name}, line {place.lineno})"
