"""How a run is laid out on Ray: four pools of workers, and what each worker takes of the cluster.

What the settings leave open is decided from what the run needs and what the cluster has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, field_validator

from copilot.errors import UserError
from copilot.scene import Frozen
from copilot.units import Seconds
from pipelines.planning.resources import Resources, total

PoolName = Literal["design", "speech", "sounds", "mix"]
"""`design` asks a language model, and is there with such a designer alone; `speech` validates, casts and
renders speech; `sounds` renders the rest; `mix` mixes, checks and commits."""

_COST: Mapping[PoolName, float] = {"design": 0.1, "speech": 0.1, "sounds": 0.65, "mix": 0.3}
"""About how the processor time of a run without GPUs is shared out."""

_WORKERS_PER_CPU = 1.25
"""Some more than there are processors: now and then one waits for the others."""

_CPUS_LEFT = 0.1
"""The share of processors that nobody asks for: Ray's own work needs some."""

_MIXERS_PER_GPU = 2
_GPU_WORKER_CPUS = 2.0
"""Beside the model, its worker conforms, measures and encodes what came before."""


class PoolSettings(Frozen):
    """What a configuration says of a pool; None where it leaves that open.

    `size` is a number of workers, or the fewest and the most. `cpus`, `gpus` and `memory_gb` are of one
    worker, `at_once` the dialogues in its stages together, `deadline_s` how long a batch may take: less than
    the stall time-out.
    """

    size: int | tuple[int, int] | None = None
    cpus: float | None = Field(default=None, gt=0)
    gpus: float | None = Field(default=None, ge=0)
    memory_gb: float | None = Field(default=None, gt=0)
    at_once: int | None = Field(default=None, ge=1, le=256)
    deadline_s: Seconds | None = Field(default=None, gt=0)

    @field_validator("size")
    @classmethod
    def _sizes(cls, size: int | tuple[int, int] | None) -> int | tuple[int, int] | None:
        fewest, most = size if isinstance(size, tuple) else (size or 1, size or 1)
        if size == 0 or not 1 <= fewest <= most:
            raise ValueError("is no number of workers, nor the fewest and the most of them")
        return size


class RaySettings(Frozen):
    """Where and how a run is laid out.

    `address` names a cluster (`auto` the one that this machine belongs to); without it Ray is started on
    this machine, with `cpus` of its processors. A cluster that `grows` may get the nodes that the plan lacks
    later. `rows_per_shard` is the most rows of a shard, `stall_timeout_s` how long nothing may happen, `wave`
    how many seeds Ray is given at once: its bookkeeping grows with them, and is dropped after each wave.
    """

    address: str | None = None
    cpus: int | None = Field(default=None, ge=1)
    grows: bool = False
    rows_per_shard: int = Field(default=64, ge=1, le=1024)
    stall_timeout_s: Seconds = Field(default=1800.0, gt=0)
    wave: int = Field(default=65_536, ge=1)
    pools: Mapping[PoolName, PoolSettings] = Field(default_factory=dict)


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
class Plan:
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


def lay_out(needs: Needs, settings: RaySettings, nodes: Sequence[Resources], at_once: int | None) -> Plan:
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
    return Plan(tuple(pools), settings.rows_per_shard)


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
