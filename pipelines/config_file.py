"""Configuration files: YAML whose keys are the names of options, and three parts that no option has.

The command line reads a file by the same functions, and its options override the file. Everything in a file
is checked when it is read. What is wrong is a UserError with the file, the key, and what is expected; its
`field` is the key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from copilot.errors import UserError
from pipelines.options.execution import Parts
from pipelines.options.option import KnownOption, options_of
from pipelines.options.plan import PlanOptions
from pipelines.options.run import RunOptions
from pipelines.options.values import check_value
from pipelines.storage.places import expand_home
from pipelines.yaml_file import create_file_error, describe_value, read_yaml

if TYPE_CHECKING:
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")

SHIPPED = Path(__file__).parent / "configs"
"""The folder of the configurations that come with the package."""

OLD_NAMES: Mapping[str, str] = {"seed": "random_seed", "llm_speech_share": "speech_share"}
"""Former names of options, which are still read."""

_PARTS = ("ray", "servers", "prices")
_HOME = re.compile(r"(^|[:=])~(/|$)")
_EXPANDED = {"out", "stems", "voices", "seeds", "sfx", "tts"}
"""Options with a place in them, whose `~` is expanded at its use."""


def load_config(name: str | Path, **overrides: Any) -> RunOptions:  # noqa: ANN401 - values of any option
    """Return the options of a YAML file, or of a shipped configuration: laptop, one-node-8-gpus, cluster.

    `overrides` go before the file, as options do on the command line; None leaves it
    as it is. The result's
    `create_request()` gives the request for `generate`. Raises UserError.
    """
    known = options_of(RunOptions)
    options = {key: value for key, value in read_options(name).items() if key in known or key == "parts"}
    for option, value in overrides.items():
        if option not in known:
            raise UserError(f"unknown option{suggest(option, known)}", field=option)
        if value is None:
            continue
        try:
            options[option] = check_value(known[option], value)
        except ValueError as error:
            raise UserError(str(error), field=option) from error
    return RunOptions(**options)


def read_options(name: str | Path) -> dict[str, Any]:
    """Return the checked values of a file by the names of options, and its `parts`. Raises UserError.

    A file is for every command that takes one, so options of `copilot plan` are among them.
    """
    path = _find(name)
    content = {_underscored(key): value for key, value in read_yaml(path).items()}
    parts = {part: content.pop(part, None) for part in _PARTS}
    known = known_options()
    options: dict[str, Any] = {}
    for key, value in content.items():
        at = f"{path}: {_hyphenated(key)}"
        option = known.get(OLD_NAMES.get(key, key))
        if option is None:
            raise create_file_error(f"{at}: unknown option{suggest(key, [*known, *_PARTS])}", key)
        if option.name in options:
            raise create_file_error(f"{at}: {_hyphenated(option.name)} is set twice", option.name)
        if value is None:
            continue
        try:
            if option.kind is not Path and option.name not in _EXPANDED:
                _refuse_home(value)
            options[option.name] = check_value(option, value)
        except ValueError as error:
            raise create_file_error(f"{at}: {error}", option.name) from error
    return {**options, "parts": _read_parts(parts, path)}


@cache
def known_options() -> Mapping[str, KnownOption]:
    """Return all options that a file may set, by name."""
    return {**options_of(RunOptions), **options_of(PlanOptions)}


def suggest(name: str, names: Iterable[str]) -> str:
    """Return the end of a message that suggests the nearest of the names; empty if none is near."""
    near = get_close_matches(_underscored(name), list(names), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _find(name: str | Path) -> Path:
    path = expand_home(name)
    if path.is_file():
        return path
    shipped = {file.stem: file for file in sorted(SHIPPED.glob("*.yaml"))}
    if str(name) in shipped:
        return shipped[str(name)]
    reason = "is a folder" if path.is_dir() else "not found"
    raise UserError(f"configuration {name}: {reason}; give a YAML file, or one of {', '.join(shipped)}")


def _refuse_home(value: object) -> None:
    """Raise ValueError for `~`, which a shell may expand on a command line, and nothing does here."""
    if isinstance(value, str) and _HOME.search(value):
        raise ValueError(f"{value}: ~ is not expanded in this setting; write the whole path")
    if isinstance(value, list | Mapping):
        for part in value.values() if isinstance(value, Mapping) else value:
            _refuse_home(part)


def _read_parts(given: Mapping[str, object], path: Path) -> Parts:
    parts: dict[str, Any] = {}
    if given["ray"] is not None:
        from pipelines.planning.ray_settings import PoolSettings, RaySettings  # noqa: PLC0415 - loaded if needed

        names = {*RaySettings.model_fields, *PoolSettings.model_fields}
        parts["ray"] = _create(RaySettings, _underscore_keys(given["ray"]), path, "ray", names)
    if given["servers"] is not None:
        from pipelines.execution.ray.servers import ServerSettings  # noqa: PLC0415 - loaded if needed

        # The settings below these have names of their own, such as the arguments of an engine.
        servers = _underscore_keys(given["servers"], deep=False)
        parts["servers"] = _create(ServerSettings, servers, path, "servers", ServerSettings.model_fields)
    if given["prices"] is not None:
        from pipelines.planning.costs import Prices  # noqa: PLC0415 - loaded if needed

        prices = _underscore_keys(given["prices"])
        parts["prices"] = _create(Prices, prices, path, "prices", Prices.model_fields)
    return Parts(**parts)


def _create(model: type[M], given: object, path: Path, part: str, names: Iterable[str]) -> M:
    from pydantic import ValidationError  # noqa: PLC0415 - loaded if needed

    if not isinstance(given, Mapping):
        reason = f"expected a mapping of settings, not {describe_value(given)}"
        raise create_file_error(f"{path}: {part}: {reason}", part)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        faults = error.errors(include_url=False)
    fault = faults[0]
    where = _given_part(given, fault["loc"])
    dotted = ".".join((part, *where))
    if fault["type"] == "extra_forbidden":
        raise create_file_error(f"{path}: {dotted}: unknown setting{suggest(where[-1], names)}", dotted)
    if fault["type"] == "missing":
        missing = f"{dotted}.{fault['loc'][-1]}"
        raise create_file_error(f"{path}: {missing}: missing", missing)
    # One for each type that would have been accepted.
    reasons = (_lower(f["msg"]) for f in faults if _given_part(given, f["loc"])[: len(where)] == where)
    raise create_file_error(f"{path}: {dotted}: {' or '.join(dict.fromkeys(reasons))}", dotted)


def _given_part(given: object, place: Iterable[int | str]) -> tuple[str, ...]:
    """Return the names in a fault's place that were given; the others are names of types."""
    found: list[str] = []
    for name in place:
        try:
            given = given[name]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            continue
        found.append(str(name))
    return tuple(found)


def _lower(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _underscored(key: str) -> str:
    return key.replace("-", "_")


def _hyphenated(key: str) -> str:
    return key.replace("_", "-")


def _underscore_keys(given: object, *, deep: bool = True) -> object:
    if not isinstance(given, Mapping):
        return given
    return {
        _underscored(str(key)): _underscore_keys(value) if deep else value for key, value in given.items()
    }
