"""From a configuration to the backends and the stages that it names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from copilot import plugins
from copilot.designers.contract import AsyncDesigner, Designer
from copilot.errors import UserError
from pipelines.config import RunConfig
from pipelines.fingerprint import Fingerprint
from pipelines.llm.service import LlmService
from renderers import registry
from renderers.contract import Tool, info_of
from renderers.voice_bank import VoiceBank

TOOLS: tuple[Tool, ...] = ("tts", "sfx")


def create_designer(config: RunConfig, service: LlmService | None = None) -> Designer | AsyncDesigner:
    """The designer that the configuration names. One that asks a model can do so only with a service.

    Raises UserError for an unknown one, and for settings that it has no use for.
    """
    if config.n_turns > config.limits.n_turns:
        raise UserError(f"--turns {config.n_turns}: the limits allow {config.limits.n_turns}")
    make = plugins.load(plugins.DESIGNERS, config.designer, "--designer")
    settings: dict[str, Any] = {"n_turns": config.n_turns}
    if config.task_mix is not None:
        if "task_weights" not in inspect.signature(make).parameters:
            raise UserError(f"--task-mix: the designer {config.designer} draws no tasks; leave it out")
        settings["task_weights"] = config.task_mix
    if getattr(make, "asks_model", False):
        if config.llm is None:
            raise UserError(f"--designer {config.designer}: which model? give --llm-model")
        settings |= {"llm": config.llm, "service": service}
    elif config.llm is not None:
        raise UserError(f"--llm-model: the designer {config.designer} asks no language model")
    with plugins.blamed(f"--designer {config.designer}", "be made"):
        designer: Designer | AsyncDesigner = make(config.limits, **settings)
    return designer


def create_working_designer(config: RunConfig, service: LlmService | None) -> Designer | AsyncDesigner:
    """The designer, able to design. Raises UserError as `create_designer`, and for want of a service."""
    if config.llm is not None and service is None:
        raise UserError(f"--designer {config.designer}: where is the model served? give --llm-url")
    if config.llm is None and service is not None:
        raise UserError(f"--llm-url: the designer {config.designer} asks no language model")
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
            fingerprints[tool] = registry.fingerprint(renderer)
            for problem in getattr(renderer, "problems", ()):
                tell(problem)
        finally:
            renderer.close()
    designer = create_designer(config)
    prompts = designer.prompt_hashes() if isinstance(designer, AsyncDesigner) else {}
    return Fingerprint(
        config=config,
        prompts=prompts,
        designer=designer.fingerprint(),
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
