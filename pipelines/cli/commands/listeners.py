"""`copilot listeners`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from copilot import plugins
from listeners.contract import Kind
from listeners.listing import ListedListener, list_listeners
from pipelines.cli.output.backend_list import (
    BackendList,
    common_facts,
    describe_target,
    model_facts,
    model_notes,
    yes_or_no,
)

_OPTIONS: Mapping[Kind, str] = {
    "recogniser": "--asr",
    "detector": "--detector",
    "embedder": "--embedder",
    "scorer": "--scorer",
    "rater": "--rater",
}


def run_listeners(name: str | None, *, as_json: bool) -> int:
    """Print all registered listeners, or one of them in full; return 0. Raises UserError."""
    _LISTENERS.print(name, as_json=as_json)
    return 0


def _facts(listener: ListedListener) -> Iterator[tuple[str, str]]:
    target = describe_target(listener)
    yield "given as", " or ".join(f"{_OPTIONS[kind]} {listener.name}{target}" for kind in listener.kinds)
    yield from common_facts(listener)
    yield from model_facts(listener)


_LISTENERS = BackendList(
    group=plugins.LISTENERS,
    entries=list_listeners,
    columns={"kind": lambda listener: " or ".join(listener.kinds), "installed": yes_or_no},
    notes=model_notes,
    facts=_facts,
    set_options=lambda listener: [f"{_OPTIONS[kind]}-set" for kind in listener.kinds],
)
