"""`copilot plan`."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from copilot.errors import UserError
from copilot.vocabulary import Keep
from pipelines.cli.output.disk_text import describe_disk
from pipelines.cli.output.draw_text import describe_draw
from pipelines.cli.output.plan_text import describe_allocation, describe_costs, describe_forecast
from pipelines.cli.output.progress import show_progress
from pipelines.config import RunConfig
from pipelines.execution.local import LocalExecutor
from pipelines.execution.ray.nodes import query_nodes
from pipelines.main_job import GenerateRequest, RunStart, generate
from pipelines.options.plan import PlanOptions
from pipelines.options.run import RunOptions
from pipelines.planning.allocation import Allocation, allocate, derive_workload
from pipelines.planning.costs import MeasuredCosts, Prices, read_costs, write_costs
from pipelines.planning.disk import estimate_disk
from pipelines.planning.forecast import Forecast, forecast
from pipelines.planning.measure import measure_costs
from pipelines.stages.worker_spec import ExecutionSettings

_SERVERS = "plan"
"""Name of the servers of a plan: never the run's, whose servers may be at work."""


def run_plan(options: RunOptions, planning: PlanOptions) -> int:
    """Print the pools, if there is room for them, and the forecast of the run; return the exit code.

    Raises UserError for wrong options, and, after the pools are printed, if there is no room for them.
    """
    planning.require_valid()
    if options.executor != "ray":
        raise UserError("a plan is for ray; set it here or in the configuration file", field="executor")
    config, settings, execution = (
        options.create_run_config(),
        options.create_ray_settings(),
        options.create_execution_settings(),
    )
    limits = options.create_service_limits()
    nodes = planning.create_nodes(settings) or query_nodes(settings)
    workload = derive_workload(config, execution, limits)
    allocation = allocate(workload, settings, nodes, execution.at_once, options.create_server_group())
    fits = allocation.problem is None or settings.grows
    if not options.json:
        _print_all([*describe_allocation(allocation, grows=settings.grows), ""])
    costs, complete, num = None, True, options.num
    if planning.figures is not None:
        costs = read_costs(planning.figures)
    elif planning.calibrate is not None and fits:
        costs, n_available = _measure(options, config, planning.calibrate, execution)
        complete = costs is not None
        num = min(num or n_available, n_available)
    if costs and planning.save_figures is not None:
        write_costs(costs, planning.save_figures)
    in_flight = limits.concurrency if limits else 1
    expected = (
        _forecast(allocation, costs, num, config.keep, in_flight, options.parts.prices) if fits else None
    )
    if options.json and complete:
        content = _to_json(allocation, costs, expected, fits=fits) | {"disk": asdict(estimate_disk(config))}
        print(json.dumps(content, allow_nan=False))
    elif fits and complete:
        _print_all(_describe_forecast(costs, expected, config.keep))
        if expected is None:
            _print_all(describe_disk(config, num, options.out, options.stems))
    if not fits:
        raise UserError(str(allocation.problem))
    return 0 if complete else 130


def _forecast(
    allocation: Allocation,
    costs: MeasuredCosts | None,
    num: int | None,
    keep: Keep,
    in_flight: int,
    prices: Prices | None,
) -> Forecast | None:
    if costs is None or num is None:
        return None
    return forecast(
        costs,
        allocation.layout,
        allocation.sizes,
        allocation.reserved,
        num,
        keep=keep,
        in_flight=in_flight,
        prices=prices,
    )


def _describe_forecast(
    costs: MeasuredCosts | None, expected: Forecast | None, keep: Keep
) -> Iterator[str | Table]:
    if costs is None:
        yield "no forecast: give --calibrate 50 to measure the costs on 50 dialogues, or --figures FILE"
        yield "with costs that were measured before"
        return
    yield from describe_costs(costs)
    if expected is None:
        yield "no forecast: give --num, the number of seeds"
    else:
        yield from ("", *describe_forecast(expected, keep))


def _print_all(parts: Iterable[str | Table]) -> None:
    console = Console(highlight=False)
    for part in parts:
        console.print(part, markup=False, soft_wrap=isinstance(part, str))


def _to_json(
    allocation: Allocation, costs: MeasuredCosts | None, expected: Forecast | None, *, fits: bool
) -> dict[str, Any]:
    content = asdict(allocation)
    content["fits"] = fits
    content["figures"] = costs.model_dump(mode="json") if costs else None
    content["forecast"] = None
    if expected:
        content["forecast"] = {
            **asdict(expected),
            "tokens": expected.tokens.model_dump(mode="json"),
            "hours": expected.hours,
        }
    return content


def _measure(
    options: RunOptions, config: RunConfig, num: int, execution: ExecutionSettings
) -> tuple[MeasuredCosts | None, int]:
    """Make some dialogues in a folder that is deleted; return their costs and the number of seeds there are.

    The costs are None if that is interrupted. The dialogues share no stems with other runs: a filled stem
    store would make them look cheap.
    """
    config = config.model_copy(update={"keep": "both"})
    execution = replace(execution, store=None)
    n_workers = options.count_local_workers(config)

    n_available = 0

    def on_start(start: RunStart) -> None:
        nonlocal n_available
        n, n_available = len(start.draw.seeds), start.draw.available
        lines = [f"measuring {n} dialogues with {n_workers} worker processes of this machine"]
        if n < num:
            lines.append(f"--calibrate {num}: only {n} seeds are available")
        if options.num is not None and options.num > n_available:
            lines.append(f"--num {options.num}: {n_available} seeds are available; the forecast is for these")
        lines += describe_draw(start.draw, None)
        if (busy := os.getloadavg()[0]) > (os.cpu_count() or 1):
            lines.append(
                f"this machine is busy with other work (load {busy:.1f}); the times will be too long"
            )
        shown.start(start.n_todo, lines)

    with (
        options.start_servers(_SERVERS) as served,
        tempfile.TemporaryDirectory(prefix="copilot-plan-") as folder,
        show_progress(as_json=options.json) as shown,
    ):
        try:
            outcome = generate(
                GenerateRequest(
                    config=config,
                    out=Path(folder) / "run",
                    num=num,
                    executor=LocalExecutor(n_workers),
                    settings=execution,
                    service=served.create_service(),
                    on_start=on_start,
                    on_progress=shown.advance,
                    on_design=shown.show_design,
                )
            )
        except KeyboardInterrupt:
            outcome = None
        if outcome is None or outcome.n_left:
            print("copilot: interrupted; nothing was measured", file=sys.stderr)
            return None, n_available
        return measure_costs(Path(folder) / "run", outcome), n_available
