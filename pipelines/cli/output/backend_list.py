"""Lists of registered backends: what each is, needs and takes, as a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, Protocol, TypeVar

from pydantic_core import PydanticUndefined, to_jsonable_python
from rich.console import Console
from rich.table import Table
from rich.text import Text

from copilot import plugins
from copilot.frozen_model import FrozenModel


class Info(plugins.Requirements, Protocol):
    """The part of a backend's `info` that renderers and designers have in common."""

    @property
    def summary(self) -> str:
        """The backend in a few words."""
        ...

    @property
    def licence(self) -> str:
        """The licence of its code."""
        ...

    @property
    def settings(self) -> type[FrozenModel] | None:
        """The model of its settings."""
        ...


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a backend. `default` is a JSON value; `schema` the JSON Schema of its values."""

    name: str
    required: bool
    default: Any
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A registered backend. With an `error` it could not be imported, and nothing else is known of it."""

    name: str
    package: str | None
    error: str | None = None
    summary: str = ""
    installed: bool = False
    extra: str | None = None
    modules: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    licence: str = ""
    settings: tuple[Setting, ...] = ()

    @property
    def needs(self) -> str:
        """The modules that it needs, and how to get the missing ones."""
        return ", ".join(self.modules) + (f"; {self.remedy}" if self.missing else "")

    @property
    def remedy(self) -> str:
        """The missing modules, and how to get them."""
        how = f"pip install 'audiocopilot[{self.extra}]'" if self.extra else "install the package they are in"
        return f"missing {', '.join(self.missing)}: {how}"


L = TypeVar("L", bound=Listed)


def common_fields(info: Info) -> dict[str, Any]:
    """Return the fields of `Listed` that a backend's `info` decides."""
    missing = tuple(plugins.missing_modules(info.modules))
    return {
        "summary": info.summary,
        "installed": not missing,
        "extra": info.extra,
        "modules": info.modules,
        "missing": missing,
        "licence": info.licence,
        "settings": tuple(_list_settings(info.settings)) if info.settings else (),
    }


def _list_settings(model: type[FrozenModel]) -> Iterator[Setting]:
    schemas = model.model_json_schema()
    definitions = schemas.get("$defs")
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        schema = {key: value for key, value in schemas["properties"][name].items() if key != "title"}
        yield Setting(
            name=name,
            required=field.is_required(),
            default=None if default is PydanticUndefined else to_jsonable_python(default),
            description=field.description or "",
            schema={**schema, "$defs": definitions} if definitions and "$ref" in str(schema) else schema,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendList(Generic[L]):
    """One kind of backend, and how it is listed.

    `describe` returns the entry of a class. The `columns` of the table stand between the name and the notes,
    each with the text of an entry; `facts` are the rows that show one entry alone.
    """

    group: str
    listed: type[L]
    describe: Callable[[str, str | None, Any], L]
    columns: dict[str, Callable[[L], str]]
    notes: Callable[[L], Iterable[str]]
    facts: Callable[[L], Iterable[tuple[str, str]]]

    def print(self, name: str | None, *, as_json: bool) -> None:
        """Print all registered backends, or one of them in full. Raises UserError for an unknown name."""
        found = {entry.name: entry for entry in entry_points(group=self.group)}
        if name is None:
            entries = [self._load(found[each]) for each in sorted(found)]
            if as_json:
                print(json.dumps([asdict(entry) for entry in entries]))
            else:
                self._print_all(entries, Console(highlight=False))
            return
        if name not in found:
            raise plugins.unknown(self.group, name)
        entry = self._load(found[name])
        if as_json:
            print(json.dumps(asdict(entry)))
        else:
            self._print_one(entry, Console(highlight=False))

    def _load(self, entry: EntryPoint) -> L:
        package = entry.dist.name if entry.dist else None
        try:
            return self.describe(entry.name, package, entry.load())
        except Exception as error:  # noqa: BLE001 - importing a package of anybody's may raise anything
            return self.listed(name=entry.name, package=package, error=f"{type(error).__name__}: {error}")

    def _print_all(self, entries: Iterable[L], console: Console) -> None:
        table = _table(plugins.KINDS[self.group], *self.columns, "")
        for entry in entries:
            notes = [f"cannot be imported: {entry.error}"] if entry.error else self.notes(entry)
            cells = [column(entry) for column in self.columns.values()]
            _add_row(table, entry.name, *cells, "\n".join(notes))
        console.print(table)

    def _print_one(self, entry: L, console: Console) -> None:
        title = f"{entry.name}: {entry.summary}" if entry.summary else entry.name
        console.print(Text(title, style="bold"))
        table = _table("", "")
        table.show_header = False
        _add_row(table, "package", entry.package or "not known")
        facts = [("error", f"cannot be imported: {entry.error}")] if entry.error else self.facts(entry)
        for fact in facts:
            _add_row(table, *fact)
        console.print(table)
        if entry.settings:
            console.print()
            settings = _table("setting", "default", "")
            for setting in entry.settings:
                default = "required" if setting.required else _format_default(setting.default)
                _add_row(settings, setting.name, default, setting.description)
            console.print(settings)


def common_facts(entry: Listed) -> Iterator[tuple[str, str]]:
    """Yield the rows that show what an entry needs, and its licence."""
    yield "needs", ", ".join(entry.modules) or "nothing more"
    yield "installed", "yes" if entry.installed else f"no: {entry.remedy}"
    yield "licence", entry.licence


def common_notes(entry: Listed) -> Iterator[str]:
    """Yield the lines about an entry that renderers and designers have in common."""
    if entry.summary:
        yield entry.summary
    if entry.modules:
        yield f"needs {entry.needs}"
    yield f"licence: {entry.licence}"


def yes_or_no(entry: Listed) -> str:
    """Return the cell of the column `installed`."""
    return "yes" if entry.installed else "no"


def _format_default(default: object) -> str:
    return default if isinstance(default, str) and default else json.dumps(default, ensure_ascii=False)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0, overflow="fold")
    return table


def _add_row(table: Table, *cells: str) -> None:
    table.add_row(*(Text(cell) for cell in cells))
