"""Designers by name, each an entry point in the group `copilot.designers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot import plugins
from copilot.designers.contract import (
    AnyDesigner,
    AsyncDesigner,
    Designer,
    DesignerContext,
    DesignerInfo,
    get_info,
)
from copilot.errors import UserError

_MEMBERS = ("name", "fingerprint", "design")
_ASYNC_MEMBERS = (
    "name",
    "concurrency",
    "fingerprint",
    "prompt_hashes",
    "__aenter__",
    "__aexit__",
    "design_async",
)


def find_class(name: str) -> Any:  # noqa: ANN401 - a class of anybody's
    """Return what is registered under a name: a designer's class. Raises UserError."""
    return plugins.load(plugins.DESIGNERS, name, "designer")


def find_info(name: str) -> DesignerInfo:
    """Return what the designer of a name declares. Raises UserError."""
    return get_info(find_class(name))


def create(name: str, context: DesignerContext, settings: Mapping[str, Any] | None = None) -> AnyDesigner:
    """Construct a designer by its name, with settings by name.

    Raises UserError for an unknown name, for settings that it does not take, and for a class that cannot be
    constructed or is not a designer; MissingExtraError if what it needs is not installed, which for one that
    asks a model counts only with a service; CopilotError as its constructor does.
    """
    make = find_class(name)
    who = plugins.describe(plugins.DESIGNERS, name)
    info = get_info(make)
    if context.service is not None or not info.asks_model:
        # Without a service only its fingerprint is wanted, as for a plan of a run elsewhere.
        plugins.require_modules(who, info)
    if settings and info.settings is None:
        raise UserError(f"{who} has no settings; leave out {', '.join(settings)}", field="designer_settings")
    arguments: tuple[Any, ...] = (context,)
    if info.settings is not None:
        arguments += (plugins.check_settings(info.settings, settings or {}, "designer_settings"),)
    with plugins.blame(who, "constructed", "designer"):
        designer = make(*arguments)
    if not isinstance(designer, Designer | AsyncDesigner):
        members = _ASYNC_MEMBERS if hasattr(designer, "design_async") else _MEMBERS
        missing = [member for member in members if not hasattr(designer, member)]
        raise UserError(f"{who} is not a designer: it has no {', '.join(missing)}", field="designer")
    return designer


def get_fingerprint(designer: AnyDesigner) -> dict[str, str]:
    """Return a designer's fingerprint. Raises UserError unless it is a dict of texts."""
    who = plugins.describe(plugins.DESIGNERS, designer.name)
    with plugins.blame(who, "fingerprinted", "designer"):
        found = designer.fingerprint()
    return plugins.check_fingerprint(who, found)
