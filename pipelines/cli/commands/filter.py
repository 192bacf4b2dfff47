"""`copilot filter`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from copilot.errors import UserError
from copilot.vocabulary import Tier
from pipelines.cli.output.counting import show_row_count
from pipelines.inspection.subset.filter import filter_run
from pipelines.storage import require_lasting


def run_filter(source: str, out: str, *, tier: Tier | None, where: str | None, as_json: bool) -> int:
    """Write the subset and print its size; return the exit code."""
    if tier is None and where is None:
        raise UserError("nothing to filter by; give `tier`, `where` or both")
    require_lasting(out, "out")
    try:
        with show_row_count(as_json=as_json) as shown:
            done = filter_run(
                source, out, tier=tier, where=where, on_start=shown.start, on_copied=shown.advance
            )
    except KeyboardInterrupt:
        print(
            "copilot: interrupted; progress is saved; run the same command again to resume",
            file=sys.stderr,
        )
        return 130
    totals = done.totals
    if as_json:
        print(json.dumps({"run": out, **asdict(done)}))
        return 0
    tiers = ", ".join(f"{n} {tier}" for tier, n in sorted(totals.tiers.items()))
    hours = totals.audio_s / 3600
    print(f"{out}: {totals.accepted} of {done.n_source} samples ({tiers}), {hours:.2f} h of mixes")
    return 0
