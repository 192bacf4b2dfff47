"""The sizes of the pools: what the settings leave open follows from the run and the cluster's nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from copilot.errors import UserError
from copilot.units import Seconds
from pipelines.planning.layout import Layout, Pool
from pipelines.planning.ray_settings import PoolSettings, RaySettings
from pipelines.planning.resources import Resources, total
from pipelines.stages.table import POOLS, PoolName

_CPU_SHARES: Mapping[PoolName, float] = {"design": 0.1, "speech": 0.1, "sounds": 0.65, "mix": 0.3}
"""About how the processor time of a run without GPUs is divided among the pools."""

_WORKERS_PER_CPU = 1.25
"""More workers than processors, as a worker waits for others now and then."""

_CPUS_LEFT_TO_RAY = 0.1
"""The share of processors that no worker takes: Ray's own processes need some."""

_MIXERS_PER_GPU = 2
_GPU_WORKER_CPUS = 2.0
"""Beside its model, the worker conforms, measures and encodes the sounds of the batch before."""

_AT_ONCE = 4
_AT_ONCE_ON_GPU = 16
_MAX_BATCH = 16
"""Dialogues in a batch, unless the settings give a number: each batch costs Ray and the monitor some work."""


@dataclass(frozen=True, slots=True)
class Workload:
    """The traits of a run that decide its pools: if a language model designs, and which renderers use GPUs.

    `design_wait_s` is how long a dialogue may have to wait for its model.
    """

    designs: bool = False
    speech_on_gpu: bool = False
    sounds_on_gpu: bool = False
    design_wait_s: Seconds = 0.0

    @property
    def pools(self) -> tuple[PoolName, ...]:
        """The pools that the run has, in the order in which dialogues pass them."""
        return tuple(pool for pool in POOLS if pool != "design" or self.designs)

    def uses_gpu(self, pool: PoolName) -> bool:
        """Return whether the workers of a pool render with a model on a GPU."""
        return (pool == "speech" and self.speech_on_gpu) or (pool == "sounds" and self.sounds_on_gpu)

    @property
    def n_gpu_pools(self) -> int:
        """The number of pools whose workers have GPUs."""
        return self.speech_on_gpu + self.sounds_on_gpu


def create_layout(
    workload: Workload, settings: RaySettings, nodes: Sequence[Resources], at_once: int | None
) -> Layout:
    """Return the layout for a cluster of these nodes. `at_once` is the run's setting of that name, if given.

    The layout need not fit the nodes; see `check_fits`. Raises UserError if the size of a pool is open and
    would follow from nodes that a growing cluster has yet to add.
    """
    cluster = total(nodes)
    given = {name: settings.pools.get(name, PoolSettings()) for name in workload.pools}
    if settings.grows:
        _refuse_open_sizes(given, workload, cluster)
    sizes = {name: _decide_size(name, pool, workload, cluster) for name, pool in given.items()}
    cpu_scale = 1.0 if settings.grows else _scale_cpus(given, sizes, workload, cluster)
    pools = [
        Pool(
            name,
            *sizes[name],
            _decide_resources(name, pool, sizes[name][0], workload, cluster, cpu_scale=cpu_scale),
            _decide_at_once(name, pool, at_once, workload),
            pool.deadline_s or _default_deadline_s(name, workload, settings),
            pool.at_once or at_once or (_AT_ONCE if name == "design" else _MAX_BATCH),
        )
        for name, pool in given.items()
    ]
    return Layout(tuple(pools), settings.rows_per_shard)


def _refuse_open_sizes(
    given: Mapping[PoolName, PoolSettings], workload: Workload, cluster: Resources
) -> None:
    open_pools = [name for name, pool in given.items() if pool.size is None and name != "design"]
    if not cluster.cpus:
        missing = "processors"
    elif workload.n_gpu_pools and not cluster.gpus:
        missing = "GPUs"
    else:
        return
    if open_pools:
        raise UserError(
            f"the cluster grows and has no {missing} yet, so the size of pool {open_pools[0]} cannot follow "
            "from them; set it in the configuration file",
            field=f"ray.pools.{open_pools[0]}.size",
        )


def _decide_size(
    name: PoolName, given: PoolSettings, workload: Workload, cluster: Resources
) -> tuple[int, int]:
    if isinstance(given.size, tuple):
        return given.size
    size = given.size or _default_size(name, workload, cluster)
    return size, size


def _default_size(name: PoolName, workload: Workload, cluster: Resources) -> int:
    n_gpus = int(cluster.gpus)
    if name == "design":
        return 1
    if workload.uses_gpu(name):
        if workload.n_gpu_pools == 1:
            return max(1, n_gpus)
        # Both on GPUs: effects, music and ambience take the larger part of the time.
        n_speech = max(1, n_gpus // 4)
        return n_speech if name == "speech" else max(1, n_gpus - n_speech)
    if workload.n_gpu_pools:
        return max(1, min(int(cluster.cpus), _MIXERS_PER_GPU * max(n_gpus, 1))) if name == "mix" else 1
    return max(1, math.ceil(_CPU_SHARES[name] * cluster.cpus * _WORKERS_PER_CPU))


def _decide_resources(
    name: PoolName,
    given: PoolSettings,
    size: int,
    workload: Workload,
    cluster: Resources,
    *,
    cpu_scale: float,
) -> Resources:
    cpus = given.cpus if given.cpus is not None else _round_down(_default_cpus(name, workload) * cpu_scale)
    gpus = given.gpus if given.gpus is not None else _default_gpus(name, size, workload, cluster)
    return Resources(cpus, gpus, (given.memory_gb or 0.0) * 2**30)


def _default_gpus(name: PoolName, size: int, workload: Workload, cluster: Resources) -> float:
    if not workload.uses_gpu(name):
        return 0.0
    # With a single GPU and two kinds of models, they share it.
    shared = cluster.gpus < size or (cluster.gpus < 2 and workload.n_gpu_pools == 2)
    return 0.5 if shared else 1.0


def _default_cpus(name: PoolName, workload: Workload) -> float:
    return _GPU_WORKER_CPUS if workload.uses_gpu(name) else 1.0


def _decide_at_once(name: PoolName, given: PoolSettings, at_once: int | None, workload: Workload) -> int:
    return given.at_once or at_once or (_AT_ONCE_ON_GPU if workload.uses_gpu(name) else _AT_ONCE)


def _default_deadline_s(name: PoolName, workload: Workload, settings: RaySettings) -> Seconds:
    """Return the middle between the longest wait of a batch and the end of the run: time for a retry."""
    wait_s = workload.design_wait_s if name == "design" else 0.0
    return (wait_s + settings.stall_timeout_s) / 2


def _scale_cpus(
    given: Mapping[PoolName, PoolSettings],
    sizes: Mapping[PoolName, tuple[int, int]],
    workload: Workload,
    cluster: Resources,
) -> float:
    """Return the share, at most 1, of the default processors that a worker gets if the settings give none."""
    fixed = sum(sizes[name][0] * pool.cpus for name, pool in given.items() if pool.cpus is not None)
    wanted = sum(
        sizes[name][0] * _default_cpus(name, workload) for name, pool in given.items() if pool.cpus is None
    )
    left = max(cluster.cpus * (1 - _CPUS_LEFT_TO_RAY) - fixed, 0.0)
    return min(left / wanted, 1.0) if wanted else 1.0


def _round_down(cpus: float) -> float:
    """Round to a thousandth, down, so that the sum still fits; Ray counts in ten-thousandths."""
    return max(math.floor(cpus * 1000) / 1000, 0.001)
