"""`copilot hear`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from pipelines.cli.output.counting import show_row_count
from pipelines.hearing.hear import HearResult, hear_run
from pipelines.options.hearing import HearingOptions


def run_hear(options: HearingOptions, run: str, *, as_json: bool) -> int:
    """Listen to a run and print the mean figures; return the exit code. Raises as `hear_run`."""
    listeners, executor = options.list_listeners(), options.create_executor()
    try:
        with show_row_count(as_json=as_json) as shown:
            result = hear_run(
                run,
                listeners,
                executor=executor,
                device=options.device,
                on_start=shown.start,
                on_heard=shown.advance,
            )
    except KeyboardInterrupt:
        print("copilot: interrupted; run the same command again to resume", file=sys.stderr)
        return 130
    if as_json:
        print(json.dumps({"run": run, **asdict(result)}))
    else:
        print("\n".join(_describe(result, run)))
    if result.was_stopped:
        print("copilot: interrupted; run the same command again to resume", file=sys.stderr)
        return 130
    return int(bool(result.unreadable))


def _describe(result: HearResult, run: str) -> list[str]:
    width = max(map(len, result.figures), default=0)
    return [
        f"{run}: heard {result.n_heard} of {result.n_samples} samples",
        *(f"  {name.ljust(width)}  {value:.4g}" for name, value in result.figures.items()),
        *(f"not heard: {problem}; see: copilot verify {run}" for problem in result.unreadable),
        f'filter:  copilot filter {run} --where "heard.NAME < VALUE" --out FOLDER',
    ]
