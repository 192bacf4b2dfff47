"""Layouts for clusters of all sizes: if they fit, and the errors if they do not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from copilot.errors import UserError
from pipelines.execution.ray.nodes import check_free, connect
from pipelines.planning.allocation import allocate, check_deadlines
from pipelines.planning.layout import Layout, check_fits
from pipelines.planning.ray_settings import PoolSettings, RaySettings
from pipelines.planning.resources import Resources, ServerGroup
from pipelines.planning.sizing import Workload, create_layout

WITHOUT_GPUS = Workload()
ALL_MODELS = Workload(designs=True, speech_on_gpu=True, sounds_on_gpu=True)


def layout_for(
    workload: Workload, *nodes: Resources, at_once: int | None = None, **settings: object
) -> Layout:
    return create_layout(workload, RaySettings.model_validate(settings), nodes, at_once)


def sizes(layout: Layout) -> dict[str, tuple[int, int]]:
    return {pool.name: (pool.min_size, pool.max_size) for pool in layout.pools}


@pytest.mark.parametrize(
    ("n_cpus", "workers"),
    [
        (1, {"speech": 1, "sounds": 1, "mix": 1}),
        (2, {"speech": 1, "sounds": 2, "mix": 1}),
        (4, {"speech": 1, "sounds": 4, "mix": 2}),
        (64, {"speech": 8, "sounds": 52, "mix": 24}),
    ],
)
def test_workers_of_small_machines_get_fractions_of_processors(n_cpus, workers):
    layout = layout_for(WITHOUT_GPUS, Resources(n_cpus))
    assert sizes(layout) == {name: (n, n) for name, n in workers.items()}
    check_fits(layout, [Resources(n_cpus)])
    assert 0.85 * n_cpus < layout.min_resources.cpus <= 0.9 * n_cpus


@given(
    st.builds(Workload, st.booleans(), st.booleans(), st.booleans()),
    st.integers(1, 256),
    st.integers(0, 16),
)
def test_default_layouts_fit_one_node_if_it_has_the_gpus(workload, n_cpus, n_gpus):
    node = Resources(n_cpus, n_gpus, 2**35)
    layout = layout_for(workload, node)
    if n_gpus or not (workload.speech_on_gpu or workload.sounds_on_gpu):
        check_fits(layout, [node])
    else:
        with pytest.raises(UserError, match=r"need .* GPUs .*, and the cluster has"):
            check_fits(layout, [node])


def test_models_share_the_gpus():
    layout = layout_for(ALL_MODELS, Resources(64, 8))
    assert sizes(layout) == {"design": (1, 1), "speech": (2, 2), "sounds": (6, 6), "mix": (16, 16)}
    assert [pool.per_worker.gpus for pool in layout.pools] == [0, 1, 1, 0]
    one = layout_for(ALL_MODELS, Resources(8, 1))
    assert [pool.per_worker.gpus for pool in one.pools] == [0, 0.5, 0.5, 0]
    assert sizes(layout_for(Workload(sounds_on_gpu=True), Resources(16, 4)))["sounds"] == (4, 4)


def test_settings_override_the_defaults():
    pools = {"sounds": {"size": [2, 9], "cpus": 1.5, "memory_gb": 4, "at_once": 32, "deadline_s": 60}}
    layout = layout_for(WITHOUT_GPUS, Resources(16, memory=2**36), at_once=7, pools=pools, rows_per_shard=10)
    sounds = layout.pool("sounds")
    assert (sounds.min_size, sounds.max_size) == (2, 9)
    assert sounds.per_worker == Resources(1.5, 0, 4 * 2**30)
    assert (sounds.at_once, sounds.deadline_s, layout.rows_per_shard) == (32, 60, 10)
    assert layout.pool("mix").at_once == 7
    with pytest.raises(KeyError, match="design"):
        layout.pool("design")


def test_an_error_names_needs_resources_and_the_setting_to_change():
    layout = layout_for(WITHOUT_GPUS, Resources(4), pools={"sounds": {"size": 8, "cpus": 1}})
    with pytest.raises(
        UserError,
        match=r"8\.0\d+ CPUs \(.*sounds: 8 x 1 CPUs.*\), and the cluster has 4 CPUs; .*"
        r"`ray\.pools\.sounds\.size`.* cpus",
    ):
        check_fits(layout, [Resources(4)])


def test_a_worker_lies_on_one_node():
    nodes = [Resources(4, 1), Resources(4, 1)]
    layout = layout_for(
        Workload(sounds_on_gpu=True), *nodes, pools={"sounds": {"size": 1, "gpus": 2, "cpus": 1}}
    )
    with pytest.raises(UserError, match=r"worker 1 of 1 of pool sounds, .*2 GPUs"):
        check_fits(layout, nodes)
    check_fits(layout, [Resources(8, 2)])


def test_large_workers_are_placed_before_small_ones():
    # In the order of the pools, the small workers would take the room of the large one.
    nodes = [Resources(3), Resources(2)]
    pools = {
        "speech": {"size": 2, "cpus": 1},
        "sounds": {"size": 1, "cpus": 2.5},
        "mix": {"size": 1, "cpus": 0.5},
    }
    settings = RaySettings.model_validate({"pools": pools})
    assert allocate(WITHOUT_GPUS, settings, nodes).problem is None
    assert "of pool mix" in allocate(WITHOUT_GPUS, settings, [Resources(2.4), Resources(2.6)]).problem


def test_workers_for_nodes_to_be_added_get_their_default_processors():
    pools = {name: {"size": 8} for name in ("speech", "sounds", "mix")}
    workload = Workload(sounds_on_gpu=True)
    growing = layout_for(workload, Resources(4, 1), grows=True, pools=pools)
    assert [pool.per_worker.cpus for pool in growing.pools] == [1, 2, 1]
    shared = layout_for(workload, Resources(4, 1), pools=pools)
    assert shared.min_resources.cpus <= 3.6


@pytest.mark.parametrize(
    ("there", "workload", "pools", "named"),
    [
        (Resources(), WITHOUT_GPUS, {"speech": {"size": 2}}, "ray.pools.sounds.size.* no processors yet"),
        (Resources(), ALL_MODELS, {}, "ray.pools.speech.size.* no processors yet"),
        (Resources(8), ALL_MODELS, {"speech": {"size": 2}}, "ray.pools.sounds.size.* no GPUs yet"),
    ],
)
def test_no_size_follows_from_nodes_to_be_added(there, workload, pools, named):
    with pytest.raises(UserError, match=named):
        layout_for(workload, there, grows=True, pools=pools)
    sized = {name: {"size": [1, 4]} for name in ("speech", "sounds", "mix")}
    layout = layout_for(workload, there, grows=True, pools=sized)
    assert layout.pool("mix").per_worker.cpus == 1


def test_a_hung_batch_is_found_before_the_run_ends():
    deadlines = {
        pool.name: pool.deadline_s for pool in layout_for(Workload(designs=True), Resources(4)).pools
    }
    assert deadlines == dict.fromkeys(("design", "speech", "sounds", "mix"), 900)
    # A request of 600 s, and 600 s without any server.
    waiting = Workload(designs=True, design_wait_s=1200)
    deadlines = {pool.name: pool.deadline_s for pool in layout_for(waiting, Resources(4)).pools}
    assert (deadlines["design"], deadlines["speech"]) == (1500, 900)
    assert layout_for(waiting, Resources(4), stall_timeout_s=60).pool("mix").deadline_s == 30


@pytest.mark.parametrize(
    ("pools", "wait_s", "message"),
    [
        (
            {"mix": {"deadline_s": 60}},
            0,
            "`ray.pools.mix.deadline_s` is 60 s, and `ray.stall_timeout_s` is 60 s",
        ),
        (
            {"design": {"deadline_s": 50}},
            50,
            "`ray.pools.design.deadline_s` is 50 s, and `service.patience_s` and `service.timeout_s` are",
        ),
        (
            {},
            60,
            "`ray.stall_timeout_s` is 60 s, and `service.patience_s` and `service.timeout_s` are 60 s",
        ),
    ],
)
def test_deadlines_that_contradict_each_other_are_both_named(pools, wait_s, message):
    settings = RaySettings.model_validate({"stall_timeout_s": 60, "pools": pools})
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        check_deadlines(settings, wait_s)
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        allocate(Workload(designs=True, design_wait_s=wait_s), settings, [Resources(4)])


def test_deadlines_below_the_stall_timeout_stand():
    pools = {"design": {"deadline_s": 51}, "mix": {"deadline_s": 59}}
    settings = RaySettings.model_validate({"stall_timeout_s": 60, "pools": pools})
    layout = allocate(Workload(designs=True, design_wait_s=50), settings, [Resources(4)]).layout
    assert [pool.deadline_s for pool in layout.pools] == [51, 30, 30, 59]


def test_resources_in_use_by_others_are_an_error(monkeypatch):
    allocation = allocate(
        WITHOUT_GPUS, RaySettings(), [Resources(4)] * 2, servers=ServerGroup(1, Resources(1))
    )
    assert allocation.problem is None
    monkeypatch.setattr("pipelines.execution.ray.nodes._WAIT_FOR_FREE_S", 0.0)
    monkeypatch.setattr("pipelines.execution.ray.nodes.list_free", lambda: [Resources(3), Resources(1)])
    with pytest.raises(UserError, match=r"need 6\.\d+ CPUs, and others use 3 CPUs of the .* 8 CPUs"):
        check_free(allocation)


def test_resources_that_become_free_are_awaited(monkeypatch):
    free = [[Resources(1)], [Resources(4)]]
    waited = []
    monkeypatch.setattr("pipelines.execution.ray.nodes.list_free", lambda: free.pop(0))
    monkeypatch.setattr("pipelines.execution.ray.nodes.time.sleep", waited.append)
    check_free(allocate(WITHOUT_GPUS, RaySettings(), [Resources(4)]))
    assert (free, len(waited)) == ([], 1)


def test_ray_client_is_refused(monkeypatch):
    message = r"`ray.address`: ray://head:10001 .*Ray Client.* ray job submit"
    with pytest.raises(UserError, match=message), connect(RaySettings(address="ray://head:10001")):
        pass
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    with pytest.raises(UserError, match=message), connect(RaySettings()):
        pass


@pytest.mark.parametrize(
    ("address", "mode", "hinted"),
    [("head:6379", None, True), ("head:6379", "token", False), (None, None, False)],
)
def test_a_cluster_that_does_not_answer_may_ask_for_a_token(monkeypatch, address, mode, hinted):
    def refuse(*_, **__):
        raise ConnectionError("Failed to connect")

    monkeypatch.setattr("ray.init", refuse)
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    if mode:
        monkeypatch.setenv("RAY_AUTH_MODE", mode)
    with pytest.raises(UserError, match="Failed to connect") as caught, connect(RaySettings(address=address)):
        pass
    assert caught.value.field == ("ray.address" if address else "executor")
    assert ("set RAY_AUTH_MODE=token" in str(caught.value)) is hinted


@pytest.mark.parametrize("size", [0, -1, [0, 2], [3, 2], [1, 2, 3], "many"])
def test_invalid_sizes_are_refused(size):
    with pytest.raises(ValidationError):
        PoolSettings(size=size)


def test_unknown_pools_and_settings_are_refused():
    with pytest.raises(ValidationError, match="effects"):
        RaySettings.model_validate({"pools": {"effects": {"size": 1}}})
    with pytest.raises(ValidationError, match="cpu"):
        RaySettings.model_validate({"pools": {"mix": {"cpu": 1}}})
    with pytest.raises(ValidationError, match="less than or equal to 1024"):
        RaySettings(rows_per_shard=1025)
