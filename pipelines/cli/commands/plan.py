"""`copilot plan`."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from copilot.designers.llm.service import LlmService
from copilot.errors import UserError
from copilot.vocabulary import Keep
from pipelines.cli.options.execution import ExecutionOptions, ExecutorOption
from pipelines.cli.options.model import ModelOptions
from pipelines.cli.options.plan import PlanOptions
from pipelines.cli.output.plan_text import allocation_lines, figures_lines, forecast_lines
from pipelines.cli.output.progress import display
from pipelines.config import RunConfig
from pipelines.execution.local import LocalExecutor
from pipelines.execution.ray.nodes import query_nodes
from pipelines.generate import GenerateRequest, RunStart, generate
from pipelines.planning.allocation import Allocation, allocate, derive_workload
from pipelines.planning.costs import MeasuredCosts, Prices, read_costs, write_costs
from pipelines.planning.forecast import Forecast, forecast
from pipelines.planning.measure import measure_costs
from pipelines.stages.worker_spec import ExecutionSettings


def run_plan(
    config: RunConfig,
    planning: PlanOptions,
    execution: ExecutionOptions,
    model: ModelOptions,
    *,
    num: int | None,
    n_workers: int,
    execution_settings: ExecutionSettings,
    service: LlmService | None,
    as_json: bool,
) -> int:
    """Print the pools, whether there is room for them, and what the run takes; return the exit code.

    Raises UserError for wrong options, and, once the pools are printed, where there is no room.
    """
    planning.check()
    if execution.executor is not ExecutorOption.ray:
        raise UserError("plan: lays out pools of --executor ray; give that, or a --config that says so")
    settings, file = execution.ray_settings(), execution.config
    nodes = planning.made_up_nodes(settings) or query_nodes(settings)
    workload = derive_workload(config, execution_settings, service)
    allocation = allocate(workload, settings, nodes, execution_settings.at_once, execution.servers())
    fits = allocation.problem is None or settings.grows
    if not as_json:
        print("\n".join([*allocation_lines(allocation, grows=settings.grows), ""]), flush=True)
    figures, measured = None, True
    if planning.figures is not None:
        figures = read_costs(planning.figures)
    elif planning.calibrate is not None and fits:
        with execution.served(model, "plan") as served:
            asked = served.configured(config.designer).service
            figures = _measured(
                config, planning.calibrate, n_workers, execution_settings, asked, planned=num, as_json=as_json
            )
        measured = figures is not None
    if figures and planning.save_figures is not None:
        write_costs(figures, planning.save_figures)
    prices, in_flight = file.prices if file else None, service.concurrency if service else 1
    expected = _expected(allocation, figures, num, config.keep, in_flight, prices) if fits else None
    if as_json and measured:
        print(json.dumps(_content(allocation, figures, expected, fits=fits), allow_nan=False))
    elif fits and measured:
        print("\n".join(_said(figures, expected, config.keep)))
    if not fits:
        raise UserError(str(allocation.problem))
    return 0 if measured else 130


def _expected(
    allocation: Allocation,
    figures: MeasuredCosts | None,
    num: int | None,
    keep: Keep,
    in_flight: int,
    prices: Prices | None,
) -> Forecast | None:
    if figures is None or num is None:
        return None
    return forecast(
        figures,
        allocation.layout,
        allocation.sizes,
        allocation.reserved,
        num,
        keep=keep,
        in_flight=in_flight,
        prices=prices,
    )


def _said(figures: MeasuredCosts | None, expected: Forecast | None, keep: Keep) -> Iterator[str]:
    if figures is None:
        yield "no forecast without figures: --calibrate 50 makes so many dialogues here and measures them,"
        yield "--figures FILE has what was measured before"
        return
    yield from figures_lines(figures)
    if expected is None:
        yield "no forecast: --num says for how many seeds"
    else:
        yield from ("", *forecast_lines(expected, keep))


def _content(
    allocation: Allocation, figures: MeasuredCosts | None, expected: Forecast | None, *, fits: bool
) -> dict[str, Any]:
    told = asdict(allocation)
    told["fits"] = fits
    told["figures"] = figures.model_dump(mode="json") if figures else None
    told["forecast"] = None
    if expected:
        told["forecast"] = {
            **asdict(expected),
            "tokens": expected.tokens.model_dump(mode="json"),
            "hours": expected.hours,
        }
    return told


def _measured(
    config: RunConfig,
    num: int,
    n_workers: int,
    execution_settings: ExecutionSettings,
    service: LlmService | None,
    *,
    planned: int | None,
    as_json: bool,
) -> MeasuredCosts | None:
    """Make some dialogues in a folder that is deleted, and measure them; None where that is interrupted.

    Nothing comes from a stem store but what these dialogues share: a shared one would make them look cheap.
    """
    kept = config.model_copy(update={"keep": "both"})
    alone = ExecutionSettings(None, execution_settings.at_once, execution_settings.render)

    def begin(start: RunStart) -> None:
        n = len(start.draw.seeds)
        lines = [f"measuring {n} dialogues with {n_workers} worker processes of this machine"]
        if n < num:
            lines.append(f"--calibrate {num}: there are only {n} seeds")
        if planned is not None and planned > start.draw.available:
            lines.append(f"--num {planned}: there are only {start.draw.available} seeds; a run takes no more")
        if (busy := os.getloadavg()[0]) > (os.cpu_count() or 1):
            lines.append(f"other work keeps the processors busy (load {busy:.1f}): times come out too long")
        shown.start(start.n_todo, lines)

    with (
        tempfile.TemporaryDirectory(prefix="copilot-plan-") as folder,
        display(as_json=as_json) as shown,
    ):
        try:
            outcome = generate(
                GenerateRequest(
                    config=kept,
                    out=Path(folder) / "run",
                    num=num,
                    executor=LocalExecutor(n_workers),
                    settings=alone,
                    service=service,
                    on_start=begin,
                    on_progress=shown.advance,
                    on_design=shown.designing,
                )
            )
        except KeyboardInterrupt:
            outcome = None
        if outcome is None or outcome.n_left:
            print("copilot: interrupted; nothing was measured", file=sys.stderr)
            return None
        return measure_costs(Path(folder) / "run", outcome)
