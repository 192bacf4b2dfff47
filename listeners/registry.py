"""Listeners by name, each an entry point in the group `copilot.listeners`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from copilot import plugins
from copilot.errors import UserError
from listeners.contract import Kind, Listener, get_info

if TYPE_CHECKING:
    from renderers.contract import RenderSettings

_MEMBERS = ("name", "kind", "rate_hz", "fingerprint", "prepare", "hear", "close")


def list_names() -> list[str]:
    """Return the names of all registered listeners; imports none of them."""
    return plugins.list_names(plugins.LISTENERS)


def create(spec: str, kind: Kind, settings: Mapping[str, Any] | None = None) -> Listener:
    """Return a new listener, given `NAME` or `NAME:TARGET`, and settings by name.

    Raises UserError, with the kind or `KIND_settings` as the field, for an unknown name, a listener of
    another kind, settings that it does not take, and a class that cannot be constructed or is not a listener;
    MissingExtraError if a module that it needs is not installed; CopilotError as its constructor does.
    """
    name = spec.partition(":")[0]
    make = plugins.load(plugins.LISTENERS, name, kind)
    who = plugins.describe(plugins.LISTENERS, name)
    info = get_info(make)
    if kind not in info.kinds:
        others = " or ".join(info.kinds) or "of no kind"
        raise UserError(f"{who} is {others}, not {kind}; see copilot listeners", field=kind)
    plugins.require_modules(who, info)
    values = plugins.merge_target(plugins.LISTENERS, info, settings or {}, spec, kind)
    checked = plugins.check_settings(info.settings, values, f"{kind}_settings") if info.settings else None
    of_kind = {"kind": kind} if len(info.kinds) > 1 else {}
    with plugins.blame(who, "constructed", kind):
        listener: Listener = make(**of_kind) if checked is None else make(checked, **of_kind)
        missing = [member for member in _MEMBERS if not hasattr(listener, member)]
    if missing:
        raise UserError(
            f"{who} is not a listener: it has no {', '.join(missing)}; see docs/listeners.md", field=kind
        )
    if listener.kind != kind:
        listener.close()
        raise UserError(f"{who} is {listener.kind!r}, not {kind}", field=kind)
    return listener


def create_for_hearing(
    spec: str,
    kind: Kind,
    settings: Mapping[str, Any] | None = None,
    render_settings: RenderSettings | None = None,
) -> Listener:
    """Return a listener in a child process, which is replaced if it hangs or dies. Raises as `create`.

    A clip that kills, hangs or breaks the child is a HearingFailure with the reason `worker-died`,
    `worker-timeout`, `listener-error`, `out-of-memory` or `worker-answer`.
    """
    from listeners.worker.listener import HostedListener, WorkerListener  # noqa: PLC0415 - names need no NumPy
    from renderers.contract import RenderSettings  # noqa: PLC0415

    place = render_settings or RenderSettings()
    listener = create(spec, kind, settings)
    if isinstance(listener, WorkerListener):
        listener.restart_with(place)
        return listener
    return HostedListener(listener, spec, settings or {}, place)


def get_fingerprint(listener: Listener) -> dict[str, str]:
    """Return a listener's fingerprint. Raises UserError if it is not made of texts."""
    who = plugins.describe(plugins.LISTENERS, listener.name)
    with plugins.blame(who, "fingerprinted", listener.kind):
        found = listener.fingerprint()
    return plugins.check_fingerprint(who, found, listener.kind)
