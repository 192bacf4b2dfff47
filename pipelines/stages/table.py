"""The table of the pipeline's stages: names, order, and the pool of workers that runs each on Ray.

Pools, measured costs and forecasts derive from it. `pipelines.stages.pipeline` constructs the stages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PoolName = Literal["design", "speech", "sounds", "mix"]
"""`design` exists only with a designer that asks a language model; `sounds` renders sfx."""


@dataclass(frozen=True, slots=True)
class StageSpec:
    """One stage of the pipeline. A stage that `renders` uses the GPU of its worker, if there is one."""

    name: str
    pool: PoolName
    renders: bool = False


WRITE = "write"
"""The writing of shards: its time is counted like that of a stage, and it always comes last."""

STAGES: tuple[StageSpec, ...] = (
    StageSpec("design", "design"),
    StageSpec("validate", "speech"),
    StageSpec("cast", "speech"),
    StageSpec("render-speech", "speech", renders=True),
    StageSpec("fit-speech", "speech"),
    StageSpec("render-sounds", "sounds", renders=True),
    StageSpec("mix", "mix"),
    StageSpec("check", "mix"),
    StageSpec("finish", "mix"),
    StageSpec(WRITE, "mix"),
)

STAGE_NAMES: tuple[str, ...] = tuple(stage.name for stage in STAGES)
POOLS: tuple[PoolName, ...] = tuple(dict.fromkeys(stage.pool for stage in STAGES))
"""The pools in the order in which dialogues pass them."""

_POOLS = {stage.name: stage.pool for stage in STAGES}


def get_pool(stage: str, *, designs_ahead: bool = True) -> PoolName:
    """Return the pool that runs a stage. Raises KeyError for an unknown stage.

    Without `designs_ahead`, the stage `design` runs in the pool `speech`, which is then the first pool.
    """
    pool = _POOLS[stage]
    return "speech" if pool == "design" and not designs_ahead else pool
