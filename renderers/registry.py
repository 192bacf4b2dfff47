"""Renderers by name, each an entry point in the group `copilot.renderers`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from pydantic import ValidationError

from copilot import plugins
from copilot.errors import MissingExtraError, UserError
from copilot.scene import Frozen
from renderers.base import About, Renderer, RenderWork, Tool, about
from renderers.worker_renderer import HostedRenderer, WorkerRenderer


def create(spec: str, tool: Tool, settings: Mapping[str, Any] | None = None) -> Renderer:
    """A renderer by `NAME` or `NAME:TARGET`, with settings by name.

    Raises UserError for a name that nothing is registered under, a renderer of the other tool, settings that
    it does not take; MissingExtraError where what it needs is not installed.
    """
    name, _, target = spec.partition(":")
    option = f"--{tool} {spec}"
    make = find(spec, tool)
    known = about(make)
    _require_modules(known, name)
    given = dict(settings or {})
    if target:
        if known.target is None:
            raise UserError(f"{option}: {name} takes nothing behind a colon; use --{tool} {name}")
        given[known.target] = target
    renderer: Renderer = make(_checked(known.settings, given, option, tool)) if known.settings else make()
    if given and not known.settings:
        raise UserError(f"{option}: {name} has no settings; leave out {', '.join(given)}")
    if renderer.tool != tool:
        other = renderer.tool
        renderer.close()
        raise UserError(f"--{tool} {spec}: this renderer is for {other}; use --{other} {spec}")
    return renderer


def at_work(spec: str, tool: Tool, settings: Mapping[str, Any] | None, work: RenderWork) -> Renderer:
    """A renderer by name, set to work: one that is isolated in a child process. Raises as `create` does."""
    renderer = create(spec, tool, settings)
    if isinstance(renderer, WorkerRenderer):
        renderer.set_to_work(work)
    elif about(renderer).isolated:
        return HostedRenderer(renderer, spec, tool, settings or {}, work)
    return renderer


def find(spec: str, tool: Tool) -> Any:  # noqa: ANN401 - a class of anybody's
    """What is registered under a name: a renderer's class. Raises UserError."""
    return plugins.load(plugins.RENDERERS, spec.partition(":")[0], f"--{tool}")


def _require_modules(known: About, name: str) -> None:
    if missing := missing_modules(known):
        if known.extra is None:
            raise UserError(f"renderer {name}: needs {', '.join(missing)}, which is not installed")
        raise MissingExtraError(f"the renderer {name}", known.extra)


def missing_modules(known: About) -> list[str]:
    """Those of a backend's modules that are not installed; nothing is imported but parent packages."""
    return [module for module in known.modules if not _is_there(module)]


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _checked(model: type[Frozen], given: Mapping[str, Any], option: str, tool: Tool) -> Frozen:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = str(fault["loc"][0])
        if name not in model.model_fields:
            there = ", ".join(model.model_fields)
            raise UserError(f"{option}: there is no setting {name}; there are: {there}") from None
        if fault["type"] == "missing":
            raise UserError(f"{option}: which {name}? give --{tool} NAME:{name.upper()}") from None
        raise UserError(f"{option}: {name}={given.get(name)!r}: {fault['msg']}") from None
