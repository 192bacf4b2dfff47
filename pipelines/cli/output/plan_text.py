"""A plan and its forecast in lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from copilot.vocabulary import Keep
from pipelines.cli.output.sizes import size_text
from pipelines.planning.allocation import Allocation
from pipelines.planning.costs import MeasuredCosts
from pipelines.planning.forecast import Cost, Forecast, Limit, StageHours
from pipelines.planning.layout import Pool

Row = tuple[str, ...]


def allocation_lines(allocation: Allocation, *, grows: bool) -> Iterator[str]:
    """The pools, and the nodes that they lie on."""
    rows: list[Row] = [
        (pool.name, _workers(pool), str(pool.per_worker), str(pool.at_once), f"{pool.deadline_s:g} s")
        for pool in allocation.layout.pools
    ]
    if allocation.servers:
        rows.append(("servers", str(allocation.servers.n), str(allocation.servers.per_server), "", ""))
    yield from _table(("pool", "workers", "each takes", "batch", "deadline"), rows)
    yield f"rows of a shard, at most: {allocation.layout.rows_per_shard}"
    kinds = Counter(str(node) for node in allocation.nodes)
    there = "; ".join(f"{n} x {node}" for node, n in kinds.items()) or "none"
    yield f"nodes: {there}"
    yield f"asked for, at least: {allocation.min_resources}: {_room(allocation, grows=grows)}"


def _workers(pool: Pool) -> str:
    if pool.min_size == pool.max_size:
        return str(pool.min_size)
    return f"{pool.min_size} to {pool.max_size}"


def _room(allocation: Allocation, *, grows: bool) -> str:
    if allocation.problem:
        return "waits for nodes that the cluster has yet to get" if grows else "does not fit"
    if all(pool.min_size == pool.max_size for pool in allocation.layout.pools):
        return "fits"
    return f"fits; the forecast is for the {'most' if allocation.at_max else 'fewest'} workers"


def costs_lines(costs: MeasuredCosts) -> Iterator[str]:
    """What the figures are from."""
    yield (
        f"figures of {costs.n_seeds:,} seeds, of which {costs.accepted_share:.1%} were accepted; a seed "
        f"took {sum(costs.stage_s.values()):.3g} s of a worker, {sum(costs.stage_cpu_s.values()):.3g} s "
        "of a processor"
    )


def forecast_lines(expected: Forecast, keep: Keep) -> Iterator[str]:
    """What the run takes."""
    yield f"{expected.n_seeds:,} seeds give about {expected.n_samples:,} samples"
    yield ""
    yield from _table(("stage", "pool", "worker hours", "hours"), [_stage(row) for row in expected.stages])
    yield ""
    slowest = expected.limits[0]
    yield f"hours: {_hours(slowest.hours)}, limited by {_named(slowest, expected.stages)}"
    others = ", ".join(f"{limit.name} {_hours(limit.hours)}" for limit in expected.limits[1:])
    yield f"the others would take: {others}"
    if expected.reserved.gpus:
        share = expected.busy_gpu_hours / expected.gpu_hours if expected.gpu_hours else 0.0
        yield (
            f"GPU hours: {_figure(expected.gpu_hours)} of {expected.reserved.gpus:g} GPUs, of which sounds "
            f"are rendered in {share:.0%}"
        )
    yield f"CPU hours: {_figure(expected.cpu_hours)} of {expected.reserved.cpus:.4g} CPUs"
    tokens = expected.tokens
    if tokens.prompt or tokens.generated:
        yield (
            f"tokens: {_figure(tokens.prompt)} of prompts, of which {_figure(tokens.cached)} cached, "
            f"{_figure(tokens.generated)} generated"
        )
    if tokens.generated and expected.hours:
        rate = tokens.generated / expected.hours / 3600
        yield f"the language model's servers have to generate {_figure(rate)} tokens a second meanwhile"
    sizes = ", ".join(f"{kind} {size_text(round(size))}" for kind, size in expected.storage.items())
    yield f"storage: {sizes}; --keep {keep} is asked for"
    if expected.store_bytes:
        store = size_text(round(expected.store_bytes))
        yield f"stem store: up to {store}, less where sounds are shared"
    if expected.cost:
        yield from _cost(expected.cost)


def _stage(row: StageHours) -> Row:
    return row.stage, row.pool, _figure(row.worker_hours), _figure(row.hours)


def _named(limit: Limit, stages: Sequence[StageHours]) -> str:
    """What limits, and which stage of it most."""
    own = [stage for stage in stages if stage.pool == limit.name]
    if not own:
        return limit.name
    most = max(own, key=lambda stage: stage.hours)
    return f"pool {limit.name}, most of all by {most.stage}"


def _cost(cost: Cost) -> Iterator[str]:
    yield (
        f"cost: {cost.one_time:,.2f} (GPUs {cost.gpus:,.2f}, CPUs {cost.cpus:,.2f}, "
        f"tokens {cost.tokens:,.2f}), and {cost.storage_month:,.2f} a month for storage"
    )


def _hours(hours: float) -> str:
    return f"{_figure(hours)} h" + (f" ({hours / 24:,.1f} days)" if hours >= 48 else "")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _is_figure(cell: str) -> bool:
    return not cell.strip("0123456789.,e+-")


def _table(head: Row, rows: Sequence[Row]) -> Iterator[str]:
    """Rows in columns, figures to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    right = [all(_is_figure(row[k]) for row in rows) for k in range(len(head))]
    for row in (head, *rows):
        cells = zip(row, widths, right, strict=True)
        yield "  ".join(cell.rjust(w) if r else cell.ljust(w) for cell, w, r in cells).rstrip()
