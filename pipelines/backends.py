"""The backends that a configuration names: its designer and its renderers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any, Self

from copilot.designers import registry as designers
from copilot.designers.contract import (
    DEFAULT_SPEECH_SHARE,
    AnyDesigner,
    AsyncDesigner,
    DesignerContext,
    DesignerInfo,
)
from copilot.designers.llm.service import LlmService
from copilot.errors import UserError
from copilot.language import ENGLISH, is_among, name_language, name_languages
from copilot.library_sound import LibrarySound
from pipelines.config import RunConfig
from pipelines.fingerprint import Fingerprint
from pipelines.seeds.requests import REQUESTS
from renderers import registry
from renderers.contract import Renderer, RenderSettings, Tool, get_info, list_problems, list_sounds
from renderers.voice_bank import VoiceBank

TOOLS: tuple[Tool, ...] = ("tts", "sfx")
LIBRARY = "library"


class Backends:
    """The designer and the renderers of a configuration, each constructed once, when it is first needed.

    A context manager: at its end the renderers are closed that nobody has taken over.
    """

    def __init__(
        self,
        config: RunConfig,
        service: LlmService | None = None,
        library: tuple[LibrarySound, ...] | None = None,
    ) -> None:
        """`library` are the sounds to write about, if they are known already: to list them takes a while."""
        self._config = config
        self._service = service
        self._library = library
        self._renderers: dict[Tool, Renderer] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @cached_property
    def designer(self) -> AnyDesigner:
        """The designer. Raises as `create_designer`."""
        return create_designer(self._config, self._service, self.library)

    @cached_property
    def library(self) -> tuple[LibrarySound, ...]:
        """The sounds that the designer writes about; none for its own. Raises as `list_captions`."""
        if self._library is not None:
            return self._library
        return list_captions(self.renderer("sfx")) if self._config.captions == LIBRARY else ()

    def renderer(self, tool: Tool) -> Renderer:
        """Return the renderer of a tool, with no weights loaded. Raises as `registry.create`."""
        if tool not in self._renderers:
            self._renderers[tool] = registry.create(*get_renderer_spec(self._config, tool))
        return self._renderers[tool]

    def take_over_renderer(self, tool: Tool, render_settings: RenderSettings) -> Renderer:
        """Return the renderer of a tool, with the settings applied; the caller closes it from now on."""
        renderer = self.renderer(tool)
        del self._renderers[tool]
        try:
            return registry.apply_render_settings(
                renderer, *get_renderer_spec(self._config, tool), render_settings
            )
        except BaseException:
            renderer.close()
            raise

    def compute_fingerprint(
        self,
        bank: VoiceBank | None = None,
        on_problem: Callable[[str], None] = lambda _: None,
        *,
        tools: Collection[Tool] = TOOLS,
    ) -> Fingerprint:
        """Return the fingerprint of the configuration with these backends; `tools` are those that render.

        `on_problem` receives what is wrong with their own data, such as rows of an index that cannot be used.
        Raises UserError for an unknown backend and for one that lacks a voice bank, MissingExtraError if what
        it needs is not installed.
        """
        return Fingerprint(
            config=self._config,
            renderers={tool: self._fingerprint_of(tool, bank, on_problem) for tool in TOOLS if tool in tools},
            prompts=self.designer.prompt_hashes() if isinstance(self.designer, AsyncDesigner) else {},
            designer=designers.get_fingerprint(self.designer),
            voices=bank.fingerprint() if bank else None,
        )

    def _fingerprint_of(
        self, tool: Tool, bank: VoiceBank | None, on_problem: Callable[[str], None]
    ) -> dict[str, str]:
        renderer = self.renderer(tool)
        if tool == "tts":
            require_language(renderer, self._config.language)
        if get_info(renderer).clones and bank is None:
            raise UserError(f"the renderer {renderer.name!r} clones voices; give `voices`", field=tool)
        fingerprint = registry.get_fingerprint(renderer)
        for problem in list_problems(renderer):
            on_problem(problem)
        return fingerprint

    def close(self) -> None:
        """Close the renderers that nobody has taken over."""
        while self._renderers:
            _, renderer = self._renderers.popitem()
            renderer.close()


def list_captions(renderer: Renderer) -> tuple[LibrarySound, ...]:
    """Return the sounds that a renderer has. Raises UserError if it lists none."""
    if sounds := list_sounds(renderer):
        return sounds
    raise UserError(
        f"the renderer {renderer.name!r} lists no sounds; use `sfx` library:FOLDER", field="captions"
    )


def create_designer(
    config: RunConfig, service: LlmService | None = None, library: tuple[LibrarySound, ...] | None = None
) -> AnyDesigner:
    """Construct the designer that the configuration names. One that asks a model needs a service to design.

    `library` are the sounds to write about; if they are not given, the renderer is asked for them.

    Raises UserError for an unknown designer, and for settings that it does not take.
    """
    _check_designer(config)
    if library is None:
        with Backends(config) as backends:
            library = backends.library
    context = DesignerContext(
        limits=config.limits,
        n_turns=config.n_turns,
        task_weights=config.task_mix,
        speech_share=config.speech_share,
        llm=config.llm,
        service=service,
        language=config.language,
        library=library,
    )
    return designers.create(config.designer, context, config.designer_settings)


def _check_designer(config: RunConfig) -> None:
    """Raise UserError for settings that the designer does not take."""
    if config.n_turns > config.limits.n_turns:
        raise UserError(f"{config.n_turns}, but `limits` allow {config.limits.n_turns}", field="n_turns")
    name, info = config.designer, designers.find_info(config.designer)
    _check_draws(config, info)
    if config.captions == LIBRARY and not info.takes_library:
        raise UserError(
            f"the designer {name!r} chooses its sounds itself; use scripted or llm", field="captions"
        )
    if config.llm is None and info.asks_model:
        raise UserError(f"{name!r} asks a language model; give `llm`", field="designer")
    if config.llm is not None and not info.asks_model:
        raise UserError(f"the designer {name!r} does not ask a language model; leave it out", field="llm")
    if config.seeds.partition(":")[0] == REQUESTS and not info.takes_requests:
        raise UserError(f"the designer {name!r} takes no requests; use scripted or llm", field="designer")
    has_requests = config.seeds.partition(":")[0] == REQUESTS or config.continues is not None
    if config.llm is not None and config.llm.mode == "whole" and has_requests:
        raise UserError("whole: writes no single turns, as a request or a sample needs", field="llm.mode")
    if config.language and info.languages and not is_among(config.language, info.languages):
        raise UserError(
            f"the designer {name!r} writes {name_languages(info.languages)}, not "
            f"{name_language(config.language)}; leave it out, or use `designer` llm",
            field="language",
        )
    if config.foreign_seeds == "silent" and not info.takes_silent:
        raise UserError(
            f"silent: the designer {name!r} cannot do without their words; leave it out or use scripted",
            field="foreign_seeds",
        )


def _check_draws(config: RunConfig, info: DesignerInfo) -> None:
    """Raise UserError for draws that the designer does not make."""
    name = config.designer
    if config.task_mix is not None and not info.draws_tasks:
        raise UserError(f"the designer {name!r} draws no tasks; leave it out", field="task_mix")
    if config.speech_share != DEFAULT_SPEECH_SHARE and not info.draws_speech:
        raise UserError(
            f"the designer {name!r} decides itself which dialogues have speech; leave it out",
            field="speech_share",
        )


def require_language(renderer: Renderer, language: str | None) -> None:
    """Raise UserError if a renderer of speech cannot speak a language (default: English).

    One that does not say what it speaks is taken to speak English.
    """
    wanted, field = language or ENGLISH, "tts" if language is None else "language"
    own = {tag for voice in renderer.voices() for tag in voice.languages}
    known = get_info(renderer).languages or tuple(own) or (ENGLISH,)
    if not is_among(wanted, known):
        raise UserError(
            f"the renderer {renderer.name!r} speaks {name_languages(known)}, not {name_language(wanted)}; "
            "choose another `tts`, or another `language`",
            field=field,
        )


def list_seed_languages(config: RunConfig) -> tuple[str, ...]:
    """Return the languages that seeds may be in; none if they may be in any. Raises UserError."""
    if config.language is not None:
        return (config.language,)
    return designers.find_info(config.designer).languages


def create_working_designer(
    config: RunConfig, service: LlmService | None, library: tuple[LibrarySound, ...] | None = None
) -> AnyDesigner:
    """Construct the designer, able to design. Raises as `check_service` and `create_designer`."""
    check_service(config, service)
    return create_designer(config, service, library)


def check_service(config: RunConfig, service: LlmService | None) -> None:
    """Raise UserError if a language model's service is missing, or given and not needed."""
    if config.llm is not None and service is None:
        raise UserError(f"{config.designer!r} asks a language model; give `service`", field="designer")
    if config.llm is None and service is not None:
        raise UserError(
            f"the designer {config.designer!r} does not ask a language model; leave it out", field="service"
        )


def compute_fingerprint(config: RunConfig, bank: VoiceBank | None = None) -> Fingerprint:
    """Return the fingerprint of a configuration with the backends that are installed here.

    Raises as `Backends.compute_fingerprint`.
    """
    with Backends(config) as backends:
        return backends.compute_fingerprint(bank)


def get_renderer_spec(config: RunConfig, tool: Tool) -> tuple[str, Tool, Mapping[str, Any]]:
    """Return the name, tool and settings of the renderer that the configuration names for a tool."""
    if tool == "tts":
        return config.tts, "tts", config.tts_settings
    return config.sfx, "sfx", config.sfx_settings


def loads_model(config: RunConfig, tool: Tool) -> bool:
    """Return whether the renderer of a tool loads a model into each worker. Raises UserError."""
    return registry.uses_device(*get_renderer_spec(config, tool))


def uses_models(config: RunConfig) -> bool:
    """Return whether any renderer of the configuration loads a model. Raises UserError."""
    return any(loads_model(config, tool) for tool in TOOLS)
