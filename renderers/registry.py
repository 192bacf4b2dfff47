"""Renderers by name, each an entry point in the group `copilot.renderers`."""

from __future__ import annotations

from copilot import plugins
from copilot.errors import UserError
from renderers.base import Renderer, Tool


def create(name: str, tool: Tool) -> Renderer:
    """A renderer by its name.

    Raises UserError for a name that nothing is registered under, or a renderer of the other tool.
    """
    renderer: Renderer = plugins.load(plugins.RENDERERS, name, f"--{tool}")()
    if renderer.tool != tool:
        raise UserError(
            f"--{tool} {name}: this renderer is for {renderer.tool}; use --{renderer.tool} {name}"
        )
    return renderer
