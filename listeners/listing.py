"""Registered listeners, described without constructing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from copilot import plugins
from copilot.plugin_list import ListedModel, describe_common, list_backends
from listeners.contract import Kind, get_info


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedListener(ListedModel):
    """A registered listener, and the kinds that it can be created for."""

    kinds: tuple[Kind, ...] = ()


def list_listeners(name: str | None = None) -> list[ListedListener]:
    """Describe all registered listeners, or only the one called `name`. Raises UserError if it is unknown."""
    return list_backends(plugins.LISTENERS, ListedListener, _describe, name)


def _describe(name: str, package: str | None, listener: Any) -> ListedListener:  # noqa: ANN401 - anybody's class
    info = get_info(listener)
    return ListedListener(
        name=name,
        package=package,
        kinds=info.kinds,
        model=info.model,
        model_licence=info.model_licence,
        target=info.target,
        **describe_common(info),
    )
