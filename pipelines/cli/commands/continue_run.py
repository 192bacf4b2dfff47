"""`copilot continue`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace

from pipelines.cli.commands.generate import RESUME, describe_outcome, describe_start
from pipelines.cli.output.progress import show_progress
from pipelines.main_job import RunStart, generate
from pipelines.options.continuation import ContinueOptions
from pipelines.run.open import open_run


def run_continue(options: ContinueOptions, run: str, sample_id: str, *, as_json: bool) -> int:
    """Make the new run and show its outcome; return 1 if its sample is rejected. Raises as `generate`."""
    request = options.create_continuation(run, sample_id)
    out = str(request.out)

    def on_start(start: RunStart) -> None:
        shown.start(start.n_todo, describe_start(start, None, out))

    try:
        with show_progress(as_json=as_json) as shown:
            outcome = generate(
                replace(
                    request,
                    on_start=on_start,
                    on_progress=shown.advance,
                    on_design=shown.show_design,
                    on_stop=shown.show_stop,
                )
            )
    except KeyboardInterrupt:
        print(f"copilot: interrupted; {RESUME}", file=sys.stderr)
        return 130
    rejects = [asdict(reject) for reject in open_run(out).rejects()] if outcome.totals.rejected else []
    details = [f"{reject['stage']}/{reject['reason']}: {reject['detail']}" for reject in rejects]
    if as_json:
        print(json.dumps({"run": out, **asdict(outcome), "n_left": outcome.n_left, "details": details}))
    else:
        print("\n".join([*describe_outcome(outcome, out), *details]))
    if outcome.n_left:
        print(f"copilot: interrupted; {RESUME}", file=sys.stderr)
        return 130
    return int(outcome.totals.rejected > 0)
