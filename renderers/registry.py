"""Renderers by name, each an entry point in the group `copilot.renderers`, alone or in a chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from copilot import plugins
from copilot.errors import MissingExtraError, UserError
from renderers.chain import ChainRenderer, Link, parse_chain
from renderers.contract import Renderer, RenderSettings, Tool, get_info
from renderers.worker.renderer import HostedRenderer, WorkerRenderer, WorkerSettings

_MEMBERS = ("name", "tool", "fingerprint", "prepare", "voices", "render", "close")


def list_names() -> list[str]:
    """Return the names of all registered renderers; imports none of them."""
    return plugins.list_names(plugins.RENDERERS)


def create(spec: str, tool: Tool, settings: Mapping[str, Any] | None = None) -> Renderer:
    """Return a new renderer, given `NAME` or `NAME:TARGET`, and settings by name.

    For `sfx`, several of them between commas are a chain, whose settings are those of the members, by name.

    Raises UserError, with the tool or its settings as the field, for an unknown name, a renderer of the other
    tool, settings that it does not take, and a class that cannot be constructed or is not a renderer;
    MissingExtraError if a module that it needs is not installed; CopilotError as its constructor does.
    """
    if tool not in get_args(Tool):
        raise UserError(f"unknown tool {tool!r}; available: {', '.join(get_args(Tool))}", field="tool")
    links = parse_chain(spec, tool, settings)
    if len(links) == 1:
        return _create_one(spec, tool, links[0].settings)
    members: dict[str, Renderer] = {}
    try:
        for link in links:
            members[link.label] = _create_member(link, tool)
    except BaseException:
        for member in members.values():
            member.close()
        raise
    return ChainRenderer(members)


def _create_member(link: Link, tool: Tool) -> Renderer:
    """Return one member of a chain. Raises as `create`, with the member's label in the message."""
    name, known = link.spec.partition(":")[0], list_names()
    if name not in known:
        raise UserError(
            f"unknown renderer {name!r}; available: {', '.join(known)}; a comma begins the next renderer: "
            f"set a target that holds a comma in `{tool}_settings`",
            field=tool,
        )
    try:
        return _create_one(link.spec, tool, link.settings)
    except MissingExtraError:
        raise
    except UserError as error:
        what = str(error).removeprefix(f"`{error.field}`: ")
        raise UserError(f"{link.label}: {what}", field=error.field) from error


def _create_one(spec: str, tool: Tool, settings: Mapping[str, Any]) -> Renderer:
    make = find_class(spec, tool)
    info = get_info(make)
    name = spec.partition(":")[0]
    if info.tools and tool not in info.tools:
        raise _create_wrong_tool_error(info.tools[0], spec, tool)
    plugins.require_modules(f"the renderer {name!r}", info)
    values = plugins.merge_target(plugins.RENDERERS, info, settings, spec, tool)
    field = f"{tool}_settings"
    # The target of `NAME:TARGET` was given with the tool, not with the tool's settings.
    fields = {info.target: tool} if info.target and info.target not in settings else {}
    checked = plugins.check_settings(info.settings, values, field, fields) if info.settings else None
    if isinstance(checked, WorkerSettings) and checked.is_speech and tool != "tts":
        raise _create_wrong_tool_error("tts", spec, tool)
    who = plugins.describe(plugins.RENDERERS, name)
    with plugins.blame(who, "constructed", tool):
        renderer: Renderer = make() if checked is None else make(checked)
        missing = [member for member in _MEMBERS if not hasattr(renderer, member)]
    if missing:
        raise UserError(
            f"{who} is not a renderer: it has no {', '.join(missing)}; see docs/backends.md", field=tool
        )
    if renderer.tool != tool:
        renderer.close()
        raise _create_wrong_tool_error(renderer.tool, spec, tool)
    return renderer


def create_for_rendering(
    spec: str,
    tool: Tool,
    settings: Mapping[str, Any] | None = None,
    render_settings: RenderSettings | None = None,
) -> Renderer:
    """Return a renderer that is ready to render: an isolated one in a child process.

    Raises as `create`.
    """
    return apply_render_settings(
        create(spec, tool, settings), spec, tool, settings, render_settings or RenderSettings()
    )


def apply_render_settings(
    renderer: Renderer,
    spec: str,
    tool: Tool,
    settings: Mapping[str, Any] | None,
    render_settings: RenderSettings,
) -> Renderer:
    """Apply the settings to a renderer that `create` made; an isolated one gets a child process."""
    if isinstance(renderer, ChainRenderer):
        return ChainRenderer(
            {
                link.label: apply_render_settings(
                    renderer.members[link.label], link.spec, tool, link.settings, render_settings
                )
                for link in parse_chain(spec, tool, settings)
            }
        )
    if isinstance(renderer, WorkerRenderer):
        renderer.restart_with(render_settings)
    elif get_info(renderer).isolated:
        return HostedRenderer(renderer, spec, tool, settings or {}, render_settings)
    return renderer


def uses_device(spec: str, tool: Tool, settings: Mapping[str, Any] | None = None) -> bool:
    """Return whether a renderer works on a device: an isolated one does, and a chain with such a member.

    Raises as `find_class` and `parse_chain`.
    """
    return any(get_info(find_class(link.spec, tool)).isolated for link in parse_chain(spec, tool, settings))


def find_class(spec: str, tool: Tool) -> Any:  # noqa: ANN401 - a class of anybody's
    """Return the class that is registered under a name. Raises UserError."""
    return plugins.load(plugins.RENDERERS, spec.partition(":")[0], tool)


def get_fingerprint(renderer: Renderer) -> dict[str, str]:
    """Return a renderer's fingerprint. Raises UserError if it is not made of texts."""
    who = plugins.describe(plugins.RENDERERS, renderer.name)
    with plugins.blame(who, "fingerprinted", renderer.tool):
        found = renderer.fingerprint()
    return plugins.check_fingerprint(who, found, renderer.tool)


def prepare_renderer(renderer: Renderer) -> None:
    """Let a renderer load. Raises UserError for an unforeseen exception, CopilotError as it does."""
    with plugins.blame(plugins.describe(plugins.RENDERERS, renderer.name), "prepared", renderer.tool):
        renderer.prepare()


def _create_wrong_tool_error(actual: str, spec: str, tool: Tool) -> UserError:
    if actual not in get_args(Tool):
        return UserError(
            f"{spec}: its tool is {actual!r}; it must be {' or '.join(get_args(Tool))}", field=tool
        )
    makes = {"tts": "speech", "sfx": "sound effects"}[actual]
    return UserError(f"renderer {spec} makes {makes}; set it as `{actual}`, not as `{tool}`", field=tool)
