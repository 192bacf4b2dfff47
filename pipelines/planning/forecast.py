"""What a run will take: hours, GPU hours, tokens, storage, cost, from figures of dialogues that were made.

Arithmetic alone. Every seed costs its share, rejected or not; only what is accepted is stored as a sample.
The hours are those of a run under way: starting up, and the last seeds of each wave, are not in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from copilot.units import Seconds
from copilot.vocabulary import Keep
from pipelines.planning.costs import MeasuredCosts, Prices, Tokens
from pipelines.planning.layout import Layout
from pipelines.planning.resources import Resources
from pipelines.stages.table import STAGES, PoolName, pool_of

_RENDERS = frozenset(stage.name for stage in STAGES if stage.renders)

_MILLION = 1e6
_TERA = 1e12
_HOUR_S: Seconds = 3600.0


@dataclass(frozen=True, slots=True)
class StageHours:
    """Of one stage: the hours of all workers together, and of the clock with the workers of its pool."""

    stage: str
    pool: PoolName
    worker_hours: float
    hours: float


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that a run cannot be faster than: a pool, `processors` or `gpus`, and its hours."""

    name: str
    hours: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run costs; `storage_month` goes on for as long as its samples are kept."""

    gpus: float
    cpus: float
    tokens: float
    storage_month: float

    @property
    def once(self) -> float:
        """Everything but the storage."""
        return self.gpus + self.cpus + self.tokens


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a number of seeds takes.

    `limits` has the slowest first, whose hours are those of the run. GPU and CPU hours are of what is `held`
    for all that time, `busy_gpu_hours` of those in which sounds are rendered. `storage` is bytes by what is
    kept, `store_bytes` those of the stem store where no two sounds are the same.
    """

    n_seeds: int
    n_samples: int
    stages: tuple[StageHours, ...]
    limits: tuple[Limit, ...]
    held: Resources
    gpu_hours: float
    busy_gpu_hours: float
    cpu_hours: float
    tokens: Tokens
    storage: Mapping[Keep, float]
    store_bytes: float
    cost: Cost | None

    @property
    def hours(self) -> float:
        """How long it takes."""
        return self.limits[0].hours


def forecast(
    figures: MeasuredCosts,
    plan: Layout,
    sizes: Mapping[PoolName, int],
    held: Resources,
    n_seeds: int,
    *,
    keep: Keep = "both",
    in_flight: int = 1,
    prices: Prices | None = None,
) -> Forecast:
    """What `n_seeds` take with so many workers in each pool of the plan, on what is held for them.

    `in_flight` is how many dialogues a language model writes at once, where a pool designs.
    """
    stages = tuple(_stages(figures, plan, sizes, n_seeds, in_flight))
    on_gpu = [pool for pool in plan.pools if pool.each.gpus]
    limits = [Limit(pool.name, sum(s.hours for s in stages if s.pool == pool.name)) for pool in plan.pools]
    cpu_s = sum(figures.stage_cpu_s.values()) * n_seeds
    if held.cpus:
        limits.append(Limit("processors", cpu_s / _HOUR_S / held.cpus))
    names = {pool.name for pool in on_gpu}
    rendering_hours = sum(s.worker_hours for s in stages if s.pool in names and s.stage in _RENDERS)
    if any(pool.each.gpus < 1 for pool in on_gpu):
        # Workers that share a GPU are no faster together than it is.
        n_gpus = sum(sizes[pool.name] * pool.each.gpus for pool in on_gpu)
        limits.append(Limit("gpus", rendering_hours / n_gpus))
    limits.sort(key=lambda limit: -limit.hours)
    hours = limits[0].hours
    n_samples = round(n_seeds * figures.accepted_share)
    tokens = Tokens(**{name: figure * n_seeds for name, figure in figures.tokens.model_dump().items()})
    rejects = (n_seeds - n_samples) * figures.reject_bytes
    storage: dict[Keep, float] = {
        kind: n_samples * figures.sample_bytes.kept(kind) + rejects for kind in get_args(Keep)
    }
    return Forecast(
        n_seeds=n_seeds,
        n_samples=n_samples,
        stages=stages,
        limits=tuple(limits),
        held=held,
        gpu_hours=held.gpus * hours,
        busy_gpu_hours=rendering_hours,
        cpu_hours=held.cpus * hours,
        tokens=tokens,
        storage=storage,
        store_bytes=n_samples * figures.store_bytes,
        cost=_cost(prices, held, hours, tokens, storage[keep]) if prices else None,
    )


def _stages(
    figures: MeasuredCosts, plan: Layout, sizes: Mapping[PoolName, int], n_seeds: int, in_flight: int
) -> Iterator[StageHours]:
    there = {pool.name for pool in plan.pools}
    for stage in (spec.name for spec in STAGES):
        pool = pool_of(stage, designs_ahead="design" in there)
        if pool == "design":
            # Its workers only wait: how many dialogues are written at once is what counts.
            hours = figures.design_wait_s * n_seeds / _HOUR_S
            yield StageHours(stage, pool, hours, hours / in_flight)
        elif stage in figures.stage_s:
            hours = figures.stage_s[stage] * n_seeds / _HOUR_S
            yield StageHours(stage, pool, hours, hours / sizes[pool])


def _cost(prices: Prices, held: Resources, hours: float, tokens: Tokens, stored_bytes: float) -> Cost:
    cached = prices.cached_tokens_million
    paid = (
        (tokens.prompt - tokens.cached) * prices.prompt_tokens_million
        + tokens.cached * (prices.prompt_tokens_million if cached is None else cached)
        + tokens.generated * prices.generated_tokens_million
    )
    return Cost(
        gpus=held.gpus * hours * prices.gpu_hour,
        cpus=held.cpus * hours * prices.cpu_hour,
        tokens=paid / _MILLION,
        storage_month=stored_bytes / _TERA * prices.storage_tb_month,
    )
