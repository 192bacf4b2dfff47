"""Which renderers there are: this distribution's, and those of any installed package.

A renderer is an entry point in the group `copilot.renderers`, named as it is asked for.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from copilot.errors import UserError
from renderers.base import Renderer, Tool

GROUP = "copilot.renderers"


def available() -> dict[str, EntryPoint]:
    """The entry points by name; nothing is imported yet."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def create(name: str, tool: Tool) -> Renderer:
    """A renderer by its name.

    Raises UserError for a name that nothing is registered under, or a renderer of the other tool.
    """
    known = available()
    if name not in known:
        raise UserError(f"--{tool} {name}: no such renderer; there are: {', '.join(sorted(known)) or 'none'}")
    renderer: Renderer = known[name].load()()
    if renderer.tool != tool:
        raise UserError(
            f"--{tool} {name}: this renderer is for {renderer.tool}; use --{renderer.tool} {name}"
        )
    return renderer
