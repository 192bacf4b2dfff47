"""The pipeline: every stage, and the pool of workers that runs it."""

from __future__ import annotations

from typing import Literal

from copilot.designers.contract import AsyncDesigner
from pipelines.backends import create_designer, renderer_spec
from pipelines.config import RunConfig
from pipelines.fingerprint import versions
from pipelines.stages.cast import CastStage
from pipelines.stages.design import DesignStage
from pipelines.stages.fit import FitStage
from pipelines.stages.mix import CheckStage, FinishStage, MixStage
from pipelines.stages.render import RenderStage
from pipelines.stages.stage import Stage
from pipelines.stages.validate import ValidateStage
from pipelines.stages.worker_spec import WorkerSpec
from pipelines.stem_store.store import StemStore
from renderers import registry
from renderers.contract import Tool

PartName = Literal["all", "speech", "sounds", "mix"]
"""Which of the stages a worker has: all, or those of one pool."""


def build_stages(order: WorkerSpec, store: StemStore, part: PartName = "all") -> list[Stage]:
    """The stages of the pipeline, or of a part of it, ready to work."""
    config = order.fingerprint.config
    stages: list[Stage] = []
    if part in {"all", "speech"}:
        speech = _rendering(order, store, "tts")
        stages += [
            *([] if order.designed else [design_stage(config)]),
            ValidateStage(config.limits),
            CastStage(speech.voices, config.run_seed, order.bank, clones=speech.clones),
            speech,
            FitStage(config.limits),
        ]
    if part in {"all", "sounds"}:
        stages.append(_rendering(order, store, "sfx"))
    if part in {"all", "mix"}:
        stages += [
            MixStage(config.mix_bits),
            CheckStage(),
            FinishStage(config.keep, config.run_seed, config.designer, order.fingerprint.digest, versions()),
        ]
    return stages


def _rendering(order: WorkerSpec, store: StemStore, tool: Tool) -> RenderStage:
    config, work = order.fingerprint.config, order.equipment.render
    return RenderStage(
        registry.at_work(*renderer_spec(config, tool), work),
        store,
        config.run_seed,
        backend=order.fingerprint.renderers[tool],
        variants=config.variants,
        batch_s=work.batch_s,
    )


def design_stage(config: RunConfig) -> DesignStage:
    """The stage of a designer that needs no event loop. Raises TypeError for one that does."""
    designer = create_designer(config)
    if isinstance(designer, AsyncDesigner):
        raise TypeError(f"the designer {config.designer} writes ahead, not in a stage")
    return DesignStage(designer, config.run_seed)
