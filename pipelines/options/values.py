"""Values of a file as values of options: the types that the command line takes, and no looser."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from copilot.errors import UserError
from pipelines.options.option import KnownOption
from pipelines.storage.places import expand_home
from pipelines.yaml_file import describe_value

_SETTINGS = {"designer_set", "sfx_set", "tts_set", "limit"}
"""Options with `NAME=VALUE`, for which a mapping may be given."""

_DEEPEST = 2
"""Mappings within one another: the settings of a chain's member, and one of those that is a mapping."""

_EXPECTED: Mapping[type, str] = {bool: "true or false", int: "a whole number", float: "a number"}


def check_value(option: KnownOption, value: object) -> Any:  # noqa: ANN401 - any type of an option
    """Return a value as the option takes it. Raises ValueError with the reason if the value is wrong."""
    if option.name == "limits" and isinstance(value, Mapping):
        raise ValueError("expected the path of a JSON file; limits by name are set with limit")
    if option.choices:
        return _choose(option.choices, value)
    if option.kind is not list:
        return _check_range(option, _convert(value, option.kind))
    if option.name in _SETTINGS and isinstance(value, Mapping):
        return [f"{name}={text}" for name, text in _flatten(value)]
    return [_convert(each, str) for each in (value if isinstance(value, list | tuple) else [value])]


def _choose(choices: tuple[str | int, ...], value: object) -> str | int:
    if isinstance(value, str | int) and not isinstance(value, bool):
        for choice in choices:
            if str(choice) == str(value):
                return choice
    expected = ", ".join(map(str, choices))
    raise ValueError(f"expected one of {expected}, not {describe_value(value)}")


def _convert(value: object, kind: type) -> Any:  # noqa: ANN401 - any type of an option
    """Return a value of that type. Raises ValueError."""
    if kind is bool and isinstance(value, bool):
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind is int and number and isinstance(value, int):
        return value
    if kind is float and (number or _reads_as_number(value)):
        return float(value)  # type: ignore[arg-type]
    if kind is Path and isinstance(value, str | Path):
        return expand_home(value)
    if kind is str and isinstance(value, str):
        return value
    expected = _EXPECTED.get(kind, "text")
    quotes = ", in quotes" if kind in {str, Path} and not isinstance(value, list | Mapping) else ""
    raise ValueError(f"expected {expected}{quotes}, not {describe_value(value)}")


def _check_range(option: KnownOption, value: Any) -> Any:  # noqa: ANN401 - any type of an option
    low, high = option.option.low, option.option.high
    if low is not None and value < low:
        raise ValueError(f"{value} is below {low:g}")
    if high is not None and value > high:
        raise ValueError(f"{value} is above {high:g}")
    return value


def _reads_as_number(value: object) -> bool:
    """Return if text is a number: YAML reads 1e-3, without a point, as text."""
    if not isinstance(value, str):
        return False
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _flatten(settings: Mapping[Any, object], above: str = "") -> list[tuple[str, str]]:
    """Return settings as names and texts; those of mappings inside as `NAME.KEY`. Raises ValueError."""
    flat: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping) and above.count(".") < _DEEPEST:
            flat += _flatten(value, f"{above}{name}.")
        elif isinstance(value, bool):
            flat.append((f"{above}{name}", str(value).lower()))
        elif isinstance(value, str | int | float):
            flat.append((f"{above}{name}", str(value)))
        else:
            raise ValueError(
                f"{above}{name}: expected text, a number, true or false, not {describe_value(value)}"
            )
    return flat


def parse_settings(given: Sequence[str], field: str) -> dict[str, Any]:
    """Return settings by name, as texts, which their model converts. `NAME.KEY=VALUE` fills a mapping.

    Raises UserError.
    """
    settings: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not (name and equals):
            raise UserError(f"{one}: not NAME=VALUE, such as steps=50", field=field)
        name, dot, key = name.partition(".")
        if name in settings and not (dot and isinstance(settings[name], Mapping)):
            raise UserError(f"{one}: {name} is set twice", field=field)
        if dot:
            settings.setdefault(name, {})[key] = value
        else:
            settings[name] = value
    return settings
