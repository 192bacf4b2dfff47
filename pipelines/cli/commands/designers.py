"""`copilot designers`."""

from __future__ import annotations

from collections.abc import Iterator

from copilot import plugins
from copilot.designers.listing import ListedDesigner, list_designers
from copilot.language import name_languages
from pipelines.cli.output.backend_list import BackendList, common_facts, common_notes, yes_or_no


def run_designers(name: str | None, *, as_json: bool) -> int:
    """Print all registered designers, or one of them in full; return 0. Raises UserError."""
    _DESIGNERS.print(name, as_json=as_json)
    return 0


def _facts(designer: ListedDesigner) -> Iterator[tuple[str, str]]:
    target = f":{designer.target.upper()}" if designer.target else ""
    yield "given as", f"--designer {designer.name}{target}"
    yield from common_facts(designer)
    yield "tasks", "drawn by the weights of --task-mix" if designer.draws_tasks else "its own choice"
    yield "speech", "in the share of --speech-share" if designer.draws_speech else "its own choice"
    yield (
        "language model",
        "that of the --llm-... options" if designer.asks_model else "none of the pipeline's",
    )
    yield "languages", name_languages(designer.languages) or "any, or not named"
    yield "requests of users", "yes" if designer.takes_requests else "no"
    yield "continues samples", "yes" if designer.continues else "no"
    yield "repeatable", "yes" if designer.repeatable else "no: the same seed may give another dialogue"


_DESIGNERS = BackendList(
    group=plugins.DESIGNERS,
    entries=list_designers,
    columns={"installed": yes_or_no},
    notes=common_notes,
    facts=_facts,
    set_options=lambda _: ("--designer-set",),
)
