"""`copilot generate`."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict, replace

from pipelines.accounting.render_stats import RenderTally
from pipelines.cli.output.progress import display
from pipelines.generate import GenerateRequest, RunStart, generate
from pipelines.run.totals import Outcome, Totals

_SHOWN_PROBLEMS = 10
_GO_ON = "what was made is committed. Run the same command again to go on"


def run_generate(request: GenerateRequest, *, max_rejects: int | None, as_json: bool) -> int:
    """Make the run, show its progress and its outcome; return the exit code."""
    starts: list[RunStart] = []
    out, num = str(request.out), request.num

    def begin(start: RunStart) -> None:
        starts.append(start)
        shown.start(start.n_todo, _opening(start, num, out))

    try:
        with display(as_json=as_json) as shown:
            outcome = generate(
                replace(request, on_start=begin, on_progress=shown.advance, on_design=shown.designing)
            )
    except KeyboardInterrupt:
        print(f"copilot: interrupted; {_GO_ON}", file=sys.stderr)
        return 130
    if as_json:
        print(json.dumps({"run": out, **asdict(outcome), "n_left": outcome.n_left, **_seeds(starts[0])}))
    else:
        print("\n".join(_closing(outcome, out)))
    if outcome.n_left:
        print(f"copilot: interrupted with {outcome.n_left} seeds to go; {_GO_ON}", file=sys.stderr)
        return 130
    return int(max_rejects is not None and outcome.totals.rejected > max_rejects)


def _seeds(start: RunStart) -> dict[str, object]:
    draw = start.draw
    return {
        "seeds": {
            "available": draw.available,
            "drawn": len(draw.seeds),
            "duplicates": draw.n_duplicates,
            "blank": draw.n_blank,
            "unreadable": draw.n_problems,
            "problems": [str(problem) for problem in draw.problems],
        }
    }


def _opening(start: RunStart, num: int | None, out: str) -> list[str]:
    draw = start.draw
    lines = [f"{out}: {len(draw.seeds)} of {draw.available} seeds; {start.n_done} done, {start.n_todo} to go"]
    if num is not None and num > draw.available:
        lines.append(f"--num {num}: there are only {draw.available} seeds; all are taken")
    if draw.n_duplicates or draw.n_blank:
        lines.append(f"seeds: {draw.n_duplicates} duplicates and {draw.n_blank} blank lines dropped")
    lines += [f"seeds: {problem}" for problem in draw.problems[:_SHOWN_PROBLEMS]]
    if draw.n_problems > _SHOWN_PROBLEMS:
        lines.append(f"seeds: {draw.n_problems - _SHOWN_PROBLEMS} more lines could not be read")
    lines += [f"not used: {problem}" for problem in start.problems[:_SHOWN_PROBLEMS]]
    if len(start.problems) > _SHOWN_PROBLEMS:
        lines.append(f"not used: {len(start.problems) - _SHOWN_PROBLEMS} more rows")
    if start.swept:
        lines.append(f"{len(start.swept)} files of an interrupted commit deleted")
    return lines


def _closing(outcome: Outcome, out: str) -> list[str]:
    totals = outcome.totals
    tiers = ", ".join(f"{n} {tier}" for tier, n in sorted(totals.tiers.items()))
    program = "copilot" if shutil.which("copilot") else sys.argv[0]
    made = f"{totals.accepted} samples ({tiers or 'none'}), {totals.rejected} rejected"
    return [
        f"{out}: {made}, {totals.audio_s / 3600:.2f} h of mixes, {outcome.elapsed_s:.0f} s",
        *(f"  rejected: {n} {reason}" for reason, n in totals.reasons.items()),
        *_asked(totals),
        *(_rendered(backend, tally) for backend, tally in sorted(totals.renders.items())),
        *([f"listen and look:  {program} show {out}"] if totals.accepted else []),
        f"count:            {program} stats {out}",
    ]


def _asked(totals: Totals) -> list[str]:
    """What a language model was asked, where one was."""
    usage = totals.usage
    if not usage.requests:
        return []
    cached = usage.cached_tokens / usage.prompt_tokens if usage.prompt_tokens else 0.0
    each = f": {usage.generated_tokens / totals.accepted:,.0f} per sample" if totals.accepted else ""
    amends = f"{usage.corrections:,} corrections, {usage.fresh_starts:,} fresh starts"
    prompts = f"{usage.prompt_tokens:,} prompt tokens ({cached:.0%} cached)"
    return [
        f"  {usage.requests:,} requests: {amends}, {usage.repairs:,} replies repaired",
        f"  {prompts}, {usage.generated_tokens:,} generated{each}",
    ]


def _rendered(backend: str, tally: RenderTally) -> str:
    """What a backend did, in one line."""
    said = [f"{tally.stems:,} stems", f"{tally.audio_s / 3600:.2f} h"]
    if tally.realtime_factor is not None and tally.mean_fill is not None:
        said.append(f"{tally.realtime_factor:.3f} s for each second")
        said.append(f"{tally.batches:,} batches, {tally.mean_fill:.0%} full")
    if tally.unmatched:
        said.append(f"{tally.unmatched:,} for which it had nothing fitting")
    said.append(f"{tally.hits:,} from the store")
    if tally.retried:
        said.append(f"{tally.retried:,} tried again")
    said += [f"{n:,} failed: {reason}" for reason, n in sorted(tally.failures.items())]
    return f"  {backend}: {', '.join(said)}"
