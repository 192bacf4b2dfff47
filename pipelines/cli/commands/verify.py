"""`copilot verify`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

from pipelines.cli.output.counting import show_row_count
from pipelines.inspection.verify.problem import Problem
from pipelines.inspection.verify.run import VerifyReport, verify

_MAX_SHOWN = 20


def run_verify(place: str, *, n_sampled: int | None, n_workers: int, as_json: bool) -> int:
    """Verify a run and print the problems; return the exit code."""
    try:
        with show_row_count(as_json=as_json) as shown:
            report = verify(
                place, n_sampled=n_sampled, n_workers=n_workers, on_start=shown.start, on_rows=shown.advance
            )
    except KeyboardInterrupt:
        print("copilot: interrupted; the next verification starts again from the beginning", file=sys.stderr)
        return 130
    if as_json:
        print(json.dumps({**asdict(report), "clean": not report.problems}))
    else:
        print("\n".join(_describe_report(report)))
    return int(bool(report.problems))


def _describe_report(report: VerifyReport) -> Iterator[str]:
    planned = "?" if report.n_planned is None else report.n_planned
    yield f"{report.run}: {report.n_accounted} of {planned} seeds accounted for"
    yield f"  {report.n_samples} samples, {report.n_rejects} rejected, in {report.n_files} files"
    yield f"  {report.audio_s / 3600:.2f} h of mixes"
    mixed_again = f"{report.n_in_depth} samples, {report.n_mixes} mixes, {report.n_stems} stems"
    yield f"  decoded and mixed again: {mixed_again}"
    yield from (f"  note: {note}" for note in report.notes[:_MAX_SHOWN])
    if len(report.notes) > _MAX_SHOWN:
        yield f"  note: {len(report.notes) - _MAX_SHOWN} more files like these"
    if not report.problems:
        yield "no problems"
        return
    kinds = Counter(problem.kind for problem in report.problems)
    n_problems = len(report.problems)
    yield f"{n_problems} problem{'s' * (n_problems > 1)}: " + ", ".join(
        f"{n} {kind}" for kind, n in kinds.most_common()
    )
    yield from (f"  {_describe_problem(problem)}" for problem in report.problems[:_MAX_SHOWN])
    if n_problems > _MAX_SHOWN:
        yield f"  and {n_problems - _MAX_SHOWN} more; --json lists all of them"


def _describe_problem(problem: Problem) -> str:
    where = " ".join(part for part in (problem.file, problem.id) if part)
    return f"{problem.kind}: {where}: {problem.message}"
