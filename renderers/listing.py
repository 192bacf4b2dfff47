"""Registered renderers, described without constructing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from copilot import plugins
from copilot.plugin_list import ListedModel, describe_common, list_backends
from renderers.contract import Tool, get_info


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRenderer(ListedModel):
    """A registered renderer. `tool` is `sfx`, `tts`, or `sfx or tts` if only an instance knows."""

    tool: str = ""
    clones: bool = False


def list_renderers(name: str | None = None) -> list[ListedRenderer]:
    """Describe all registered renderers, or only the one called `name`. Raises UserError if it is unknown."""
    return list_backends(plugins.RENDERERS, ListedRenderer, _describe, name)


def _describe(name: str, package: str | None, renderer: Any) -> ListedRenderer:  # noqa: ANN401 - anybody's class
    info = get_info(renderer)
    return ListedRenderer(
        name=name,
        package=package,
        tool=" or ".join(info.tools or get_args(Tool)),
        model=info.model,
        model_licence=info.model_licence,
        target=info.target,
        clones=info.clones,
        **describe_common(info),
    )
