"""Registered backends, described without constructing them: what each is, needs and takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, TypeVar

from pydantic_core import PydanticUndefined, to_jsonable_python

from copilot import plugins
from copilot.errors import describe_install
from copilot.frozen_model import FrozenModel


class Info(plugins.Requirements, Protocol):
    """The part of a backend's `info` that all kinds of backends have in common."""

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
    """A registered backend. If it has an `error`, it cannot be imported, and nothing else is known of it."""

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
        how = describe_install(self.extra) if self.extra else "install the package they are in"
        return f"missing {', '.join(self.missing)}: {how}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel(Listed):
    """A registered backend with a model; `target` is the setting that `NAME:TARGET` fills."""

    model: str | None = None
    model_licence: str | None = None
    target: str | None = None


L = TypeVar("L", bound=Listed)


def describe_common(info: Info) -> dict[str, Any]:
    """Return the fields of `Listed` that follow from a backend's `info`."""
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


def list_backends(
    group: str, listed: type[L], describe: Callable[[str, str | None, Any], L], name: str | None = None
) -> list[L]:
    """Describe all backends of a group, sorted by name, or only the one called `name`.

    `describe` makes an entry of a backend's name, package and class; it is an entry with an `error` if the
    backend cannot be imported. Raises UserError for an unknown name.
    """
    found = {entry.name: entry for entry in entry_points(group=group)}
    if name is not None and name not in found:
        raise plugins.unknown(group, name)
    return [_load(found[each], listed, describe) for each in ([name] if name else sorted(found))]


def _load(entry: EntryPoint, listed: type[L], describe: Callable[[str, str | None, Any], L]) -> L:
    package = entry.dist.name if entry.dist else None
    try:
        return describe(entry.name, package, entry.load())
    except Exception as error:  # noqa: BLE001 - importing a package of anybody's may raise anything
        return listed(name=entry.name, package=package, error=f"{type(error).__name__}: {error}")
