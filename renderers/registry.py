"""Renderers by name, each an entry point in the group `copilot.renderers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from copilot import plugins
from copilot.errors import MissingExtraError, UserError
from renderers.contract import Renderer, RenderSettings, Tool, get_info
from renderers.fallback import FallbackRenderer, FallbackSettings
from renderers.worker.renderer import HostedRenderer, WorkerRenderer, WorkerSettings

_MEMBERS = ("name", "tool", "fingerprint", "prepare", "voices", "render", "close")


def list_names() -> list[str]:
    """Return the names of all registered renderers; imports none of them."""
    return plugins.list_names(plugins.RENDERERS)


def create(spec: str, tool: Tool, settings: Mapping[str, Any] | None = None) -> Renderer:
    """Return a new renderer, given `NAME` or `NAME:TARGET`, and settings by name.

    Raises UserError, with the tool or its settings as the field, for an unknown name, a renderer of the other
    tool, settings that it does not take, and a class that cannot be constructed or is not a renderer;
    MissingExtraError if a module that it needs is not installed; CopilotError as its constructor does.
    """
    if tool not in get_args(Tool):
        raise UserError(f"unknown tool {tool!r}; available: {', '.join(get_args(Tool))}", field="tool")
    make = find_class(spec, tool)
    info = get_info(make)
    name = spec.partition(":")[0]
    if info.tools and tool not in info.tools:
        raise _create_wrong_tool_error(info.tools[0], spec, tool)
    plugins.require_modules(f"the renderer {name!r}", info)
    values = plugins.merge_target(plugins.RENDERERS, info, settings or {}, spec, tool)
    field = f"{tool}_settings"
    # The target of `NAME:TARGET` was given with the tool, not with the tool's settings.
    fields = {info.target: tool} if info.target and info.target not in (settings or {}) else {}
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
    if not isinstance(checked, FallbackSettings) or checked.fallback is None:
        return renderer
    try:
        return FallbackRenderer(renderer, _create_fallback(checked.fallback, checked, tool))
    except BaseException:
        renderer.close()
        raise


def _create_fallback(spec: str, settings: FallbackSettings, tool: Tool) -> Renderer:
    """Raises UserError with the tool's settings as the field, and as `create`."""
    try:
        return create(spec, tool, settings.fallback_settings)
    except MissingExtraError:
        raise
    except UserError as error:
        what = str(error).removeprefix(f"`{error.field}`: ")
        raise UserError(f"fallback={spec}: {what}", field=f"{tool}_settings") from error


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
    if isinstance(renderer, FallbackRenderer):
        own, other, others = _split_fallback(settings or {})
        return FallbackRenderer(
            apply_render_settings(renderer.first, spec, tool, own, render_settings),
            apply_render_settings(renderer.second, other or "", tool, others, render_settings),
        )
    if isinstance(renderer, WorkerRenderer):
        renderer.restart_with(render_settings)
    elif get_info(renderer).isolated:
        return HostedRenderer(renderer, spec, tool, settings or {}, render_settings)
    return renderer


def _split_fallback(settings: Mapping[str, Any]) -> tuple[dict[str, Any], str | None, Mapping[str, Any]]:
    """Return the renderer's own settings, the one behind it, and the settings of that one."""
    own = {name: value for name, value in settings.items() if name not in FallbackSettings.model_fields}
    return own, settings.get("fallback"), settings.get("fallback_settings") or {}


def uses_device(spec: str, tool: Tool, settings: Mapping[str, Any] | None = None) -> bool:
    """Return whether a renderer works on a device: an isolated one does, or one with such a one behind it.

    Raises as `find_class`.
    """
    info = get_info(find_class(spec, tool))
    if info.settings is None or not issubclass(info.settings, FallbackSettings):
        return info.isolated
    _, other, others = _split_fallback(settings or {})
    return info.isolated or (isinstance(other, str) and uses_device(other, tool, others))


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
