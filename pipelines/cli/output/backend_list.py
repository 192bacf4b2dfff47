"""Lists of registered backends as tables or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Generic, TypeVar

from rich.console import Console
from rich.text import Text

from copilot import plugins
from copilot.plugin_list import Listed, ListedModel, Setting
from pipelines.cli.output.tables import create_table

L = TypeVar("L", bound=Listed)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendList(Generic[L]):
    """One kind of backend, and how it is printed.

    `entries` returns all entries, or that of one name. The `columns` of the table stand between the name and
    the notes, each with the text of an entry; `facts` are the rows that show one entry alone. `set_options`
    are the options that take settings of an entry.
    """

    group: str
    entries: Callable[[str | None], Sequence[L]]
    columns: Mapping[str, Callable[[L], str]]
    notes: Callable[[L], Iterable[str]]
    facts: Callable[[L], Iterable[tuple[str, str]]]
    set_options: Callable[[L], Sequence[str]]

    def print(self, name: str | None, *, as_json: bool) -> None:
        """Print all registered backends, or one of them in full. Raises UserError for an unknown name."""
        entries = self.entries(name)
        if as_json:
            described = [asdict(entry) for entry in entries]
            print(json.dumps(described[0] if name else described))
        elif name:
            self._print_one(entries[0], Console(highlight=False))
        else:
            self._print_all(entries, Console(highlight=False))

    def _print_all(self, entries: Iterable[L], console: Console) -> None:
        rows = []
        for entry in entries:
            notes = [f"cannot be imported: {entry.error}"] if entry.error else self.notes(entry)
            cells = [column(entry) for column in self.columns.values()]
            rows.append((entry.name, *cells, "\n".join(notes)))
        columns = (plugins.KINDS[self.group], *self.columns, "")
        console.print(create_table(columns, rows, wrapped=columns[1:]))

    def _print_one(self, entry: L, console: Console) -> None:
        title = f"{entry.name}: {entry.summary}" if entry.summary else entry.name
        console.print(Text(title, style="bold"))
        facts = [("error", f"cannot be imported: {entry.error}")] if entry.error else self.facts(entry)
        rows = [("package", entry.package or "not known"), *facts]
        console.print(create_table(("", ""), rows, wrapped=("",)))
        if entry.settings:
            options = " or ".join(f"{option} NAME=VALUE" for option in self.set_options(entry))
            console.print(Text(f"\nsettings, given as {options}" if options else ""), soft_wrap=True)
            columns = ("setting", "default", "")
            settings = [(each.name, _format_default(each), each.description) for each in entry.settings]
            console.print(create_table(columns, settings, wrapped=columns[1:]))


def common_facts(entry: Listed) -> Iterator[tuple[str, str]]:
    """Yield the rows that show what an entry needs, and its licence."""
    yield "needs", ", ".join(entry.modules) or "nothing more"
    yield "installed", "yes" if entry.installed else f"no: {entry.remedy}"
    yield "licence", entry.licence


def common_notes(entry: Listed) -> Iterator[str]:
    """Yield the lines about an entry that all kinds of backends have in common."""
    if entry.summary:
        yield entry.summary
    if entry.modules:
        yield f"needs {entry.needs}"
    yield f"licence: {entry.licence}"


def model_facts(entry: ListedModel) -> Iterator[tuple[str, str]]:
    """Yield the rows that show an entry's model and the licence of its weights."""
    if entry.model:
        yield "model", entry.model
        yield "its licence", entry.model_licence or "not given"
    elif entry.model_licence:
        yield "licence of model or data", entry.model_licence


def model_notes(entry: ListedModel) -> Iterator[str]:
    """Yield the lines about an entry and its model."""
    yield from common_notes(entry)
    if entry.model:
        yield f"model: {entry.model}; its licence: {entry.model_licence or 'not given'}"
    elif entry.model_licence:
        yield f"licence of model or data: {entry.model_licence}"


def describe_target(entry: ListedModel) -> str:
    """Return the place of the target in `NAME:TARGET`; empty if the entry has none."""
    return f":{entry.target.upper()}" if entry.target else ""


def yes_or_no(entry: Listed) -> str:
    """Return the cell of the column `installed`."""
    return "yes" if entry.installed else "no"


def _format_default(setting: Setting) -> str:
    default = setting.default
    if setting.required:
        return "required"
    return default if isinstance(default, str) and default else json.dumps(default, ensure_ascii=False)
