"""Registered designers, described without constructing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from copilot import plugins
from copilot.designers.contract import get_info
from copilot.plugin_list import Listed, describe_common, list_backends


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDesigner(Listed):
    """A registered designer."""

    target: str | None = None
    draws_tasks: bool = False
    draws_speech: bool = False
    takes_requests: bool = False
    continues: bool = False
    asks_model: bool = False
    repeatable: bool = False
    languages: tuple[str, ...] = ()


def list_designers(name: str | None = None) -> list[ListedDesigner]:
    """Describe all registered designers, or only the one called `name`. Raises UserError if it is unknown."""
    return list_backends(plugins.DESIGNERS, ListedDesigner, _describe, name)


def _describe(name: str, package: str | None, designer: Any) -> ListedDesigner:  # noqa: ANN401 - anybody's class
    info = get_info(designer)
    return ListedDesigner(
        name=name,
        package=package,
        target=info.target,
        draws_tasks=info.draws_tasks,
        draws_speech=info.draws_speech,
        takes_requests=info.takes_requests,
        continues=info.continues,
        asks_model=info.asks_model,
        repeatable=info.repeatable,
        languages=info.languages,
        **describe_common(info),
    )
