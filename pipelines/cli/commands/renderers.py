"""`copilot renderers`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic_core import PydanticUndefined, to_jsonable_python
from rich.console import Console
from rich.table import Table
from rich.text import Text

from copilot import plugins
from copilot.errors import UserError
from copilot.frozen_model import FrozenModel
from renderers.contract import RendererInfo, info_of
from renderers.registry import missing_modules

_EITHER = "sfx or tts"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a backend. `default` is a JSON value; `schema` the JSON Schema of its values."""

    name: str
    required: bool
    default: Any
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A registered backend. With an `error` it could not be imported, and nothing else is known of it."""

    name: str
    package: str | None
    error: str | None = None
    tool: str = ""
    summary: str = ""
    there: bool = False
    extra: str | None = None
    modules: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    licence: str = ""
    model: str | None = None
    model_licence: str | None = None
    target: str | None = None
    clones: bool = False
    settings: tuple[Setting, ...] = field(default_factory=tuple)

    @property
    def remedy(self) -> str:
        """How to get what is missing."""
        return f"pip install 'audiocopilot[{self.extra}]'" if self.extra else "install what brings it"


def run_renderers(name: str | None, *, as_json: bool) -> int:
    """Print all registered renderers, or one of them in full; return 0.

    Raises UserError for a name that nothing is registered under.
    """
    found = {entry.name: entry for entry in entry_points(group=plugins.RENDERERS)}
    if name is None:
        listed = [_listed(found[each]) for each in sorted(found)]
        if as_json:
            print(json.dumps([asdict(one) for one in listed]))
        else:
            _print_all(listed, Console(highlight=False))
        return 0
    if name not in found:
        raise UserError(
            f"renderers {name}: there is none of that name; there are: {', '.join(sorted(found))}"
        )
    one = _listed(found[name])
    if as_json:
        print(json.dumps(asdict(one)))
    else:
        _print_one(one, Console(highlight=False))
    return 0


def _listed(entry: EntryPoint) -> Listed:
    package = entry.dist.name if entry.dist else None
    try:
        return _described(entry.name, package, entry.load())
    except Exception as error:  # noqa: BLE001 - a package of anybody's may raise anything while it is imported
        return Listed(entry.name, package, error=f"{type(error).__name__}: {error}")


def _described(name: str, package: str | None, made_by: Any) -> Listed:  # noqa: ANN401 - anybody's class
    known: RendererInfo = info_of(made_by)
    # A backend for either tool knows which when it is made: its class has a property there, or nothing.
    tool = getattr(made_by, "tool", None)
    missing = tuple(missing_modules(known))
    return Listed(
        name=name,
        package=package,
        tool=tool if isinstance(tool, str) else _EITHER,
        summary=known.summary,
        there=not missing,
        extra=known.extra,
        modules=known.modules,
        missing=missing,
        licence=known.licence,
        model=known.model,
        model_licence=known.model_licence,
        target=known.target,
        clones=known.clones,
        settings=tuple(_settings(known.settings)) if known.settings else (),
    )


def _settings(model: type[FrozenModel]) -> Iterator[Setting]:
    schemas = model.model_json_schema()
    definitions = schemas.get("$defs")
    for name, known in model.model_fields.items():
        default = known.get_default(call_default_factory=True)
        schema = {key: value for key, value in schemas["properties"][name].items() if key != "title"}
        yield Setting(
            name=name,
            required=known.is_required(),
            default=None if default is PydanticUndefined else to_jsonable_python(default),
            description=known.description or "",
            schema={**schema, "$defs": definitions} if definitions and "$ref" in str(schema) else schema,
        )


def _print_all(listed: Sequence[Listed], console: Console) -> None:
    table = _table("renderer", "tool", "there", "")
    for one in listed:
        _add(table, one.name, one.tool, "yes" if one.there else "no", "\n".join(_told(one)))
    console.print(table)


def _told(one: Listed) -> Iterator[str]:
    if one.error:
        yield f"cannot be imported: {one.error}"
        return
    if one.summary:
        yield one.summary
    if one.modules:
        absent = "" if one.there else f"; missing {', '.join(one.missing)}: {one.remedy}"
        yield f"needs {', '.join(one.modules)}{absent}"
    yield f"licence: {one.licence}"
    if one.model:
        yield f"model: {one.model}; its licence: {one.model_licence or 'not told'}"
    elif one.model_licence:
        yield f"licence of model or data: {one.model_licence}"


def _print_one(one: Listed, console: Console) -> None:
    console.print(Text(f"{one.name}: {one.summary}" if one.summary else one.name, style="bold"))
    table = _table("", "")
    table.show_header = False
    for row in _facts(one):
        _add(table, *row)
    console.print(table)
    if one.settings:
        console.print()
        settings = _table("setting", "default", "")
        for setting in one.settings:
            default = "required" if setting.required else _shown(setting.default)
            _add(settings, setting.name, default, setting.description)
        console.print(settings)


def _facts(one: Listed) -> Iterator[tuple[str, str]]:
    yield "package", one.package or "not told"
    if one.error:
        yield "error", f"cannot be imported: {one.error}"
        return
    target = f":{one.target.upper()}" if one.target else ""
    if tools := [tool for tool in ("sfx", "tts") if tool in one.tool.split()]:
        yield "given as", " or ".join(f"--{tool} {one.name}{target}" for tool in tools)
    yield "needs", ", ".join(one.modules) or "nothing more"
    yield "there", "yes" if one.there else f"no: missing {', '.join(one.missing)}: {one.remedy}"
    yield "licence", one.licence
    if one.model:
        yield "model", one.model
        yield "its licence", one.model_licence or "not told"
    elif one.model_licence:
        yield "licence of model or data", one.model_licence
    if one.clones:
        yield "voices", "clones those of a voice bank"


def _shown(default: object) -> str:
    return default if isinstance(default, str) and default else json.dumps(default, ensure_ascii=False)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0, overflow="fold")
    return table


def _add(table: Table, *cells: str) -> None:
    table.add_row(*(Text(cell) for cell in cells))
