"""From a configuration to the backends and the stages that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from copilot.designers import registry as designers
from copilot.designers.contract import AnyDesigner, AsyncDesigner, DesignerContext
from copilot.designers.llm.service import LlmService
from copilot.errors import UserError
from pipelines.config import RunConfig
from pipelines.fingerprint import Fingerprint
from renderers import registry
from renderers.contract import Tool, info_of, problems_of
from renderers.voice_bank import VoiceBank

TOOLS: tuple[Tool, ...] = ("tts", "sfx")


def create_designer(config: RunConfig, service: LlmService | None = None) -> AnyDesigner:
    """Construct the designer that the configuration names. One that asks a model needs a service to design.

    Raises UserError for an unknown designer, and for settings that it does not take.
    """
    if config.n_turns > config.limits.n_turns:
        raise UserError(f"{config.n_turns}, but `limits` allow {config.limits.n_turns}", field="n_turns")
    name, info = config.designer, designers.find_info(config.designer)
    if config.task_mix is not None and not info.draws_tasks:
        raise UserError(f"the designer {name!r} draws no tasks; leave it out", field="task_mix")
    if config.llm is None and info.asks_model:
        raise UserError(f"{name!r} asks a language model; give `llm`", field="designer")
    if config.llm is not None and not info.asks_model:
        raise UserError(f"the designer {name!r} does not ask a language model; leave it out", field="llm")
    context = DesignerContext(
        limits=config.limits,
        n_turns=config.n_turns,
        task_weights=config.task_mix,
        llm=config.llm,
        service=service,
    )
    return designers.create(name, context, config.designer_settings)


def create_working_designer(config: RunConfig, service: LlmService | None) -> AnyDesigner:
    """Construct the designer, able to design. Raises as `create_designer`, and for a missing service."""
    if config.llm is not None and service is None:
        raise UserError(f"{config.designer!r} asks a language model; give `service`", field="designer")
    if config.llm is None and service is not None:
        raise UserError(
            f"the designer {config.designer!r} does not ask a language model; leave it out", field="service"
        )
    return create_designer(config, service)


def compute_fingerprint(
    config: RunConfig, bank: VoiceBank | None = None, tell: Callable[[str], None] = lambda _: None
) -> Fingerprint:
    """The fingerprint of a configuration with the backends that are installed here.

    What backends have to say of their own data (rows of an index that cannot be used) they `tell`.

    Raises UserError for a backend that is not there or lacks a voice bank, MissingExtraError for what it
    needs.
    """
    fingerprints = {}
    for tool in TOOLS:
        renderer = registry.create(*renderer_spec(config, tool))
        try:
            if info_of(renderer).clones and bank is None:
                raise UserError(f"--{tool} {renderer.name}: clones voices; give it some with --voices FOLDER")
            fingerprints[tool] = registry.get_fingerprint(renderer)
            for problem in problems_of(renderer):
                tell(problem)
        finally:
            renderer.close()
    designer = create_designer(config)
    prompts = designer.prompt_hashes() if isinstance(designer, AsyncDesigner) else {}
    return Fingerprint(
        config=config,
        prompts=prompts,
        designer=designers.get_fingerprint(designer),
        renderers=fingerprints,
        voices=bank.fingerprint() if bank else None,
    )


def renderer_spec(config: RunConfig, tool: Tool) -> tuple[str, Tool, Mapping[str, Any]]:
    """Which renderer the configuration names for a tool, with its settings."""
    if tool == "tts":
        return config.tts, "tts", config.tts_settings
    return config.sfx, "sfx", config.sfx_settings


def loads_model(config: RunConfig, tool: Tool) -> bool:
    """Whether the renderer of a tool loads a model into each worker. Raises UserError."""
    return registry.uses_device(*renderer_spec(config, tool)[:2])


def rendered_by_models(config: RunConfig) -> bool:
    """Whether any renderer of the configuration does. Raises UserError."""
    return any(loads_model(config, tool) for tool in TOOLS)
