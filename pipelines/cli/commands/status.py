"""`copilot status`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from rich.filesize import decimal

from copilot.units import Seconds
from pipelines.inspection.status import RunStatus, read_status


def run_status_command(run: str, *, as_json: bool) -> None:
    """Print how far a run is. Raises as `read_status`."""
    status = read_status(run)
    if as_json:
        print(json.dumps({"run": run, **asdict(status), "n_left": status.n_left}))
    else:
        print("\n".join(_describe_status(status, run)))


def _describe_status(status: RunStatus, run: str) -> Iterator[str]:
    totals = status.totals
    n_done = totals.accepted + totals.rejected
    share = n_done / status.n_seeds if status.n_seeds else 1.0
    yield f"{run}: {n_done:,} of {status.n_seeds:,} seeds ({share:.1%}), {decimal(status.n_bytes)}"
    tiers = ", ".join(f"{n:,} {tier}" for tier, n in sorted(totals.tiers.items()))
    made = f"  {totals.accepted:,} samples ({tiers or 'none'}), {totals.audio_s / 3600:,.2f} h of mixes"
    yield f"{made}; {totals.rejected:,} rejected"
    for reason, n in totals.reasons.items():
        yield f"  rejected: {n:,} {reason}"
    if status.last_commit_s is None:
        yield f"  {'nothing is committed yet' if not n_done else 'commit times were not recorded'}"
        return
    yield f"  last commit {_format_duration(status.last_commit_s)} ago; {_describe_pace(status)}"


def _describe_pace(status: RunStatus) -> str:
    if not status.n_left:
        return "all seeds are done"
    if status.left_s is None:
        return f"{status.n_left:,} seeds left; no recent commits"
    return f"{status.rate_per_s:.2f} seeds per second, about {_format_duration(status.left_s)} left"


def _format_duration(seconds: Seconds) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours / 24:.1f} days"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
