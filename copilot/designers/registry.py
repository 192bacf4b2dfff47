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


def find_class(spec: str) -> Any:  # noqa: ANN401 - a class of anybody's
    """Return the designer's class that `NAME` or `NAME:TARGET` names. Raises UserError."""
    return plugins.load(plugins.DESIGNERS, spec.partition(":")[0], "designer")


def find_info(spec: str) -> DesignerInfo:
    """Return what the designer that `NAME` or `NAME:TARGET` names declares. Raises UserError."""
    return get_info(find_class(spec))


def create(spec: str, context: DesignerContext, settings: Mapping[str, Any] | None = None) -> AnyDesigner:
    """Construct a designer, given `NAME` or `NAME:TARGET`, and settings by name.

    Raises UserError for an unknown name, for settings that it does not take, and for a class that cannot be
    constructed or is not a designer; MissingExtraError if what it needs is not installed, which for one that
    asks a model counts only with a service; CopilotError as its constructor does.
    """
    make = find_class(spec)
    who = plugins.describe(plugins.DESIGNERS, spec.partition(":")[0])
    info = get_info(make)
    if context.service is not None or not info.asks_model:
        # Without a service only its fingerprint is wanted, as for a plan of a run elsewhere.
        plugins.require_modules(who, info)
    values = plugins.merge_target(plugins.DESIGNERS, info, settings or {}, spec, "designer")
    arguments: tuple[Any, ...] = (context,)
    if info.settings is not None:
        # The target of `NAME:TARGET` was given with the designer, not with its settings.
        fields = {info.target: "designer"} if info.target and info.target not in (settings or {}) else {}
        arguments += (plugins.check_settings(info.settings, values, "designer_settings", fields),)
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
