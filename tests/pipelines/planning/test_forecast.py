"""Forecasts against figures that were calculated by hand, and allocations of runs on nodes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.made_runs import a_run
from pydantic import ValidationError

from copilot.designers.account import Usage
from copilot.errors import CopilotError, UserError
from pipelines.accounting.stage_times import StageTimes
from pipelines.planning.allocation import allocate
from pipelines.planning.costs import MeasuredCosts, Prices, SampleBytes, Tokens, read_costs, write_costs
from pipelines.planning.forecast import Forecast, forecast
from pipelines.planning.layout import Layout, Pool
from pipelines.planning.measure import measure_costs
from pipelines.planning.ray_settings import PoolSettings, RaySettings
from pipelines.planning.resources import Resources, ServerGroup
from pipelines.planning.sizing import Workload
from pipelines.run.totals import Outcome, Totals
from pipelines.stages.table import STAGE_NAMES, get_pool

COSTS = MeasuredCosts(
    n_seeds=50,
    accepted_share=0.9,
    stage_s={"validate": 0.5, "render-speech": 1.5, "render-sounds": 9.0, "mix": 0.75, "write": 0.25},
    stage_cpu_s={"validate": 0.5, "mix": 0.75, "write": 0.25},
    design_wait_s=20.0,
    tokens=Tokens(prompt=10_000, cached=8_000, generated=1_000),
    sample_bytes=SampleBytes(mixes=2e6, stems=3e6, other=1e5),
    reject_bytes=1e4,
    store_bytes=4e6,
)
SIZES = {"design": 1, "speech": 1, "sounds": 3, "mix": 2}
RESERVED = Resources(16, 4)
N_SEEDS = 36_000


def a_layout(*, gpus: float = 1.0, designs: bool = True) -> Layout:
    pools = [
        Pool("design", 1, 1, Resources(1), 4, 60.0, 16),
        Pool("speech", 1, 1, Resources(2, gpus), 16, 60.0, 16),
        Pool("sounds", 3, 3, Resources(2, gpus), 16, 60.0, 16),
        Pool("mix", 2, 2, Resources(1), 4, 60.0, 16),
    ]
    return Layout(tuple(pools if designs else pools[1:]), 64)


def a_forecast(**changed) -> Forecast:
    return forecast(COSTS, a_layout(), SIZES, RESERVED, N_SEEDS, **({"in_flight": 40} | changed))


def test_the_hours_of_stages_are_those_of_the_workers_of_their_pools():
    # 36,000 seeds make one second of each ten hours; a model writes 40 dialogues at once.
    assert [(s.stage, s.pool, s.worker_hours, s.hours) for s in a_forecast().stages] == [
        ("design", "design", 200.0, 5.0),
        ("validate", "speech", 5.0, 5.0),
        ("render-speech", "speech", 15.0, 15.0),
        ("render-sounds", "sounds", 90.0, 30.0),
        ("mix", "mix", 7.5, 3.75),
        ("write", "mix", 2.5, 1.25),
    ]


def test_the_slowest_pool_limits():
    expected = a_forecast()
    assert [(limit.name, limit.hours) for limit in expected.limits] == [
        ("sounds", 30.0),
        ("speech", 20.0),
        ("design", 5.0),
        ("mix", 5.0),
        ("processors", 15 / 16),
    ]
    assert (expected.hours, expected.gpu_hours, expected.cpu_hours) == (30.0, 120.0, 480.0)
    assert expected.busy_gpu_hours == 105.0


def test_workers_on_less_than_a_processor_are_limited_by_the_processors():
    expected = forecast(COSTS, a_layout(), SIZES, Resources(0.25), N_SEEDS, in_flight=40)
    assert (expected.limits[0].name, expected.hours) == ("processors", 60.0)


def test_workers_that_share_a_gpu_are_no_faster_than_it_is():
    expected = forecast(COSTS, a_layout(gpus=0.5), SIZES, RESERVED, N_SEEDS, in_flight=40)
    # 105 hours of rendering on two GPUs.
    assert (expected.limits[0].name, expected.hours) == ("gpus", 52.5)


def test_a_designer_without_a_model_works_where_speech_is_rendered():
    costs = COSTS.model_copy(update={"stage_s": {**COSTS.stage_s, "design": 1.0}})
    expected = forecast(costs, a_layout(designs=False), SIZES, RESERVED, N_SEEDS)
    first = expected.stages[0]
    assert (first.stage, first.pool, first.hours) == ("design", "speech", 10.0)
    assert {limit.name: limit.hours for limit in expected.limits}["speech"] == 30.0


@pytest.mark.parametrize("designs", [True, False])
def test_every_stage_of_the_table_is_in_the_forecast_and_in_the_hours_of_its_pool(designs):
    costs = COSTS.model_copy(update={"stage_s": dict.fromkeys(STAGE_NAMES, 1.0), "design_wait_s": 1.0})
    layout = a_layout(designs=designs)
    expected = forecast(costs, layout, SIZES, Resources(), N_SEEDS)
    assert [stage.stage for stage in expected.stages] == list(STAGE_NAMES)
    assert {stage.worker_hours for stage in expected.stages} == {10.0}
    hours = {pool.name: 0.0 for pool in layout.pools}
    for stage in expected.stages:
        hours[get_pool(stage.stage, designs_ahead=designs)] += stage.hours
    assert {limit.name: limit.hours for limit in expected.limits} == hours


def test_rejected_seeds_cost_time_and_tokens_and_are_stored_as_rejects():
    expected = a_forecast()
    assert (expected.n_seeds, expected.n_samples) == (36_000, 32_400)
    assert expected.tokens == Tokens(prompt=360e6, cached=288e6, generated=36e6)
    rejects = 3_600 * 1e4
    assert expected.storage == {
        "mixes": 32_400 * 2.1e6 + rejects,
        "stems": 32_400 * 3.1e6 + rejects,
        "both": 32_400 * 5.1e6 + rejects,
    }
    assert expected.store_bytes == 32_400 * 4e6


def test_cost_at_prices():
    prices = Prices(
        gpu_hour=2,
        cpu_hour=0.5,
        storage_tb_month=20,
        prompt_tokens_million=0.5,
        cached_tokens_million=0.125,
        generated_tokens_million=2,
    )
    cost = a_forecast(keep="mixes", prices=prices).cost
    assert (cost.gpus, cost.cpus, cost.tokens) == (240.0, 240.0, 72 * 0.5 + 288 * 0.125 + 36 * 2)
    assert cost.storage_month == pytest.approx(20 * (32_400 * 2.1e6 + 36e6) / 1e12)
    assert cost.one_time == 240 + 240 + 144
    same = prices.model_copy(update={"cached_tokens_million": None})
    assert a_forecast(prices=same).cost.tokens == 360 * 0.5 + 36 * 2
    assert a_forecast().cost is None


def test_costs_come_back_from_their_file(tmp_path):
    write_costs(COSTS, tmp_path / "figures.json")
    assert read_costs(tmp_path / "figures.json") == COSTS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "the file: Invalid JSON"),
        ('{"n_seeds": 5}', "accepted_share: Field required"),
        (COSTS.model_dump_json().replace("render-sounds", "renders"), "stage_s.renders"),
    ],
)
def test_a_file_without_costs_is_an_error_with_the_place(tmp_path, content, message):
    (tmp_path / "figures.json").write_text(content)
    with pytest.raises(UserError) as error:
        read_costs(tmp_path / "figures.json")
    assert f"{tmp_path / 'figures.json'}: {message}" in str(error.value)


def an_outcome(accepted: int, rejected: int) -> Outcome:
    usage = Usage(requests=9, prompt_tokens=1200, cached_tokens=800, generated_tokens=80, seconds=16.0)
    totals = Totals(accepted, rejected, {}, {"validate/one-ambience": rejected}, 10.0, usage, {})
    return Outcome(totals, 8, 1.0, StageTimes({"mix": 4.0, "write": 2.0}, {"mix": 3.0}))


def test_costs_are_means_over_the_seeds_of_a_run(tmp_path):
    run = a_run(tmp_path / "run")
    (tmp_path / "run" / "stems" / "ab").mkdir(parents=True)
    (tmp_path / "run" / "stems" / "ab" / "stem.flac").write_bytes(b"x" * 600)
    costs = measure_costs(tmp_path / "run", an_outcome(6, 2))
    assert (costs.n_seeds, costs.accepted_share, costs.design_wait_s) == (8, 0.75, 2.0)
    assert (costs.stage_s, costs.stage_cpu_s) == ({"mix": 0.5, "write": 0.25}, {"mix": 0.375})
    assert costs.tokens == Tokens(prompt=150, cached=100, generated=10)
    assert costs.store_bytes == 100
    files = [file for entry in run.ledger.entries() for file in entry.files]
    shards, rejects = (
        sum(file.n_bytes for file in files if file.path.startswith(kind)) for kind in ("shards", "rejects")
    )
    # What remains of the files is their footers.
    assert 0.8 * shards < 6 * costs.sample_bytes.sum_kept("both") < shards
    assert costs.sample_bytes.stems > 0 < costs.sample_bytes.mixes
    assert costs.reject_bytes == rejects / 2


def test_a_stage_that_the_table_lacks_is_not_measured_in_silence(tmp_path):
    a_run(tmp_path / "run")
    outcome = replace(an_outcome(6, 2), times=StageTimes({"mix": 4.0, "polish": 2.0}))
    with pytest.raises(ValidationError, match="polish"):
        measure_costs(tmp_path / "run", outcome)


def test_a_run_without_samples_has_no_costs(tmp_path):
    with pytest.raises(CopilotError, match=r"8 seeds .*\(8 validate/one-ambience\)"):
        measure_costs(tmp_path, an_outcome(0, 8))


MOST = {"speech": PoolSettings(size=1, cpus=1), "sounds": PoolSettings(size=(1, 4), cpus=1)}
GROWING = RaySettings(pools={**MOST, "mix": PoolSettings(size=1, cpus=1)})


@pytest.mark.parametrize(
    ("settings", "cpus", "n_sounds", "at_max", "reserved"),
    [
        (GROWING, 8, 4, True, 8),
        (GROWING, 4, 1, False, 4),
        (GROWING.model_copy(update={"grows": True}), 4, 4, True, 6),
        (GROWING.model_copy(update={"grows": True}), 8, 4, True, 8),
    ],
)
def test_pools_are_at_their_largest_if_there_is_room(settings, cpus, n_sounds, at_max, reserved):
    allocation = allocate(Workload(), settings, [Resources(cpus)])
    assert (allocation.sizes["sounds"], allocation.at_max) == (n_sounds, at_max)
    assert allocation.reserved == Resources(reserved)
    assert allocation.problem is None


def test_a_problem_names_the_setting_to_change():
    allocation = allocate(Workload(), GROWING, [Resources(2)])
    assert "`ray.pools.speech.size`" in allocation.problem


def test_servers_take_their_gpus_before_the_pools():
    nodes = [Resources(32, 8)]
    workload = Workload(designs=True, speech_on_gpu=True, sounds_on_gpu=True)
    without = allocate(workload, RaySettings(), nodes)
    beside = allocate(workload, RaySettings(), nodes, servers=ServerGroup(2, Resources(2, 2)))
    assert without.sizes["speech"] + without.sizes["sounds"] == 8
    assert beside.sizes["speech"] + beside.sizes["sounds"] == 4
    assert beside.reserved == nodes[0]
    too_many = allocate(workload, RaySettings(), nodes, servers=ServerGroup(2, Resources(2, 5)))
    assert "server 2 of 2" in too_many.problem
    assert "2 CPUs, 5 GPUs" in too_many.problem
