"""The pipeline: a constructor for every stage of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from copilot.designers.contract import AsyncDesigner
from pipelines.backends import create_designer, renderer_spec
from pipelines.config import RunConfig
from pipelines.fingerprint import versions
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
from renderers import registry
from renderers.contract import Tool


class _Parts:
    """What the constructors of one worker's stages share."""

    def __init__(self, spec: WorkerSpec, store: StemStore) -> None:
        self.spec = spec
        self.config = spec.fingerprint.config
        self.store = store

    @cached_property
    def speech(self) -> RenderStage:
        """The stage that renders speech, which also knows the voices."""
        return self.render_stage("tts")

    def render_stage(self, tool: Tool) -> RenderStage:
        """Return the stage that renders a tool's sounds, its weights loaded."""
        work = self.spec.settings.render
        return RenderStage(
            registry.create_working(*renderer_spec(self.config, tool), work),
            self.store,
            self.config.run_seed,
            backend=self.spec.fingerprint.renderers[tool],
            variants=self.config.variants,
            batch_s=work.batch_s,
        )


def _cast_stage(parts: _Parts) -> CastStage:
    speech = parts.speech
    return CastStage(speech.voices, parts.config.run_seed, parts.spec.bank, clones=speech.clones)


def _finish_stage(parts: _Parts) -> FinishStage:
    config = parts.config
    digest = parts.spec.fingerprint.digest
    return FinishStage(config.keep, config.run_seed, config.designer, digest, versions())


_CONSTRUCTORS: Mapping[str, Callable[[_Parts], Stage]] = {
    "design": lambda parts: design_stage(parts.config),
    "validate": lambda parts: ValidateStage(parts.config.limits),
    "cast": _cast_stage,
    "render-speech": lambda parts: parts.speech,
    "fit-speech": lambda parts: FitStage(parts.config.limits),
    "render-sounds": lambda parts: parts.render_stage("sfx"),
    "mix": lambda parts: MixStage(parts.config.mix_bits),
    "check": lambda _: CheckStage(),
    "finish": _finish_stage,
}
if _CONSTRUCTORS.keys() != set(STAGE_NAMES) - {WRITE}:
    raise TypeError("the constructors are not those of the stages in pipelines.stages.table")


def build_stages(spec: WorkerSpec, store: StemStore, pool: PoolName | None = None) -> list[Stage]:
    """Construct the stages of a pool, or all of them, ready to work, in the order of the table."""
    parts = _Parts(spec, store)
    names = [
        stage.name
        for stage in STAGES
        if pool in {None, pool_of(stage.name, designs_ahead=spec.designed)}
        and stage.name in _CONSTRUCTORS
        and not (stage.name == "design" and spec.designed)
    ]
    return [_CONSTRUCTORS[name](parts) for name in names]


def design_stage(config: RunConfig) -> DesignStage:
    """Return the stage of a designer that needs no event loop. Raises TypeError for one that does."""
    designer = create_designer(config)
    if isinstance(designer, AsyncDesigner):
        raise TypeError(f"the designer {config.designer} writes ahead, not in a stage")
    return DesignStage(designer, config.run_seed)
