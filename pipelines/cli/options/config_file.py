"""The file of `--config`: YAML whose keys are the names of options, with parts that no option has.

What stands there are defaults of the options: the command line overrides them. All of it is checked when it
is read, and whatever is wrong is a UserError with the file, the key, and what is expected.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from copilot.errors import UserError
from pipelines.cli.options.values import checked_value
from pipelines.cli.options.yaml_file import kind_of, read_yaml

if TYPE_CHECKING:
    from pydantic import BaseModel

    from pipelines.execution.ray.servers import ServerSettings
    from pipelines.planning.costs import Prices
    from pipelines.planning.ray_settings import RaySettings

M = TypeVar("M", bound="BaseModel")

SHIPPED = Path(__file__).parents[2] / "configs"

_PARTS = ("ray", "servers", "prices")
_NOT_IN_FILES = {"config", "help"}
_HOME = re.compile(r"(^|[:=])~(/|$)")


@dataclass(frozen=True)
class ConfigFile:
    """A file as it was read: its name, the options that it sets, and its parts; None for those not there."""

    name: str
    options: Mapping[str, Any]
    ray: RaySettings | None = None
    servers: ServerSettings | None = None
    prices: Prices | None = None


def read_config(name: str) -> ConfigFile:
    """A file, or the shipped one of that name; its options are not looked at. Raises UserError."""
    at = f"--config {name}"
    content = {_plain(key): value for key, value in read_yaml(_path_of(name), at).items()}
    parts = {part: content.pop(part, None) for part in _PARTS}
    return ConfigFile(
        at,
        content,
        ray=_ray(parts["ray"], f"{at}: ray"),
        servers=_servers(parts["servers"], f"{at}: servers"),
        prices=_prices(parts["prices"], f"{at}: prices"),
    )


def take_config(context: typer.Context, file: ConfigFile | None) -> ConfigFile | None:
    """Make what the file sets the defaults of the command's options. Raises UserError.

    One file is for all commands that take one: an option that only another of them has is let be.
    """
    if file is None:
        return None
    known: dict[str, tuple[Any, Any]] = {}
    for command in _taking_files(context):
        for parameter in command.params:
            if parameter.name not in _NOT_IN_FILES:
                known[_plain(parameter.opts[0].lstrip("-"))] = command, parameter
    defaults = {}
    for key, value in file.options.items():
        at = f"{file.name}: {_shown(key)}"
        if key not in known:
            near = _near(key, [*known, *_PARTS])
            raise UserError(f"{at}: there is no option of that name{_shown(near)}")
        if value is not None:
            command, parameter = known[key]
            _refuse_home(value, at)
            checked = checked_value(command, parameter, value, context, at)
            if command is context.command:
                defaults[parameter.name] = checked
    context.default_map = {**(context.default_map or {}), **defaults}
    return file


def _taking_files(context: typer.Context) -> list[Any]:
    """The commands with a `--config`, this one last."""
    group: Any = context.parent.command if context.parent else None
    others = [
        command for command in getattr(group, "commands", {}).values() if command is not context.command
    ]
    taking = [c for c in others if any("--config" in parameter.opts for parameter in c.params)]
    return [*taking, context.command]


def _path_of(name: str) -> Path:
    path = Path(name)
    if path.is_file():
        return path
    shipped = {file.stem: file for file in sorted(SHIPPED.glob("*.yaml"))}
    if name in shipped:
        return shipped[name]
    what = "is a folder" if path.is_dir() else "there is no such file"
    raise UserError(
        f"--config {name}: {what}; give a YAML file, or one that is shipped: {', '.join(shipped)}"
    )


def _refuse_home(value: object, at: str) -> None:
    """Raises UserError for `~`, which the shell expands on a command line, and nothing here."""
    if isinstance(value, str) and _HOME.search(value):
        raise UserError(f"{at}: {value}: ~ stands for no folder in a file; write the whole path")
    if isinstance(value, list | Mapping):
        for part in value.values() if isinstance(value, Mapping) else value:
            _refuse_home(part, at)


def _ray(given: object, at: str) -> RaySettings | None:
    from pipelines.planning.ray_settings import PoolSettings, RaySettings

    names = {*RaySettings.model_fields, *PoolSettings.model_fields}
    return None if given is None else _model(RaySettings, _plain_keys(given), at, names)


def _servers(given: object, at: str) -> ServerSettings | None:
    if given is None:
        return None
    from pipelines.execution.ray.servers import ServerSettings

    # What stands below a setting has names of its own, such as those of an engine's arguments.
    return _model(ServerSettings, _plain_keys(given, deep=False), at, ServerSettings.model_fields)


def _prices(given: object, at: str) -> Prices | None:
    from pipelines.planning.costs import Prices

    return None if given is None else _model(Prices, _plain_keys(given), at, Prices.model_fields)


def _model(model: type[M], given: object, at: str, names: Iterable[str]) -> M:
    from pydantic import ValidationError

    if not isinstance(given, Mapping):
        raise UserError(f"{at}: expected a mapping of settings, and there is {kind_of(given)}")
    try:
        return model.model_validate(given)
    except ValidationError as error:
        faults = error.errors(include_url=False)
    fault = faults[0]
    where = _within(given, fault["loc"])
    dotted = ".".join((at, *where))
    if fault["type"] == "extra_forbidden":
        raise UserError(f"{dotted}: there is no setting of that name{_near(where[-1], names)}")
    if fault["type"] == "missing":
        raise UserError(f"{dotted}.{fault['loc'][-1]}: is missing")
    # One for each type that would have done.
    said = " or ".join(
        dict.fromkeys(_lower(f["msg"]) for f in faults if _within(given, f["loc"])[: len(where)] == where)
    )
    raise UserError(f"{dotted}: {said}")


def _within(given: object, place: Iterable[int | str]) -> tuple[str, ...]:
    """The part of a fault's place that names something given; the rest names types."""
    found: list[str] = []
    for name in place:
        try:
            given = given[name]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            continue
        found.append(str(name))
    return tuple(found)


def _lower(said: str) -> str:
    said = said.removeprefix("Value error, ")
    return said[:1].lower() + said[1:]


def _near(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(_plain(name), list(names), n=1)
    return f"; is {near[0]} meant?" if near else ""


def _plain(key: str) -> str:
    return key.replace("-", "_")


def _shown(key: str) -> str:
    return key.replace("_", "-")


def _plain_keys(given: object, *, deep: bool = True) -> object:
    if not isinstance(given, Mapping):
        return given
    return {_plain(str(key)): _plain_keys(value) if deep else value for key, value in given.items()}
