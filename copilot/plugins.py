"""Backends by name: those of this distribution, and those of any installed package, as entry points.

Code of a package may raise anything: here it becomes a UserError that names the backend and the setting.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from copilot.errors import CopilotError, MissingExtraError, UserError
from copilot.validation import first_fault

if TYPE_CHECKING:
    from copilot.frozen_model import FrozenModel

M = TypeVar("M", bound="FrozenModel")

DESIGNERS = "copilot.designers"
RENDERERS = "copilot.renderers"
LISTENERS = "copilot.listeners"

KINDS = {DESIGNERS: "designer", RENDERERS: "renderer", LISTENERS: "listener"}
"""A backend of each group, in one word."""


class Requirements(Protocol):
    """The part of a backend's `info` that says what it needs."""

    @property
    def extra(self) -> str | None:
        """The extra of this distribution that brings the modules."""
        ...

    @property
    def modules(self) -> tuple[str, ...]:
        """The import names of what the backend needs."""
        ...


class TakesTarget(Protocol):
    """The part of a backend's `info` that says what stands behind the colon of `NAME:TARGET`."""

    @property
    def target(self) -> str | None:
        """The setting that the target sets."""
        ...

    @property
    def settings(self) -> type[FrozenModel] | None:
        """The model of its settings."""
        ...


def list_names(group: str) -> list[str]:
    """List the names that are registered in a group; nothing is imported."""
    return sorted({entry.name for entry in entry_points(group=group)})


def load(group: str, name: str, field: str | None = None) -> Any:  # noqa: ANN401 - whatever the entry point names
    """Import what is registered under a name.

    Raises UserError for the field if the name is unknown, or if what it stands for cannot be imported.
    """
    found = {entry.name: entry for entry in entry_points(group=group)}
    if name not in found:
        raise unknown(group, name, field)
    with blame(f"{KINDS[group]} {name!r}{_package_of(found[name])}", "imported", field):
        return found[name].load()


def unknown(group: str, name: str, field: str | None = None) -> UserError:
    """Return the error for a name that is not registered in a group."""
    available = ", ".join(list_names(group)) or "none"
    return UserError(f"unknown {KINDS[group]} {name!r}; available: {available}", field=field)


def describe(group: str, name: str) -> str:
    """Return a backend's kind, name and package for messages: `renderer 'noise' (my-package)`."""
    package = next((_package_of(entry) for entry in entry_points(group=group, name=name)), "")
    return f"{KINDS[group]} {name!r}{package}"


def _package_of(entry: EntryPoint) -> str:
    return f" ({entry.dist.name})" if entry.dist else ""


@contextmanager
def blame(who: str, what: str, field: str | None = None) -> Iterator[None]:
    """Turn any exception of a package's code into a UserError for the field: WHO cannot be WHAT."""
    try:
        yield
    except (CopilotError, MemoryError):
        raise
    except Exception as error:
        raise UserError(f"{who} cannot be {what}: {describe_exception(error)}", field=field) from error


def describe_exception(error: Exception) -> str:
    """Describe an exception of a package's code in one line, with the place that raised it."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message} ({Path(place.filename).name}, line {place.lineno})"


def missing_modules(modules: Sequence[str]) -> list[str]:
    """List the modules that are not installed; nothing is imported but parent packages."""
    return [module for module in modules if not _is_installed(module)]


def require_modules(who: str, needed: Requirements) -> None:
    """Raise MissingExtraError, or UserError if no extra brings them, for modules that are not installed."""
    if missing := missing_modules(needed.modules):
        if needed.extra is not None:
            raise MissingExtraError(who, needed.extra)
        raise UserError(f"{who}: needs {', '.join(missing)}, which is not installed")


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def requires_target(info: TakesTarget) -> bool:
    """Return whether a backend cannot be created without a target."""
    fields = info.settings.model_fields if info.settings else {}
    field = fields.get(info.target) if info.target is not None else None
    return field is not None and field.is_required()


def merge_target(
    group: str, info: TakesTarget, settings: Mapping[str, Any], spec: str, field: str
) -> dict[str, Any]:
    """Return the settings of a backend, and the target of `NAME:TARGET` as one of them.

    Raises UserError for `field`, the setting that names the backend, or for `FIELD_settings`.
    """
    name, _, target = spec.partition(":")
    if info.target is not None and info.target not in (info.settings.model_fields if info.settings else {}):
        raise UserError(
            f"{describe(group, name)} names the target {info.target!r}, "
            "which is not one of its settings; see docs/backends.md",
            field=field,
        )
    values = dict(settings)
    if target:
        if info.target is None:
            raise UserError(f"{spec}: {name} has no target; leave out :{target}", field=field)
        if info.target in values:
            raise UserError(
                f"{spec}: {info.target} is set twice; leave it out of `{field}_settings`", field=field
            )
        values[info.target] = target
    if requires_target(info) and info.target not in values:
        raise UserError(f"{info.target} is missing; give {name}:{str(info.target).upper()}", field=field)
    if values and not info.settings:
        raise UserError(f"{name} has no settings; leave out {', '.join(values)}", field=f"{field}_settings")
    return values


def check_settings(
    model: type[M], given: Mapping[str, Any], field: str, fields: Mapping[str, str] | None = None
) -> M:
    """Return a backend's settings, each turned into what it is. Raises UserError for the first wrong one.

    The error's field is `field`, or that of the setting in `fields` if it was given elsewhere.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - the modules that list names need no pydantic

    try:
        return model.model_validate(given)
    except ValidationError as error:
        fault = first_fault(error)
    if not fault.path:  # of several settings together
        raise UserError(fault.message, field=field)
    name = str(fault.path[0])
    if name not in model.model_fields:
        raise UserError(f"unknown setting {name!r}; available: {', '.join(model.model_fields)}", field=field)
    if fault.kind == "missing":
        raise UserError(f"{name} is missing; give {name}=VALUE", field=field)
    if fault.kind in {"dict_type", "mapping_type"}:
        raise UserError(f"{name}={given[name]!r}: give {name}.NAME=VALUE", field=field)
    raise UserError(f"{name}={given.get(name)!r}: {fault.message}", field=(fields or {}).get(name, field))


def check_fingerprint(who: str, fingerprint: object, field: str | None = None) -> dict[str, str]:
    """Return a backend's fingerprint. Raises UserError unless it is a dict of texts."""
    if not isinstance(fingerprint, dict):
        raise UserError(f"{who}: its fingerprint is {fingerprint!r}; it must be a dict of texts", field=field)
    for key, value in fingerprint.items():
        if not (isinstance(key, str) and isinstance(value, str)):
            raise UserError(f"{who}: its fingerprint has {key!r}: {value!r}; both must be texts", field=field)
    return fingerprint
