"""`copilot renderers`."""

from __future__ import annotations

from collections.abc import Iterator

from copilot import plugins
from pipelines.cli.output.backend_list import (
    BackendList,
    common_facts,
    describe_target,
    model_facts,
    model_notes,
    yes_or_no,
)
from renderers.listing import ListedRenderer, list_renderers


def run_renderers(name: str | None, *, as_json: bool) -> int:
    """Print all registered renderers, or one of them in full; return 0. Raises UserError."""
    _RENDERERS.print(name, as_json=as_json)
    return 0


def _list_tools(renderer: ListedRenderer) -> list[str]:
    """Return the options that a renderer may be given as, without their hyphens."""
    return [tool for tool in ("sfx", "tts") if tool in renderer.tool.split()]


def _facts(renderer: ListedRenderer) -> Iterator[tuple[str, str]]:
    target = describe_target(renderer)
    if tools := _list_tools(renderer):
        yield "given as", " or ".join(f"--{tool} {renderer.name}{target}" for tool in tools)
    yield from common_facts(renderer)
    yield from model_facts(renderer)
    if renderer.clones:
        yield "voices", "clones those of a voice bank"


_RENDERERS = BackendList(
    group=plugins.RENDERERS,
    entries=list_renderers,
    columns={"tool": lambda renderer: renderer.tool, "installed": yes_or_no},
    notes=model_notes,
    facts=_facts,
    set_options=lambda renderer: [f"--{tool}-set" for tool in _list_tools(renderer)],
)
