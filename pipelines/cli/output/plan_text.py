"""A plan and its forecast as lines and tables for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.filesize import decimal
from rich.table import Table

from copilot.vocabulary import Keep
from pipelines.cli.output.tables import create_table
from pipelines.planning.allocation import Allocation
from pipelines.planning.costs import MeasuredCosts
from pipelines.planning.forecast import Cost, Forecast, Limit, StageHours
from pipelines.planning.layout import Pool

Row = tuple[str, ...]


def describe_allocation(allocation: Allocation, *, grows: bool) -> Iterator[str | Table]:
    """Yield the pools, the nodes, and if there is room for the pools."""
    rows: list[Row] = [
        (pool.name, _format_workers(pool), str(pool.per_worker), str(pool.at_once), f"{pool.deadline_s:g} s")
        for pool in allocation.layout.pools
    ]
    if allocation.servers:
        rows.append(("servers", str(allocation.servers.n), str(allocation.servers.per_server), "", ""))
    columns = ("pool", "workers", "each takes", "batch", "deadline")
    yield create_table(columns, rows, right=("workers", "batch", "deadline"))
    yield f"samples in a shard, at most: {allocation.layout.rows_per_shard}"
    kinds = Counter(str(node) for node in allocation.nodes)
    nodes = "; ".join(f"{n} x {node}" for node, n in kinds.items()) or "none"
    yield f"nodes: {nodes}"
    yield f"needed at least: {allocation.min_resources}: {_describe_room(allocation, grows=grows)}"


def _format_workers(pool: Pool) -> str:
    if pool.min_size == pool.max_size:
        return str(pool.min_size)
    return f"{pool.min_size} to {pool.max_size}"


def _describe_room(allocation: Allocation, *, grows: bool) -> str:
    if allocation.problem:
        return "does not fit yet; the run waits for more nodes" if grows else "does not fit"
    if all(pool.min_size == pool.max_size for pool in allocation.layout.pools):
        return "fits"
    return f"fits; the forecast is for the {'most' if allocation.at_max else 'fewest'} workers"


def describe_costs(costs: MeasuredCosts) -> Iterator[str]:
    """Yield the source of the costs, and the time of a seed."""
    yield (
        f"costs: measured on {costs.n_seeds:,} seeds ({costs.accepted_share:.1%} accepted); per seed "
        f"{sum(costs.stage_s.values()):.3g} worker seconds, {sum(costs.stage_cpu_s.values()):.3g} CPU seconds"
    )


def describe_forecast(expected: Forecast, keep: Keep) -> Iterator[str | Table]:
    """Yield the time, the resources and the cost of a run."""
    yield f"{expected.n_seeds:,} seeds give about {expected.n_samples:,} samples"
    yield ""
    columns = ("stage", "pool", "worker hours", "hours")
    yield create_table(columns, [_format_stage(stage) for stage in expected.stages], right=columns[2:])
    yield ""
    slowest = expected.limits[0]
    yield f"hours: {_format_hours(slowest.hours)}, limited by {_describe_limit(slowest, expected.stages)}"
    others = ", ".join(f"{limit.name} {_format_hours(limit.hours)}" for limit in expected.limits[1:])
    yield f"the other limits: {others}"
    if expected.reserved.gpus:
        share = expected.busy_gpu_hours / expected.gpu_hours if expected.gpu_hours else 0.0
        yield (
            f"GPU hours: {_format_number(expected.gpu_hours)} of {expected.reserved.gpus:g} GPUs, "
            f"{share:.0%} of them rendering"
        )
    yield f"CPU hours: {_format_number(expected.cpu_hours)} of {expected.reserved.cpus:.4g} CPUs"
    tokens = expected.tokens
    if tokens.prompt or tokens.generated:
        yield (
            f"tokens: {_format_number(tokens.prompt)} in prompts ({_format_number(tokens.cached)} cached), "
            f"{_format_number(tokens.generated)} generated"
        )
    if tokens.generated and expected.hours:
        rate = tokens.generated / expected.hours / 3600
        yield f"the language model servers must generate {_format_number(rate)} tokens per second"
    sizes = ", ".join(f"{kind} {decimal(round(size))}" for kind, size in expected.storage.items())
    yield f"storage: {sizes}; this run: --keep {keep}"
    if expected.store_bytes:
        store = decimal(round(expected.store_bytes))
        yield f"stem store: up to {store}, less if sounds are shared"
    if expected.cost:
        yield from _describe_cost(expected.cost)


def _format_stage(row: StageHours) -> Row:
    return row.stage, row.pool, _format_number(row.worker_hours), _format_number(row.hours)


def _describe_limit(limit: Limit, stages: Sequence[StageHours]) -> str:
    """Return the name of a limit, and its slowest stage."""
    own = [stage for stage in stages if stage.pool == limit.name]
    if not own:
        return limit.name
    most = max(own, key=lambda stage: stage.hours)
    return f"pool {limit.name}, mostly by {most.stage}"


def _describe_cost(cost: Cost) -> Iterator[str]:
    yield (
        f"cost: {cost.one_time:,.2f} (GPUs {cost.gpus:,.2f}, CPUs {cost.cpus:,.2f}, "
        f"tokens {cost.tokens:,.2f}), and {cost.storage_month:,.2f} a month for storage"
    )


def _format_hours(hours: float) -> str:
    return f"{_format_number(hours)} h" + (f" ({hours / 24:,.1f} days)" if hours >= 48 else "")


def _format_number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
