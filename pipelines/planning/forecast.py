"""The forecast of a run: hours, GPU hours, tokens, storage and money, from costs measured on a few dialogues.

Arithmetic alone. Every seed costs its share, rejected or not; only accepted ones are stored as samples. The
hours are those of a run at full speed: start-up and the end of each wave are not counted.
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
from pipelines.stages.table import STAGES, PoolName, get_pool

_RENDERING = frozenset(stage.name for stage in STAGES if stage.renders)

_MILLION = 1e6
_TERA = 1e12
_HOUR_S: Seconds = 3600.0


@dataclass(frozen=True, slots=True)
class StageHours:
    """The hours of one stage: of all workers together, and on the clock with the workers of its pool."""

    stage: str
    pool: PoolName
    worker_hours: float
    hours: float


@dataclass(frozen=True, slots=True)
class Limit:
    """A lower bound of the hours of a run: a pool, `processors` or `gpus`, and its hours."""

    name: str
    hours: float


@dataclass(frozen=True, slots=True)
class Cost:
    """The price of a run; `storage_month` is paid every month as long as the samples are kept."""

    gpus: float
    cpus: float
    tokens: float
    storage_month: float

    @property
    def one_time(self) -> float:
        """The price of everything but the storage."""
        return self.gpus + self.cpus + self.tokens


@dataclass(frozen=True, slots=True)
class Forecast:
    """The costs of a number of seeds.

    `limits` has the slowest first, whose hours are those of the run. GPU and CPU hours are of the `reserved`
    resources for all that time; in `busy_gpu_hours` of them sounds are rendered. `storage` is bytes by what
    is kept, `store_bytes` those of the stem store if no two sounds are the same.
    """

    n_seeds: int
    n_samples: int
    stages: tuple[StageHours, ...]
    limits: tuple[Limit, ...]
    reserved: Resources
    gpu_hours: float
    busy_gpu_hours: float
    cpu_hours: float
    tokens: Tokens
    storage: Mapping[Keep, float]
    store_bytes: float
    cost: Cost | None

    @property
    def hours(self) -> float:
        """The hours that the run takes."""
        return self.limits[0].hours


def forecast(
    costs: MeasuredCosts,
    layout: Layout,
    sizes: Mapping[PoolName, int],
    reserved: Resources,
    n_seeds: int,
    *,
    keep: Keep = "both",
    in_flight: int = 1,
    prices: Prices | None = None,
) -> Forecast:
    """Return the forecast for `n_seeds`, with `sizes` workers in the pools, on the `reserved` resources.

    `in_flight` is how many dialogues a language model writes at once, if a pool designs.
    """
    stages = tuple(_forecast_stages(costs, layout, sizes, n_seeds, in_flight))
    on_gpu = [pool for pool in layout.pools if pool.per_worker.gpus]
    limits = [Limit(pool.name, sum(s.hours for s in stages if s.pool == pool.name)) for pool in layout.pools]
    cpu_s = sum(costs.stage_cpu_s.values()) * n_seeds
    if reserved.cpus:
        limits.append(Limit("processors", cpu_s / _HOUR_S / reserved.cpus))
    names = {pool.name for pool in on_gpu}
    rendering_hours = sum(s.worker_hours for s in stages if s.pool in names and s.stage in _RENDERING)
    if any(pool.per_worker.gpus < 1 for pool in on_gpu):
        # Workers that share a GPU are together no faster than the GPU.
        n_gpus = sum(sizes[pool.name] * pool.per_worker.gpus for pool in on_gpu)
        limits.append(Limit("gpus", rendering_hours / n_gpus))
    limits.sort(key=lambda limit: -limit.hours)
    hours = limits[0].hours
    n_samples = round(n_seeds * costs.accepted_share)
    tokens = Tokens(**{name: n * n_seeds for name, n in costs.tokens.model_dump().items()})
    rejects = (n_seeds - n_samples) * costs.reject_bytes
    storage: dict[Keep, float] = {
        kind: n_samples * costs.sample_bytes.sum_kept(kind) + rejects for kind in get_args(Keep)
    }
    return Forecast(
        n_seeds=n_seeds,
        n_samples=n_samples,
        stages=stages,
        limits=tuple(limits),
        reserved=reserved,
        gpu_hours=reserved.gpus * hours,
        busy_gpu_hours=rendering_hours,
        cpu_hours=reserved.cpus * hours,
        tokens=tokens,
        storage=storage,
        store_bytes=n_samples * costs.store_bytes,
        cost=_price(prices, reserved, hours, tokens, storage[keep]) if prices else None,
    )


def _forecast_stages(
    costs: MeasuredCosts, layout: Layout, sizes: Mapping[PoolName, int], n_seeds: int, in_flight: int
) -> Iterator[StageHours]:
    designs_ahead = any(pool.name == "design" for pool in layout.pools)
    for stage in STAGES:
        pool = get_pool(stage.name, designs_ahead=designs_ahead)
        if pool == "design":
            # Its workers only wait; the time depends on how many dialogues are written at once.
            hours = costs.design_wait_s * n_seeds / _HOUR_S
            yield StageHours(stage.name, pool, hours, hours / in_flight)
        elif stage.name in costs.stage_s:
            hours = costs.stage_s[stage.name] * n_seeds / _HOUR_S
            yield StageHours(stage.name, pool, hours, hours / sizes[pool])


def _price(prices: Prices, reserved: Resources, hours: float, tokens: Tokens, stored_bytes: float) -> Cost:
    cached = prices.cached_tokens_million
    paid = (
        (tokens.prompt - tokens.cached) * prices.prompt_tokens_million
        + tokens.cached * (prices.prompt_tokens_million if cached is None else cached)
        + tokens.generated * prices.generated_tokens_million
    )
    return Cost(
        gpus=reserved.gpus * hours * prices.gpu_hour,
        cpus=reserved.cpus * hours * prices.cpu_hour,
        tokens=paid / _MILLION,
        storage_month=stored_bytes / _TERA * prices.storage_tb_month,
    )
