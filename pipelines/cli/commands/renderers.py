"""`copilot renderers`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from copilot import plugins
from pipelines.cli.output.backend_list import (
    BackendList,
    Listed,
    common_facts,
    common_fields,
    common_notes,
    yes_or_no,
)
from renderers.contract import info_of

_EITHER = "sfx or tts"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRenderer(Listed):
    """A registered renderer."""

    tool: str = ""
    model: str | None = None
    model_licence: str | None = None
    target: str | None = None
    clones: bool = False


def run_renderers(name: str | None, *, as_json: bool) -> int:
    """Print all registered renderers, or one of them in full; return 0. Raises UserError."""
    _RENDERERS.print(name, as_json=as_json)
    return 0


def _describe(name: str, package: str | None, renderer: Any) -> ListedRenderer:  # noqa: ANN401 - anybody's class
    info = info_of(renderer)
    # A backend for either tool knows which when it is constructed; its class has a property, or nothing.
    tool = getattr(renderer, "tool", None)
    return ListedRenderer(
        name=name,
        package=package,
        tool=tool if isinstance(tool, str) else _EITHER,
        model=info.model,
        model_licence=info.model_licence,
        target=info.target,
        clones=info.clones,
        **common_fields(info),
    )


def _notes(renderer: ListedRenderer) -> Iterator[str]:
    yield from common_notes(renderer)
    if renderer.model:
        yield f"model: {renderer.model}; its licence: {renderer.model_licence or 'not given'}"
    elif renderer.model_licence:
        yield f"licence of model or data: {renderer.model_licence}"


def _facts(renderer: ListedRenderer) -> Iterator[tuple[str, str]]:
    target = f":{renderer.target.upper()}" if renderer.target else ""
    if tools := [tool for tool in ("sfx", "tts") if tool in renderer.tool.split()]:
        yield "given as", " or ".join(f"--{tool} {renderer.name}{target}" for tool in tools)
    yield from common_facts(renderer)
    if renderer.model:
        yield "model", renderer.model
        yield "its licence", renderer.model_licence or "not given"
    elif renderer.model_licence:
        yield "licence of model or data", renderer.model_licence
    if renderer.clones:
        yield "voices", "clones those of a voice bank"


_RENDERERS = BackendList(
    group=plugins.RENDERERS,
    listed=ListedRenderer,
    describe=_describe,
    columns={"tool": lambda renderer: renderer.tool, "installed": yes_or_no},
    notes=_notes,
    facts=_facts,
)
