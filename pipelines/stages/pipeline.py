"""The pipeline: a constructor for every stage of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from copilot.designers.contract import AsyncDesigner
from copilot.designers.registry import find_info
from pipelines.backends import Backends
from pipelines.fingerprint import list_versions
from pipelines.stages.cast import CastStage
from pipelines.stages.check import CheckStage
from pipelines.stages.design import DesignStage
from pipelines.stages.finish import FinishStage
from pipelines.stages.fit import FitStage
from pipelines.stages.mix import MixStage
from pipelines.stages.render import RenderStage
from pipelines.stages.stage import Stage
from pipelines.stages.table import STAGE_NAMES, STAGES, WRITE, PoolName, get_pool
from pipelines.stages.validate import ValidateStage
from pipelines.stages.worker_spec import WorkerSpec
from pipelines.stem_store.store import StemStore
from renderers.contract import Tool


class _Parts:
    """Values and backends that the constructors of one worker's stages share."""

    def __init__(self, spec: WorkerSpec, store: StemStore, backends: Backends) -> None:
        self.spec = spec
        self.config = spec.fingerprint.config
        self.store = store
        self.backends = backends

    @cached_property
    def speech(self) -> RenderStage:
        """The stage that renders speech, which also knows the voices."""
        return self.create_render_stage("tts")

    def create_render_stage(self, tool: Tool) -> RenderStage:
        """Return the stage that renders a tool's sounds, its weights loaded."""
        work = self.spec.settings.render
        renderer = self.backends.take_over_renderer(tool, work)
        try:
            return RenderStage(
                renderer,
                self.store,
                self.config.run_seed,
                backend=self.spec.fingerprint.renderers[tool],
                variants=self.config.variants,
                batch_s=work.batch_s,
                language=self.config.language,
            )
        except BaseException:
            renderer.close()
            raise


def _create_design_stage(parts: _Parts) -> DesignStage:
    designer = parts.backends.designer
    if isinstance(designer, AsyncDesigner):
        raise TypeError(
            f"the designer {designer.name!r} is asynchronous (AsyncDesigner); it cannot run as the "
            "stage `design`"
        )
    return DesignStage(designer, parts.config.run_seed)


def _create_cast_stage(parts: _Parts) -> CastStage:
    speech = parts.speech
    config = parts.config
    return CastStage(
        speech.voices,
        config.run_seed,
        parts.spec.bank,
        clones=speech.clones,
        language=config.spoken_language,
        # The seeds of a designer with languages of its own were judged when they were drawn.
        check_lines=not find_info(config.designer).languages,
    )


def _create_finish_stage(parts: _Parts) -> FinishStage:
    config = parts.config
    digest = parts.spec.fingerprint.digest
    return FinishStage(config.keep, config.run_seed, config.designer_name, digest, list_versions())


_CONSTRUCTORS: Mapping[str, Callable[[_Parts], Stage]] = {
    "design": _create_design_stage,
    "validate": lambda parts: ValidateStage(parts.config.limits, parts.config.language),
    "cast": _create_cast_stage,
    "render-speech": lambda parts: parts.speech,
    "fit-speech": lambda parts: FitStage(parts.config.limits),
    "render-sounds": lambda parts: parts.create_render_stage("sfx"),
    "mix": lambda parts: MixStage(parts.config.mix_bits),
    "check": lambda _: CheckStage(),
    "finish": _create_finish_stage,
}
_TO_CONSTRUCT = set(STAGE_NAMES) - {WRITE}
if _CONSTRUCTORS.keys() != _TO_CONSTRUCT:
    raise TypeError(
        f"stages without a constructor: {sorted(_TO_CONSTRUCT - _CONSTRUCTORS.keys())}; constructors without "
        f"a stage: {sorted(_CONSTRUCTORS.keys() - _TO_CONSTRUCT)}; edit _CONSTRUCTORS in "
        "pipelines/stages/pipeline.py"
    )


def build_stages(
    spec: WorkerSpec, store: StemStore, pool: PoolName | None = None, backends: Backends | None = None
) -> list[Stage]:
    """Construct the stages of a pool (default: of all pools), ready to work, in the order of the table.

    Reuse `backends` if given; otherwise construct those that the stages need. Pass on errors of stages and
    backends.
    """
    parts = _Parts(spec, store, backends or Backends(spec.fingerprint.config, spec.service, spec.library))
    stages: list[Stage] = []
    try:
        for name in _list_stage_names(spec, pool):
            stages.append(_CONSTRUCTORS[name](parts))  # noqa: PERF401 - the stages built so far are closed below
    except BaseException:
        for stage in stages:
            stage.close()
        raise
    return stages


def _list_stage_names(spec: WorkerSpec, pool: PoolName | None) -> list[str]:
    """List the stages of a pool; omit `design` if dialogues are written in advance."""
    return [
        stage.name
        for stage in STAGES
        if pool in {None, get_pool(stage.name, designs_ahead=spec.designs_ahead)}
        and stage.name in _CONSTRUCTORS
        and not (stage.name == "design" and spec.designs_ahead)
    ]
