"""The pipeline: a constructor for every stage of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from copilot.designers.contract import AsyncDesigner
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
from pipelines.stages.table import STAGE_NAMES, STAGES, WRITE, PoolName, pool_of
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
            )
        except BaseException:
            renderer.close()
            raise


def _create_design_stage(parts: _Parts) -> DesignStage:
    designer = parts.backends.designer
    if isinstance(designer, AsyncDesigner):
        raise TypeError(f"the designer {designer.name!r} writes ahead, not in a stage")
    return DesignStage(designer, parts.config.run_seed)


def _create_cast_stage(parts: _Parts) -> CastStage:
    speech = parts.speech
    return CastStage(speech.voices, parts.config.run_seed, parts.spec.bank, clones=speech.clones)


def _create_finish_stage(parts: _Parts) -> FinishStage:
    config = parts.config
    digest = parts.spec.fingerprint.digest
    return FinishStage(config.keep, config.run_seed, config.designer, digest, list_versions())


_CONSTRUCTORS: Mapping[str, Callable[[_Parts], Stage]] = {
    "design": _create_design_stage,
    "validate": lambda parts: ValidateStage(parts.config.limits),
    "cast": _create_cast_stage,
    "render-speech": lambda parts: parts.speech,
    "fit-speech": lambda parts: FitStage(parts.config.limits),
    "render-sounds": lambda parts: parts.create_render_stage("sfx"),
    "mix": lambda parts: MixStage(parts.config.mix_bits),
    "check": lambda _: CheckStage(),
    "finish": _create_finish_stage,
}
if _CONSTRUCTORS.keys() != set(STAGE_NAMES) - {WRITE}:
    raise TypeError("the constructors are not those of the stages in pipelines.stages.table")


def build_stages(
    spec: WorkerSpec, store: StemStore, pool: PoolName | None = None, backends: Backends | None = None
) -> list[Stage]:
    """Construct the stages of a pool (default: of all pools), ready to work, in the order of the table.

    `backends` that were constructed for the fingerprint work on; without them, those that the stages need
    are constructed. Raises what the stages and their backends raise.
    """
    parts = _Parts(spec, store, backends or Backends(spec.fingerprint.config, spec.service))
    stages: list[Stage] = []
    try:
        for name in _list_names(spec, pool):
            stages.append(_CONSTRUCTORS[name](parts))  # noqa: PERF401 - those built so far are closed below
    except BaseException:
        for stage in stages:
            stage.close()
        raise
    return stages


def _list_names(spec: WorkerSpec, pool: PoolName | None) -> list[str]:
    """List the stages of a pool; a worker whose records are designed has no designer."""
    return [
        stage.name
        for stage in STAGES
        if pool in {None, pool_of(stage.name, designs_ahead=spec.designs_ahead)}
        and stage.name in _CONSTRUCTORS
        and not (stage.name == "design" and spec.designs_ahead)
    ]
