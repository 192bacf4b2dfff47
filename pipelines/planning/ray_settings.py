"""Settings of a run on Ray, as a configuration file gives them."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, field_validator

from copilot.frozen_model import FrozenModel
from copilot.units import Seconds
from pipelines.stages.table import PoolName


class PoolSettings(FrozenModel):
    """Settings of a pool; None for what is decided when the run starts.

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
    def _check_size(cls, size: int | tuple[int, int] | None) -> int | tuple[int, int] | None:
        fewest, most = size if isinstance(size, tuple) else (size or 1, size or 1)
        if size == 0 or not 1 <= fewest <= most:
            raise ValueError("must be a positive number of workers, or [FEWEST, MOST]")
        return size


class RaySettings(FrozenModel):
    """Settings of the Ray executor: the cluster, the pools, and the limits of time and size.

    `address` names a cluster (`auto`: the one that this machine belongs to); if it is None, Ray is started on
    this machine, with `cpus` of its processors. A cluster that `grows` may add missing nodes later.
    `rows_per_shard` is the most rows of a shard, `stall_timeout_s` how long a run may make no progress,
    `wave` how many seeds Ray is given at once: its bookkeeping grows with them, and is dropped after each
    wave.
    """

    address: str | None = None
    cpus: int | None = Field(default=None, ge=1)
    grows: bool = False
    rows_per_shard: int = Field(default=64, ge=1, le=1024)
    stall_timeout_s: Seconds = Field(default=1800.0, gt=0)
    wave: int = Field(default=65_536, ge=1)
    pools: Mapping[PoolName, PoolSettings] = Field(default_factory=dict)
