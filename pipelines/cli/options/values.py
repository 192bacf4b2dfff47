"""Values of a file as values of options: the same that the command line takes, and no looser."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from copilot.errors import UserError
from pipelines.cli.options.yaml_file import kind_of

_SETTINGS = {"designer_set", "sfx_set", "tts_set"}
"""Options with `NAME=VALUE`, for which a mapping may stand."""


def checked_value(command: Any, parameter: Any, value: object, context: typer.Context, at: str) -> Any:  # noqa: ANN401 - of whatever typer is built on
    """What stands in a file for an option of a command, as its default. Raises UserError.

    The type is that of the command's own annotation; the range is checked as for the command line.
    """
    annotation = inspect.signature(command.callback, eval_str=True).parameters[parameter.name].annotation
    kind = _kind(annotation)
    if parameter.name in _SETTINGS and isinstance(value, Mapping):
        given: Any = [f"{name}={text}" for name, text in _flat(value, at)]
    elif kind is list:
        given = [_one(each, str, at) for each in (value if isinstance(value, list) else [value])]
    else:
        given = _one(value, kind, at)
    try:
        parameter.process_value(context, given)
    except typer.BadParameter as error:
        said = error.message.strip()
        raise UserError(f"{at}: {value!r}: {said[:1].lower()}{said[1:]}") from error
    return given


def _kind(annotation: Any) -> type:  # noqa: ANN401 - an annotation
    """The type behind `Annotated` and `| None`; `list` for a list of texts."""
    if typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        annotation = next(arm for arm in typing.get_args(annotation) if arm is not type(None))
    kind: type = typing.get_origin(annotation) or annotation
    return kind


_EXPECTED: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
}


def _one(value: object, kind: type, at: str) -> Any:  # noqa: ANN401 - what the option takes
    """One value of a type. Raises UserError."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and number and isinstance(value, int):
        return value
    if kind is float and (number or _reads_as_number(value)):
        return float(value)  # type: ignore[arg-type]
    if issubclass(kind, Enum) and (isinstance(value, str) or (number and isinstance(value, int))):
        return str(value)
    if kind in {str, Path} and isinstance(value, str):
        return value
    expected = _EXPECTED.get(kind, "text")
    if issubclass(kind, Enum):
        expected = f"one of {', '.join(str(choice.value) for choice in kind)}"
    quotes = ", in quotes" if kind in {str, Path} and not isinstance(value, list | Mapping) else ""
    raise UserError(f"{at}: expected {expected}{quotes}, and there is {kind_of(value)}")


def _reads_as_number(value: object) -> bool:
    """Whether text is a number: YAML takes 1e-3, without a point, for text."""
    if not isinstance(value, str):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


def _flat(settings: Mapping[Any, object], at: str, above: str = "") -> list[tuple[str, str]]:
    """Settings as names and texts; those of a mapping within as `NAME.KEY`. Raises UserError."""
    flat: list[tuple[str, str]] = []
    for name, value in settings.items():
        where = f"{at}.{above}{name}"
        if isinstance(value, Mapping) and not above:
            flat += _flat(value, at, f"{name}.")
        elif isinstance(value, bool):
            flat.append((f"{above}{name}", str(value).lower()))
        elif isinstance(value, str | int | float):
            flat.append((f"{above}{name}", str(value)))
        else:
            raise UserError(f"{where}: expected text, a number, true or false, and there is {kind_of(value)}")
    return flat


def parse_settings(given: Sequence[str], option: str) -> dict[str, Any]:
    """Return settings by name, as texts: their model turns each into what it is.

    `NAME.KEY=VALUE` fills a mapping. Raises UserError.
    """
    settings: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not (name and equals):
            raise UserError(f"{option} {one}: is no NAME=VALUE, such as steps=50")
        name, dot, key = name.partition(".")
        if name in settings and not (dot and isinstance(settings[name], Mapping)):
            raise UserError(f"{option} {one}: {name} is set twice")
        if dot:
            settings.setdefault(name, {})[key] = value
        else:
            settings[name] = value
    return settings
