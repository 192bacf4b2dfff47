"""`copilot generate`."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict, replace

from pipelines.accounting.render_stats import RenderTally
from pipelines.cli.output.disk_text import describe_disk
from pipelines.cli.output.draw_text import MAX_SHOWN_PROBLEMS, count_draw, describe_draw
from pipelines.cli.output.progress import show_progress
from pipelines.main_job import RunStart, generate
from pipelines.options.run import RunOptions
from pipelines.run.totals import Outcome, Totals

RESUME = "progress is saved; run the same command again to resume"


def run_generate(options: RunOptions) -> int:
    """Make the run, show its progress and its outcome; return the exit code. Raises as `generate`."""
    request = options.create_request()
    out, num = str(request.out), request.num
    starts: list[RunStart] = []

    def on_start(start: RunStart) -> None:
        starts.append(start)
        lines = describe_start(start, num, out)
        if start.n_todo:
            lines += describe_disk(request.config, start.n_todo, out, request.settings.store)
        shown.start(start.n_todo, lines)

    try:
        with options.start_servers(out) as served, show_progress(as_json=options.json) as shown:
            outcome = generate(
                replace(
                    request,
                    service=served.create_service(),
                    on_start=on_start,
                    on_progress=shown.advance,
                    on_design=shown.show_design,
                    on_stop=shown.show_stop,
                )
            )
    except KeyboardInterrupt:
        print(f"copilot: interrupted; {RESUME}", file=sys.stderr)
        return 130
    if options.json:
        seeds = count_draw(starts[0].draw)
        print(json.dumps({"run": out, **asdict(outcome), "n_left": outcome.n_left, "seeds": seeds}))
    else:
        print("\n".join(describe_outcome(outcome, out)))
    if outcome.n_left:
        drafts = f", {outcome.n_drafts} of them with a written dialogue" if outcome.n_drafts else ""
        print(f"copilot: interrupted; {outcome.n_left} seeds are left{drafts}; {RESUME}", file=sys.stderr)
        return 130
    return int(options.max_rejects is not None and outcome.totals.rejected > options.max_rejects)


def describe_start(start: RunStart, num: int | None, out: str) -> list[str]:
    """Return the lines about a run that starts."""
    draw = start.draw
    lines = [f"{out}: {len(draw.seeds)} of {draw.available} seeds; {start.n_done} done, {start.n_todo} left"]
    lines += describe_draw(draw, num)
    lines += [f"not used: {problem}" for problem in start.problems[:MAX_SHOWN_PROBLEMS]]
    if len(start.problems) > MAX_SHOWN_PROBLEMS:
        lines.append(f"not used: {len(start.problems) - MAX_SHOWN_PROBLEMS} more rows")
    if start.deleted_leftovers:
        lines.append(f"deleted {len(start.deleted_leftovers)} files of an interrupted commit")
    return lines


def describe_outcome(outcome: Outcome, out: str) -> list[str]:
    """Return the lines about a run that has ended."""
    totals = outcome.totals
    tiers = ", ".join(f"{n} {tier}" for tier, n in sorted(totals.tiers.items()))
    program = "copilot" if shutil.which("copilot") else sys.argv[0]
    made = f"{totals.accepted} samples ({tiers or 'none'}), {totals.rejected} rejected"
    return [
        f"{out}: {made}, {totals.audio_s / 3600:.2f} h of mixes, {outcome.elapsed_s:.0f} s",
        *(f"  rejected: {n} {reason}" for reason, n in totals.reasons.items()),
        *_describe_usage(totals),
        *(_describe_rendering(backend, tally) for backend, tally in sorted(totals.renders.items())),
        *([f"look and listen:  {program} show {out}"] if totals.accepted else []),
        f"count:            {program} stats {out}",
    ]


def _describe_usage(totals: Totals) -> list[str]:
    """Return the use of a language model, if the run has one."""
    usage = totals.usage
    if not usage.requests:
        return []
    cached = usage.cached_tokens / usage.prompt_tokens if usage.prompt_tokens else 0.0
    each = f": {usage.generated_tokens / totals.accepted:,.0f} per sample" if totals.accepted else ""
    corrections = f"{usage.corrections:,} corrections, {usage.fresh_starts:,} fresh starts"
    prompts = f"{usage.prompt_tokens:,} prompt tokens ({cached:.0%} cached)"
    return [
        f"  {usage.requests:,} requests: {corrections}, {usage.repairs:,} replies repaired",
        f"  {prompts}, {usage.generated_tokens:,} generated{each}",
    ]


def _describe_rendering(backend: str, tally: RenderTally) -> str:
    """Return the work of a backend in one line."""
    parts = [f"{tally.stems:,} stems ({tally.audio_s / 3600:.2f} h)"]
    if tally.realtime_factor is not None and tally.mean_fill is not None:
        parts.append(f"real-time factor {tally.realtime_factor:.3f}")
        parts.append(f"{tally.batches:,} batches ({tally.mean_fill:.0%} full)")
    if tally.unmatched:
        parts.append(f"{tally.unmatched:,} without a match")
    parts.append(f"{tally.hits:,} reused from the stem store")
    if tally.retried:
        parts.append(f"{tally.retried:,} retried")
    parts += [f"{n:,} failed: {reason}" for reason, n in sorted(tally.failures.items())]
    return f"  {backend}: {', '.join(parts)}"
