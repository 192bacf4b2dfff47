"""`copilot stats`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.filesize import decimal
from rich.text import Text

from pipelines.cli.output.tables import create_table
from pipelines.inspection.stats import RunStats, compute_stats
from pipelines.inspection.streaming_stats import Distinct, Spread

_Rows = Sequence[tuple[str, ...]]

_LEFT = {"tool", "reason", "for example"}
_WRAPPED = {"reason", "for example"}


def run_stats_command(run: str, *, as_json: bool) -> None:
    """Count the content of a run and print the counts. Raises as `compute_stats`."""
    stats = compute_stats(run)
    if as_json:
        print(json.dumps({"run": run, **asdict(stats)}))
    else:
        print_stats(stats, run, Console(highlight=False))


def print_stats(stats: RunStats, name: str, console: Console) -> None:
    """Print the counts as tables. A table without rows is left out."""
    console.print(Text(name, style="bold"))
    for title, columns, rows in _list_tables(stats):
        if rows:
            right = set(columns[1:]) - _LEFT
            console.print()
            console.print(create_table((title, *columns[1:]), rows, right=right, wrapped=_WRAPPED))


def _list_tables(stats: RunStats) -> Iterable[tuple[str, tuple[str, ...], _Rows]]:
    """Yield title, columns and rows of each table; the title stands above the first column."""
    yield "run", ("", ""), _list_overview(stats)
    yield "language model", ("", ""), _list_usage(stats)
    tasks = [
        (task, f"{one.n:,}", _format_percent(one.share), _format_percent(one.hq_share))
        for task, one in stats.tasks.items()
    ]
    yield "turns by task", ("", "turns", "share", "hq"), tasks
    yield "rejected, by stage", ("", "reason", "seeds", "share", "for example"), _list_reasons(stats)
    elements = [(e.role, e.tool, f"{e.n_sounds:,}", f"{e.n_in_scenes:,}") for e in stats.elements]
    yield "sounds", ("", "tool", "distinct", "in scenes"), elements
    spreads = {
        "a turn's duration, s": stats.turn_duration_s,
        "target loudness, LUFS": stats.asked_loudness_lufs,
        "loudness of stems, LUFS": stats.stem_loudness_lufs,
        "headroom, dB": stats.headroom_db,
    }
    columns = ("", "count", "lowest", "median", "mean", "highest")
    yield "spread", columns, [_format_spread(label, spread) for label, spread in spreads.items() if spread.n]
    checks = [
        (label, f"{one.median:.4g}", f"{one.worst:.4g}", _format_percent(one.share_passed))
        for label, one in stats.checks.items()
    ]
    yield "checks", ("", "median", "worst", "passed"), checks
    heard = [_format_spread(name, spread) for name, spread in stats.heard.items()]
    yield "heard", ("", "samples", "lowest", "median", "mean", "highest"), heard
    captions = [(caption, f"{n:,}") for caption, n in stats.top_captions]
    yield "most used captions", ("", "sounds"), captions


def _list_overview(stats: RunStats) -> _Rows:
    n_accounted = stats.n_samples + stats.n_rejects
    rows = [("samples", f"{stats.n_samples:,}")]
    rows += [
        (f"  {tier}", f"{n:,} ({_format_percent(n / stats.n_samples)})") for tier, n in stats.tiers.items()
    ]
    rows += [("rejected", f"{stats.n_rejects:,}")]
    if stats.n_seeds is not None and stats.n_seeds > n_accounted:
        rows += [("seeds left", f"{stats.n_seeds - n_accounted:,}")]
    rows += [
        ("hours of story turns", f"{stats.story_hours:,.3f}"),
        ("hours of edit turns", f"{stats.edit_hours:,.3f}"),
        ("distinct stories", _format_distinct(stats.stories)),
        ("distinct scenes", _format_distinct(stats.scenes)),
        ("distinct captions", _format_distinct(stats.captions)),
        ("normalisations", f"{stats.n_normalisations:,} in {stats.n_normalised_samples:,} samples"),
        ("samples on disk", decimal(stats.sample_bytes)),
        ("rejects on disk", decimal(stats.reject_bytes)),
    ]
    return rows


def _list_usage(stats: RunStats) -> _Rows:
    usage = stats.usage
    if not usage.requests:
        return []
    each = f"{usage.generated_tokens / stats.n_samples:,.0f}" if stats.n_samples else "no samples"
    return [
        ("requests", f"{usage.requests:,}"),
        ("  corrections", f"{usage.corrections:,}"),
        ("  fresh starts", f"{usage.fresh_starts:,}"),
        ("replies repaired", f"{usage.repairs:,}"),
        ("prompt tokens", f"{usage.prompt_tokens:,}"),
        ("  cached", f"{usage.cached_tokens:,}"),
        ("generated tokens", f"{usage.generated_tokens:,}"),
        ("  per sample", each),
    ]


def _list_reasons(stats: RunStats) -> _Rows:
    parts = [(*key.partition("/")[::2], n, stats.examples.get(key, "")) for key, n in stats.reasons.items()]
    parts.sort(key=lambda row: (row[0], -row[2], row[1]))
    return [
        (stage, reason, f"{n:,}", _format_percent(n / stats.n_rejects), example)
        for stage, reason, n, example in parts
    ]


def _format_spread(label: str, spread: Spread) -> tuple[str, ...]:
    figures = (spread.low, spread.median, spread.mean, spread.high)
    return (label, f"{spread.n:,}", *(f"{figure:.2f}" for figure in figures if figure is not None))


def _format_distinct(distinct: Distinct) -> str:
    return f"{distinct.n_distinct:,} of {distinct.n:,}"


def _format_percent(share: float) -> str:
    return f"{100 * share:.1f} %"
