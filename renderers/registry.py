"""Renderers by name, each an entry point in the group `copilot.renderers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError

from copilot import plugins
from copilot.errors import UserError
from copilot.frozen_model import FrozenModel
from renderers.contract import Renderer, RendererInfo, RenderSettings, Tool, info_of
from renderers.worker.renderer import HostedRenderer, WorkerRenderer, WorkerSettings

_MEMBERS = ("name", "tool", "fingerprint", "prepare", "voices", "render", "close")


def create(spec: str, tool: Tool, settings: Mapping[str, Any] | None = None) -> Renderer:
    """A renderer by `NAME` or `NAME:TARGET`, with settings by name.

    Raises UserError for a name that nothing is registered under, a renderer of the other tool, settings that
    it does not take, a class that cannot be made or is no renderer; MissingExtraError where what it needs is
    not installed; CopilotError as its constructor does.
    """
    name, _, target = spec.partition(":")
    option = f"--{tool} {spec}"
    make = find(spec, tool)
    known = info_of(make)
    _require_tool(getattr(make, "tool", None), spec, tool)
    plugins.require_modules(f"the renderer {name!r}", known)
    given = dict(settings or {})
    if target:
        if known.target is None:
            raise UserError(f"{option}: {name} takes nothing behind a colon; use --{tool} {name}")
        if known.target in given:
            raise UserError(
                f"{option}: {known.target} is set twice; leave out --{tool}-set {known.target}=VALUE"
            )
        given[known.target] = target
    if given and not known.settings:
        raise UserError(f"{option}: {name} has no settings; leave out {', '.join(given)}")
    checked = _checked(known, given, spec, tool) if known.settings else None
    if isinstance(checked, WorkerSettings) and checked.speaks:
        _require_tool("tts", spec, tool)
    who = plugins.describe(plugins.RENDERERS, name)
    with plugins.blame(who, "constructed", tool):
        renderer: Renderer = make() if checked is None else make(checked)
        missing = [member for member in _MEMBERS if not hasattr(renderer, member)]
    if missing:
        raise UserError(f"{who} is not a renderer: it has no {', '.join(missing)}", field=tool)
    try:
        _require_tool(str(renderer.tool), spec, tool)
    except UserError:
        renderer.close()
        raise
    return renderer


def at_work(spec: str, tool: Tool, settings: Mapping[str, Any] | None, work: RenderSettings) -> Renderer:
    """A renderer by name, set to work: one that is isolated in a child process. Raises as `create` does."""
    renderer = create(spec, tool, settings)
    if isinstance(renderer, WorkerRenderer):
        renderer.set_to_work(work)
    elif info_of(renderer).isolated:
        return HostedRenderer(renderer, spec, tool, settings or {}, work)
    return renderer


def uses_device(spec: str, tool: Tool) -> bool:
    """Whether a renderer is told its device: one that is isolated. Raises as `find`."""
    return info_of(find(spec, tool)).isolated


def find(spec: str, tool: Tool) -> Any:  # noqa: ANN401 - a class of anybody's
    """What is registered under a name: a renderer's class. Raises UserError."""
    return plugins.load(plugins.RENDERERS, spec.partition(":")[0], tool)


def fingerprint(renderer: Renderer) -> dict[str, str]:
    """A renderer's fingerprint. Raises UserError where it is not made of texts, CopilotError as it does."""
    who = plugins.describe(plugins.RENDERERS, renderer.name)
    with plugins.blame(who, "fingerprinted", renderer.tool):
        found = renderer.fingerprint()
    return plugins.check_fingerprint(who, found)


def prepare(renderer: Renderer) -> None:
    """Have a renderer load. Raises UserError for what nobody foresaw, CopilotError as it does."""
    with plugins.blame(plugins.describe(plugins.RENDERERS, renderer.name), "prepared", renderer.tool):
        renderer.prepare()


def _require_tool(told: object, spec: str, tool: Tool) -> None:
    """Raises UserError where a renderer is for the other tool. A class may leave it to its instances."""
    if isinstance(told, str) and told != tool:
        if told not in get_args(Tool):
            raise UserError(
                f"--{tool} {spec}: its tool is {told!r}; it must be {' or '.join(get_args(Tool))}"
            )
        raise UserError(f"--{tool} {spec}: this renderer is for {told}; use --{told} {spec}")


def _checked(known: RendererInfo, given: Mapping[str, Any], spec: str, tool: Tool) -> FrozenModel:
    model, option = known.settings or FrozenModel, f"--{tool} {spec}"
    try:
        return model.model_validate(given)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
    # What a validator of the model says needs no word before it.
    said = fault["msg"].removeprefix("Value error, ")
    if not fault["loc"]:  # of several settings together
        raise UserError(f"{option}: {said}")
    name = str(fault["loc"][0])
    if name not in model.model_fields:
        there = ", ".join(model.model_fields)
        raise UserError(f"{option}: there is no setting {name}; there are: {there}")
    if fault["type"] == "missing":
        backend, targeted = spec.partition(":")[0], name == known.target
        how = f"--{tool} {backend}:{name.upper()}" if targeted else f"--{tool}-set {name}=VALUE"
        raise UserError(f"{option}: which {name}? give {how}")
    if fault["type"] in {"dict_type", "mapping_type"}:
        raise UserError(f"{option}: {name}={given[name]!r}: give {name}.NAME=VALUE")
    raise UserError(f"{option}: {name}={given.get(name)!r}: {said}")
