"""Plans for clusters of all sizes, and whether they fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipelines.planning.staffing import Servers, check_deadlines, staff
from pydantic import ValidationError

from copilot.errors import UserError
from pipelines.execution.ray.nodes import check_free, connected
from pipelines.planning.layout import Layout, Needs, lay_out
from pipelines.planning.ray_settings import PoolSettings, RaySettings
from pipelines.planning.resources import Resources, check_fits

WITHOUT_GPUS = Needs()
ALL_MODELS = Needs(designs=True, speech_on_gpu=True, sounds_on_gpu=True)


def plan_for(needs: Needs, *nodes: Resources, at_once: int | None = None, **settings: object) -> Layout:
    return lay_out(needs, RaySettings.model_validate(settings), nodes, at_once)


def sizes(plan: Layout) -> dict[str, tuple[int, int]]:
    return {pool.name: (pool.min_size, pool.max_size) for pool in plan.pools}


@pytest.mark.parametrize(
    ("n_cpus", "workers"),
    [
        (1, {"speech": 1, "sounds": 1, "mix": 1}),
        (2, {"speech": 1, "sounds": 2, "mix": 1}),
        (4, {"speech": 1, "sounds": 4, "mix": 2}),
        (64, {"speech": 8, "sounds": 52, "mix": 24}),
    ],
)
def test_small_machines_get_fractions_of_processors(n_cpus, workers):
    plan = plan_for(WITHOUT_GPUS, Resources(n_cpus))
    assert sizes(plan) == {name: (n, n) for name, n in workers.items()}
    check_fits(plan, [Resources(n_cpus)])
    asked = sum(pool.least.cpus for pool in plan.pools)
    assert 0.85 * n_cpus < asked <= 0.9 * n_cpus


@given(
    st.builds(Needs, st.booleans(), st.booleans(), st.booleans()),
    st.integers(1, 256),
    st.integers(0, 16),
)
def test_what_nobody_set_always_fits_one_node_that_has_the_gpus(needs, n_cpus, n_gpus):
    node = Resources(n_cpus, n_gpus, 2**35)
    plan = plan_for(needs, node)
    if n_gpus or not (needs.speech_on_gpu or needs.sounds_on_gpu):
        check_fits(plan, [node])
    else:
        with pytest.raises(UserError, match=r"the plan asks for .* GPUs .*, and the cluster has"):
            check_fits(plan, [node])


def test_models_share_the_gpus():
    plan = plan_for(ALL_MODELS, Resources(64, 8))
    assert sizes(plan) == {"design": (1, 1), "speech": (2, 2), "sounds": (6, 6), "mix": (16, 16)}
    assert [pool.each.gpus for pool in plan.pools] == [0, 1, 1, 0]
    one = plan_for(ALL_MODELS, Resources(8, 1))
    assert [pool.each.gpus for pool in one.pools] == [0, 0.5, 0.5, 0]
    assert sizes(plan_for(Needs(sounds_on_gpu=True), Resources(16, 4)))["sounds"] == (4, 4)


def test_settings_decide_over_what_is_usual():
    pools = {"sounds": {"size": [2, 9], "cpus": 1.5, "memory_gb": 4, "at_once": 32, "deadline_s": 60}}
    plan = plan_for(WITHOUT_GPUS, Resources(16, memory=2**36), at_once=7, pools=pools, rows_per_shard=10)
    sounds = plan.pool("sounds")
    assert (sounds.min_size, sounds.max_size) == (2, 9)
    assert sounds.each == Resources(1.5, 0, 4 * 2**30)
    assert (sounds.at_once, sounds.deadline_s, plan.rows_per_shard) == (32, 60, 10)
    assert plan.pool("mix").at_once == 7
    with pytest.raises(KeyError, match="design"):
        plan.pool("design")


def test_too_much_says_what_is_asked_what_is_there_and_what_to_change():
    plan = plan_for(WITHOUT_GPUS, Resources(4), pools={"sounds": {"size": 8, "cpus": 1}})
    with pytest.raises(
        UserError,
        match=r"asks for 8\.0\d+ CPUs \(.*sounds: 8 x 1 CPUs.*\), and the cluster has 4 CPUs; lower .*"
        r"pools\.sounds\.size.*, or cpus of a worker there, in the file of --config, or add nodes",
    ):
        check_fits(plan, [Resources(4)])


def test_a_worker_lies_on_one_node():
    nodes = [Resources(4, 1), Resources(4, 1)]
    plan = plan_for(Needs(sounds_on_gpu=True), *nodes, pools={"sounds": {"size": 1, "gpus": 2, "cpus": 1}})
    with pytest.raises(UserError, match=r"no node has room for worker 1 of 1 of pool sounds, .*2 GPUs"):
        check_fits(plan, nodes)
    check_fits(plan, [Resources(8, 2)])


def test_large_workers_are_placed_before_small_ones():
    nodes = [Resources(2), Resources(3)]
    pools = {
        "speech": {"size": 2, "cpus": 1},
        "sounds": {"size": 1, "cpus": 2.5},
        "mix": {"size": 1, "cpus": 0.5},
    }
    check_fits(plan_for(WITHOUT_GPUS, *nodes, pools=pools), nodes)


def test_workers_for_nodes_that_are_yet_to_come_get_their_usual_processors():
    pools = {name: {"size": 8} for name in ("speech", "sounds", "mix")}
    needs = Needs(sounds_on_gpu=True)
    growing = plan_for(needs, Resources(4, 1), grows=True, pools=pools)
    assert [pool.each.cpus for pool in growing.pools] == [1, 2, 1]
    shared = plan_for(needs, Resources(4, 1), pools=pools)
    assert sum(pool.least.cpus for pool in shared.pools) <= 3.6


@pytest.mark.parametrize(
    ("there", "needs", "pools", "named"),
    [
        (Resources(), WITHOUT_GPUS, {"speech": {"size": 2}}, "processors yet.* ray.pools.sounds.size"),
        (Resources(), ALL_MODELS, {}, "processors yet.* ray.pools.speech.size"),
        (Resources(8), ALL_MODELS, {"speech": {"size": 2}}, "GPUs yet.* ray.pools.sounds.size"),
    ],
)
def test_no_size_follows_from_nodes_that_are_yet_to_come(there, needs, pools, named):
    with pytest.raises(UserError, match=named):
        plan_for(needs, there, grows=True, pools=pools)
    sized = {name: {"size": [1, 4]} for name in ("speech", "sounds", "mix")}
    assert plan_for(needs, there, grows=True, pools=sized).pool("mix").each.cpus == 1


def test_a_hung_batch_is_found_before_the_run_ends():
    deadlines = {pool.name: pool.deadline_s for pool in plan_for(Needs(designs=True), Resources(4)).pools}
    assert deadlines == dict.fromkeys(("design", "speech", "sounds", "mix"), 900)
    # A request of 600 s, and 600 s without any server.
    waiting = Needs(designs=True, design_waits_s=1200)
    deadlines = {pool.name: pool.deadline_s for pool in plan_for(waiting, Resources(4)).pools}
    assert (deadlines["design"], deadlines["speech"]) == (1500, 900)
    assert plan_for(waiting, Resources(4), stall_timeout_s=60).pool("mix").deadline_s == 30


@pytest.mark.parametrize(
    ("pools", "waits_s", "said"),
    [
        (
            {"mix": {"deadline_s": 60}},
            0,
            r"ray\.pools\.mix\.deadline_s is 60 s, and ray\.stall_timeout_s \(--stall-timeout\) is 60 s: ",
        ),
        (
            {"design": {"deadline_s": 50}},
            50,
            r"ray\.pools\.design\.deadline_s is 50 s, and --llm-patience and --llm-timeout are 50 s together",
        ),
        (
            {},
            60,
            r"ray\.stall_timeout_s .* is 60 s, and --llm-patience and --llm-timeout are 60 s together: ",
        ),
    ],
)
def test_times_that_exclude_one_another_are_both_named(pools, waits_s, said):
    settings = RaySettings.model_validate({"stall_timeout_s": 60, "pools": pools})
    with pytest.raises(UserError, match=f"^{said}"):
        check_deadlines(settings, waits_s)
    with pytest.raises(UserError, match=f"^{said}"):
        staff(Needs(designs=True, design_waits_s=waits_s), settings, [Resources(4)])


def test_times_that_follow_one_another_stand():
    pools = {"design": {"deadline_s": 51}, "mix": {"deadline_s": 59}}
    check_deadlines(RaySettings.model_validate({"stall_timeout_s": 60, "pools": pools}), 50)


def test_what_others_hold_is_told(monkeypatch):
    staffing = staff(WITHOUT_GPUS, RaySettings(), [Resources(4)] * 2, servers=Servers(1, Resources(1)))
    assert staffing.problem is None
    monkeypatch.setattr("pipelines.execution.ray.nodes._GIVEN_BACK_S", 0.0)
    monkeypatch.setattr("pipelines.execution.ray.nodes.free", lambda: [Resources(3), Resources(1)])
    with pytest.raises(
        UserError, match=r"the plan asks for 6\.\d+ CPUs, and others hold 3 CPUs of the .* 8 CPUs"
    ):
        check_free(staffing)


def test_what_is_given_back_is_waited_for(monkeypatch):
    told = [[Resources(1)], [Resources(4)]]
    waited = []
    monkeypatch.setattr("pipelines.execution.ray.nodes.free", lambda: told.pop(0))
    monkeypatch.setattr("pipelines.execution.ray.nodes.time.sleep", waited.append)
    check_free(staff(WITHOUT_GPUS, RaySettings(), [Resources(4)]))
    assert (told, len(waited)) == ([], 1)


def test_ray_client_is_refused(monkeypatch):
    said = r"--ray-address ray://head:10001: .* Ray Client.* ray job submit"
    with pytest.raises(UserError, match=said), connected(RaySettings(address="ray://head:10001")):
        pass
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    with pytest.raises(UserError, match=said), connected(RaySettings()):
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
    where = f"--ray-address {address}" if address else "--executor ray"
    with (
        pytest.raises(UserError, match=f"^{where}: Ray does not .*: Failed to connect") as told,
        connected(RaySettings(address=address)),
    ):
        pass
    assert ("set RAY_AUTH_MODE=token" in str(told.value)) is hinted


@pytest.mark.parametrize("size", [0, -1, [0, 2], [3, 2], [1, 2, 3], "many"])
def test_sizes_that_are_none(size):
    with pytest.raises(ValidationError):
        PoolSettings(size=size)


def test_unknown_pools_and_settings_are_refused():
    with pytest.raises(ValidationError, match="effects"):
        RaySettings.model_validate({"pools": {"effects": {"size": 1}}})
    with pytest.raises(ValidationError, match="cpu"):
        RaySettings.model_validate({"pools": {"mix": {"cpu": 1}}})
    with pytest.raises(ValidationError, match="less than or equal to 1024"):
        RaySettings(rows_per_shard=1025)
