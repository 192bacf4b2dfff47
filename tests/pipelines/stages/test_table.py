"""The table of stages: pools, costs, forecasts and the stages themselves derive from it."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from pipelines.backends import compute_fingerprint
from pipelines.config import RunConfig
from pipelines.planning.costs import MeasuredCosts, SampleBytes
from pipelines.planning.forecast import forecast
from pipelines.planning.measure import _divide
from pipelines.planning.ray_settings import RaySettings
from pipelines.planning.resources import Resources
from pipelines.planning.sizing import Workload, create_layout
from pipelines.stages.pipeline import build_stages
from pipelines.stages.table import POOLS, STAGE_NAMES, STAGES, WRITE, PoolName, get_pool
from pipelines.stages.worker_spec import ExecutionSettings, WorkerSpec
from pipelines.stem_store import StemStore
from renderers.testing import MurmurRenderer, NoiseRenderer

NODE = Resources(16, 0, 64 * 2**30)


def built(tmp_path, pool: PoolName | None, *, designs_ahead: bool) -> list[str]:
    config = RunConfig(seeds="starter", designer="stand-in", sfx=NoiseRenderer.name, tts=MurmurRenderer.name)
    spec = WorkerSpec(
        str(tmp_path), compute_fingerprint(config), ExecutionSettings(), designs_ahead=designs_ahead
    )
    stages = build_stages(spec, StemStore(tmp_path / "stems"), pool)
    for stage in stages:
        stage.close()
    return [stage.name for stage in stages]


@pytest.mark.parametrize("designed", [True, False])
def test_every_stage_of_the_table_is_built_once_and_in_its_pool(tmp_path, designed):
    names = [name for name in STAGE_NAMES if name != WRITE and not (designed and name == "design")]
    assert built(tmp_path, None, designs_ahead=designed) == names
    by_pool = {pool: built(tmp_path, pool, designs_ahead=designed) for pool in POOLS}
    assert [name for pool in POOLS for name in by_pool[pool]] == names
    assert all(get_pool(name, designs_ahead=designed) == pool for pool in POOLS for name in by_pool[pool])


def test_pools_are_those_of_the_table():
    assert get_args(PoolName) == POOLS
    assert (
        tuple(pool.name for pool in create_layout(Workload(designs=True), RaySettings(), (NODE,), None).pools)
        == POOLS
    )


@pytest.mark.parametrize("designs", [True, False])
def test_every_stage_has_costs_and_a_forecast(designs):
    seconds = _divide(dict.fromkeys(STAGE_NAMES, 4.0), 2)
    costs = MeasuredCosts(
        n_seeds=2,
        accepted_share=1,
        stage_s=seconds,
        design_wait_s=2,
        sample_bytes=SampleBytes(mixes=1, stems=1),
    )
    layout = create_layout(Workload(designs=designs), RaySettings(), (NODE,), None)
    sizes = {pool.name: pool.min_size for pool in layout.pools}
    stages = forecast(costs, layout, sizes, NODE, 3600).stages
    assert [stage.stage for stage in stages] == list(STAGE_NAMES)
    assert [stage.pool for stage in stages] == [get_pool(name, designs_ahead=designs) for name in STAGE_NAMES]
    assert {stage.worker_hours for stage in stages} == {2.0}


def test_costs_of_a_stage_that_the_table_lacks_are_refused():
    with pytest.raises(ValidationError, match="remaster"):
        MeasuredCosts(
            n_seeds=2,
            accepted_share=1,
            stage_s=_divide({"remaster": 4.0}, 2),
            sample_bytes=SampleBytes(mixes=1, stems=1),
        )


def test_names_are_unique_and_writing_is_last():
    assert len(set(STAGE_NAMES)) == len(STAGES)
    assert STAGE_NAMES[-1] == WRITE
