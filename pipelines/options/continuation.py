"""The options of `copilot continue`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from copilot.errors import UserError
from pipelines.options.llm import LlmOptions
from pipelines.options.option import Option
from pipelines.options.values import parse_settings

if TYPE_CHECKING:
    from copilot.designers.llm.service import LlmService
    from copilot.designers.llm.settings import LlmSettings
    from copilot.edit import Operation
    from pipelines.config import RunConfig
    from pipelines.main_job import GenerateRequest

_Option = functools.partial(Option, group="Dialogues")
_OF_THE_RUN = "that of the run"
_OF_SERVERS = frozenset({"llm_url", "judge_url", "llm_concurrency", "llm_patience", "llm_timeout"})
"""The options of a language model that decide nothing about the dialogues."""


@dataclass(frozen=True, kw_only=True)
class ContinueOptions(LlmOptions):
    """The options that the turns of a continued dialogue follow from; the others are those of its run."""

    out: Annotated[
        str | None,
        Option("Folder or URI of the new run. An interrupted one is resumed.", metavar="PATH", required=True),
    ] = None
    request: Annotated[
        Sequence[str] | None,
        _Option(
            "What the user asks for in a new turn. Repeat it for several turns.",
            metavar="TEXT",
            default="the designer invents them",
            common=True,
        ),
    ] = None
    operations: Annotated[
        Path | None,
        _Option(
            "JSON file with the operations of the new turn, or a list of them for each turn. See copilot "
            "schema operation.",
            metavar="FILE",
            default="the designer writes them",
            common=True,
        ),
    ] = None
    turns: Annotated[
        int | None, _Option("New turns, if there is no --request.", default="1", low=1, common=True)
    ] = None
    designer: Annotated[
        str | None,
        _Option(
            "Writer of the new turns: scripted, llm, or that of an installed package.",
            default=_OF_THE_RUN,
            common=True,
        ),
    ] = None
    designer_set: Annotated[
        Sequence[str] | None,
        _Option("Setting of the designer. Repeat it for several settings.", metavar="NAME=VALUE"),
    ] = None
    stems: Annotated[
        str | None,
        Option(
            "Stem store to share between runs: a folder or URI.",
            group="Sound",
            metavar="PATH",
            default="RUN/stems",
            common=True,
        ),
    ] = None

    def create_continuation(self, run: str, sample_id: str) -> GenerateRequest:
        """Return the request for the new run, without callbacks. Raises UserError."""
        from pipelines.continuation import create_continuation
        from pipelines.run.open import open_run
        from pipelines.stages.worker_spec import ExecutionSettings

        if self.out is None:
            raise UserError("missing; give the folder or URI of the new run", field="out")
        operations = () if self.operations is None else _read_operations(self.operations)
        config = open_run(run).config
        service = None
        if not operations:
            config, service = self._choose_designer(config)
        elif useless := [name for name in ("designer", *self.list_llm_options()) if getattr(self, name)]:
            raise UserError("leave it out: the `operations` are written already", field=useless[0])
        return create_continuation(
            run,
            sample_id,
            self.out,
            self.request or (),
            n_turns=self.turns,
            operations=operations,
            config=config,
            service=service,
            settings=ExecutionSettings(store=self.stems),
        )

    def _choose_designer(self, base: RunConfig) -> tuple[RunConfig, LlmService | None]:
        """Return the run's configuration with the designer of the new turns, and its servers."""
        from copilot.designers import registry
        from copilot.designers.contract import DEFAULT_SPEECH_SHARE

        designer = self.designer or base.designer
        info = registry.find_info(designer)
        if not info.asks_model and (useless := self.list_llm_options()):
            raise UserError(f"the designer {designer} does not use a language model", field=useless[0])
        if info.asks_model and not self.llm_url:
            raise UserError(f"the designer {designer} needs the URL of a server", field="llm_url")
        update: dict[str, object] = {
            "designer": designer,
            "task_mix": base.task_mix if info.draws_tasks else None,
            "speech_share": base.speech_share if info.draws_speech else DEFAULT_SPEECH_SHARE,
            "foreign_seeds": base.foreign_seeds if info.takes_silent else "reject",
            "llm": self._choose_llm(base.llm) if info.asks_model else None,
        }
        if designer != base.designer or self.designer_set:
            update["designer_settings"] = parse_settings(self.designer_set or (), "designer_set")
        service = self.create_llm_service(self.llm_url) if self.llm_url else None
        return base.model_copy(update=update), service

    def _choose_llm(self, base: LlmSettings | None) -> LlmSettings:
        if base is not None and not set(self.list_llm_options()) - _OF_SERVERS:
            return base
        model = self.llm_model or (base.model if base else None)
        if model is None:
            raise UserError("the designer needs the name of a model", field="llm_model")
        return self.create_llm_settings(model)


def _read_operations(path: Path) -> tuple[tuple[Operation, ...], ...]:
    """Return the operations of each turn; a file of one turn may hold them without a list around."""
    from pydantic import RootModel

    from copilot.edit import Operation
    from pipelines.json_file import read_model

    hint = "see: copilot schema operation"
    content = read_model(RootModel[list[object]], path, field="operations", hint=hint).root
    if not content:
        raise UserError(f"{path}: no operation; {hint}", field="operations")
    if any(isinstance(entry, dict) for entry in content):
        return (read_model(RootModel[tuple[Operation, ...]], path, field="operations", hint=hint).root,)
    return read_model(RootModel[tuple[tuple[Operation, ...], ...]], path, field="operations", hint=hint).root
