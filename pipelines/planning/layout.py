"""How a run is laid out on Ray: four pools of workers, and what each worker takes of the cluster.

What the settings leave open is decided from what the run needs and what the cluster has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from copilot.errors import UserError
from copilot.units import Seconds
from pipelines.planning.ray_settings import PoolSettings, RaySettings
from pipelines.planning.resources import Resources, total
from pipelines.stages.table import PoolName

_COST: Mapping[PoolName, float] = {"design": 0.1, "speech": 0.1, "sounds": 0.65, "mix": 0.3}
"""About how the processor time of a run without GPUs is shared out."""

_WORKERS_PER_CPU = 1.25
"""Some more than there are processors: now and then one waits for the others."""

_CPUS_LEFT = 0.1
"""The share of processors that nobody asks for: Ray's own work needs some."""

_MIXERS_PER_GPU = 2
_GPU_WORKER_CPUS = 2.0
"""Beside the model, its worker conforms, measures and encodes what came before."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What of a run decides its pools: whether a language model designs, and which renderers use GPUs.

    `design_waits_s` is how long a dialogue may have to wait for its model.
    """

    designs: bool = False
    speech_on_gpu: bool = False
    sounds_on_gpu: bool = False
    design_waits_s: Seconds = 0.0


@dataclass(frozen=True, slots=True)
class Pool:
    """Workers of one kind: the fewest and the most, what each takes, and how it works."""

    name: PoolName
    min_size: int
    max_size: int
    each: Resources
    at_once: int
    deadline_s: Seconds
    most_in_batch: int

    def batch(self, n_seeds: int) -> int:
        """How many dialogues a worker is given as one batch, in a run of so many: each has to get some.

        They are in the stages `at_once` at a time.
        """
        return max(self.at_once, min(self.most_in_batch, n_seeds // (4 * self.max_size)))

    @property
    def least(self) -> Resources:
        """What its fewest workers take together."""
        return self.each * self.min_size


@dataclass(frozen=True, slots=True)
class Layout:
    """The pools in the order in which dialogues pass them."""

    pools: tuple[Pool, ...]
    rows_per_shard: int

    def pool(self, name: PoolName) -> Pool:
        """The pool of that name. Raises KeyError where the plan has none."""
        return next((pool for pool in self.pools if pool.name == name), None) or _no_pool(name)


def _no_pool(name: str) -> Pool:
    raise KeyError(name)


_AT_ONCE = 4
_AT_ONCE_ON_GPU = 16
_BATCH = 16
"""Dialogues in a batch, unless somebody said how many: each batch costs Ray and the watch some work."""


def lay_out(needs: Needs, settings: RaySettings, nodes: Sequence[Resources], at_once: int | None) -> Layout:
    """The plan for what the cluster has. `at_once` is the number of dialogues that a worker was told to take.

    Nothing is said of whether it fits: settings may ask for more than there is. Raises UserError where the
    size of a pool is open, and what it is reckoned from is yet to come.
    """
    there = total(nodes)
    names: list[PoolName] = ["design", "speech", "sounds", "mix"]
    if not needs.designs:
        names.remove("design")
    on_gpu: dict[PoolName, bool] = {"speech": needs.speech_on_gpu, "sounds": needs.sounds_on_gpu}
    told = {name: settings.pools.get(name, PoolSettings()) for name in names}
    if settings.grows:
        _refuse_open_sizes(told, on_gpu, there)
    sizes = {name: _size(name, told[name], on_gpu, there) for name in names}
    share = 1.0 if settings.grows else _share(told, sizes, on_gpu, there)
    pools = []
    for name in names:
        given, (fewest, most) = told[name], sizes[name]
        gpus = given.gpus if given.gpus is not None else _gpus(name, on_gpu, there, fewest)
        cpus = given.cpus if given.cpus is not None else _rounded(_usual_cpus(name, on_gpu) * share)
        each = Resources(cpus, gpus, (given.memory_gb or 0.0) * 2**30)
        usual = _AT_ONCE_ON_GPU if on_gpu.get(name) else _AT_ONCE
        told_at_once = given.at_once or at_once
        deadline_s = given.deadline_s or _usual_deadline_s(name, needs, settings)
        most_in_batch = told_at_once or (_AT_ONCE if name == "design" else _BATCH)
        pools.append(Pool(name, fewest, most, each, told_at_once or usual, deadline_s, most_in_batch))
    return Layout(tuple(pools), settings.rows_per_shard)


def _usual_deadline_s(name: PoolName, needs: Needs, settings: RaySettings) -> Seconds:
    """Halfway between what a batch may have to wait and the end of the run: time to be tried elsewhere."""
    waits_s = needs.design_waits_s if name == "design" else 0.0
    return (waits_s + settings.stall_timeout_s) / 2


def _refuse_open_sizes(
    told: Mapping[PoolName, PoolSettings], on_gpu: Mapping[PoolName, bool], there: Resources
) -> None:
    lacking = "processors" if not there.cpus else "GPUs" if any(on_gpu.values()) and not there.gpus else None
    name = next((name for name, given in told.items() if given.size is None and name != "design"), None)
    if lacking and name:
        raise UserError(
            f"--executor ray: the cluster grows and has no {lacking} yet, from which the size of pool {name} "
            f"would follow; set ray.pools.{name}.size in the file of --config"
        )


def _size(
    name: PoolName, given: PoolSettings, on_gpu: Mapping[PoolName, bool], there: Resources
) -> tuple[int, int]:
    if isinstance(given.size, tuple):
        return given.size
    size = given.size or _usual_size(name, on_gpu, there)
    return size, size


def _usual_size(name: PoolName, on_gpu: Mapping[PoolName, bool], there: Resources) -> int:
    n_gpus = int(there.gpus)
    if name == "design":
        return 1
    if on_gpu.get(name):
        if not all(on_gpu.values()):
            return max(1, n_gpus)
        # Both on GPUs: effects, music and ambience take the larger part of the time.
        n_speech = max(1, n_gpus // 4)
        return n_speech if name == "speech" else max(1, n_gpus - n_speech)
    if any(on_gpu.values()):
        return max(1, min(int(there.cpus), _MIXERS_PER_GPU * max(n_gpus, 1))) if name == "mix" else 1
    return max(1, math.ceil(_COST[name] * there.cpus * _WORKERS_PER_CPU))


def _gpus(name: PoolName, on_gpu: Mapping[PoolName, bool], there: Resources, size: int) -> float:
    if not on_gpu.get(name):
        return 0.0
    # One GPU, and both kinds of models: they share it.
    return 0.5 if there.gpus < 2 and all(on_gpu.values()) else 1.0 if there.gpus >= size else 0.5


def _usual_cpus(name: PoolName, on_gpu: Mapping[PoolName, bool]) -> float:
    return _GPU_WORKER_CPUS if on_gpu.get(name) else 1.0


def _share(
    told: Mapping[PoolName, PoolSettings],
    sizes: Mapping[PoolName, tuple[int, int]],
    on_gpu: Mapping[PoolName, bool],
    there: Resources,
) -> float:
    """How much of its usual processors a worker gets, where the settings leave them open: at most all."""
    fixed = sum(sizes[name][0] * given.cpus for name, given in told.items() if given.cpus is not None)
    wanted = sum(
        sizes[name][0] * _usual_cpus(name, on_gpu) for name, given in told.items() if given.cpus is None
    )
    left = max(there.cpus * (1 - _CPUS_LEFT) - fixed, 0.0)
    return min(left / wanted, 1.0) if wanted else 1.0


def _rounded(cpus: float) -> float:
    """Ray counts in ten-thousandths; rounded down, so that the sum still fits."""
    return max(math.floor(cpus * 1000) / 1000, 0.001)
