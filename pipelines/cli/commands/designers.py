"""`copilot designers`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from copilot import plugins
from copilot.designers.contract import info_of
from pipelines.cli.output.backend_list import (
    BackendList,
    Listed,
    common_facts,
    common_fields,
    common_notes,
    yes_or_no,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDesigner(Listed):
    """A registered designer."""

    draws_tasks: bool = False
    asks_model: bool = False
    repeatable: bool = False


def run_designers(name: str | None, *, as_json: bool) -> int:
    """Print all registered designers, or one of them in full; return 0. Raises UserError."""
    _DESIGNERS.print(name, as_json=as_json)
    return 0


def _describe(name: str, package: str | None, designer: Any) -> ListedDesigner:  # noqa: ANN401 - anybody's class
    info = info_of(designer)
    return ListedDesigner(
        name=name,
        package=package,
        draws_tasks=info.draws_tasks,
        asks_model=info.asks_model,
        repeatable=info.repeatable,
        **common_fields(info),
    )


def _facts(designer: ListedDesigner) -> Iterator[tuple[str, str]]:
    yield "given as", f"--designer {designer.name}"
    yield from common_facts(designer)
    yield "tasks", "drawn by the weights of --task-mix" if designer.draws_tasks else "its own choice"
    yield (
        "language model",
        "that of the --llm-... options" if designer.asks_model else "none of the pipeline's",
    )
    yield "repeatable", "yes" if designer.repeatable else "no: the same seed may give another dialogue"


_DESIGNERS = BackendList(
    group=plugins.DESIGNERS,
    listed=ListedDesigner,
    describe=_describe,
    columns={"installed": yes_or_no},
    notes=common_notes,
    facts=_facts,
)
