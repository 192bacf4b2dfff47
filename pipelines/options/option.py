"""Metadata of the fields of options classes: help text, range, and place in the help."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from copilot.errors import UserError
from copilot.validation import first_fault

if TYPE_CHECKING:
    from pydantic import ValidationError


@dataclass(frozen=True, slots=True)
class Option:
    """The metadata of an option, which stands in the annotation of its field.

    `group` is the heading that help shows the option under. `default` is the default as text, for a field
    whose None stands for a default that is defined elsewhere. `common` options are in the short help, and so
    are `required` ones. `low` and `high` are the smallest and the largest value.
    """

    help: str
    group: str = ""
    default: str | None = None
    metavar: str | None = None
    low: float | None = None
    high: float | None = None
    common: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class KnownOption:
    """An option of a class: its name, type and metadata.

    `kind` is bool, int, float, str, Path, or list for several texts; `choices` are the values that a field
    with a Literal may have, else empty.
    """

    name: str
    kind: type
    choices: tuple[str | int, ...]
    option: Option
    default: Any

    @property
    def default_text(self) -> str | None:
        """The default as help shows it; None for an option that is off or empty by default."""
        if self.option.default is None and self.default is not None and self.default is not False:
            return str(self.default)
        return self.option.default


@cache
def options_of(group: type) -> Mapping[str, KnownOption]:
    """Return the options of a class by the names of their fields, in the order of help."""
    annotations = typing.get_type_hints(group, include_extras=True)
    return {
        field.name: _describe(field.name, annotations[field.name], field.default)
        for field in fields(group)
        if typing.get_origin(annotations[field.name]) is typing.Annotated
    }


def _describe(name: str, annotation: Any, default: object) -> KnownOption:  # noqa: ANN401 - an annotation
    kind, option = typing.get_args(annotation)[:2]
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        kind = next(arm for arm in typing.get_args(kind) if arm is not type(None))
    choices = typing.get_args(kind) if typing.get_origin(kind) is Literal else ()
    is_list = typing.get_origin(kind) is Sequence
    kind = type(choices[0]) if choices else list if is_list else kind
    return KnownOption(name, kind, choices, option, None if default is MISSING else default)


def refuse(error: ValidationError, options: Mapping[str, str]) -> NoReturn:
    """Raise UserError for the first fault of a model; `options` are those of fields with other names."""
    fault = first_fault(error)
    field = str(fault.path[0])
    reason = fault.message[:1].lower() + fault.message[1:]
    raise UserError(f"{fault.value}: {reason}", field=options.get(field, field)) from error
