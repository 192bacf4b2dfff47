"""`copilot stats`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.cli.output.sizes import size_text
from pipelines.inspection.stats import RunStats, run_stats
from pipelines.inspection.streaming_stats import Distinct, Spread

_Rows = Sequence[tuple[str, ...]]


def run_stats_command(run: str, *, as_json: bool) -> None:
    """Count a run and print the figures. Raises what `run_stats` raises."""
    stats = run_stats(run)
    if as_json:
        print(json.dumps({"run": run, **asdict(stats)}))
    else:
        print_stats(stats, run, Console(highlight=False))


def print_stats(stats: RunStats, name: str, console: Console) -> None:
    """Print the figures as tables. A table without a row is left out."""
    console.print(Text(name, style="bold"))
    for title, columns, rows in _tables(stats):
        if rows:
            console.print()
            console.print(_table(title, columns, rows))


def _tables(stats: RunStats) -> Iterable[tuple[str, tuple[str, ...], _Rows]]:
    """Title, columns and rows of each table; the title stands above the first column."""
    yield "run", ("", ""), _overview(stats)
    yield "language model", ("", ""), _language_model(stats)
    tasks = [
        (task, f"{one.n:,}", _percent(one.share), _percent(one.hq_share)) for task, one in stats.tasks.items()
    ]
    yield "turns by task", ("", "turns", "share", "hq"), tasks
    yield "rejected, by stage", ("", "reason", "seeds", "share", "for example"), _reasons(stats)
    elements = [(e.role, e.tool, f"{e.n_sounds:,}", f"{e.n_in_scenes:,}") for e in stats.elements]
    yield "sounds", ("", "tool", "distinct", "in scenes"), elements
    spreads = {
        "a turn's duration, s": stats.turn_duration_s,
        "loudness asked, LUFS": stats.asked_loudness_lufs,
        "loudness of stems, LUFS": stats.stem_loudness_lufs,
        "headroom, dB": stats.headroom_db,
    }
    columns = ("", "number", "lowest", "median", "mean", "highest")
    yield "spread", columns, [_spread(label, spread) for label, spread in spreads.items() if spread.n]
    checks = [
        (label, f"{one.median:.4g}", f"{one.worst:.4g}", _percent(one.share_passed))
        for label, one in stats.checks.items()
    ]
    yield "checks", ("", "median", "worst", "passed"), checks
    captions = [(caption, f"{n:,}") for caption, n in stats.top_captions]
    yield "captions used most", ("", "sounds"), captions


def _overview(stats: RunStats) -> _Rows:
    n_accounted = stats.n_samples + stats.n_rejects
    rows = [("samples", f"{stats.n_samples:,}")]
    rows += [(f"  {tier}", f"{n:,} ({_percent(n / stats.n_samples)})") for tier, n in stats.tiers.items()]
    rows += [("rejected", f"{stats.n_rejects:,}")]
    if stats.n_seeds is not None and stats.n_seeds > n_accounted:
        rows += [("seeds still to do", f"{stats.n_seeds - n_accounted:,}")]
    rows += [
        ("hours of story turns", f"{stats.story_hours:,.3f}"),
        ("hours of edit turns", f"{stats.edit_hours:,.3f}"),
        ("distinct stories", _distinct(stats.stories)),
        ("distinct scenes", _distinct(stats.scenes)),
        ("distinct captions", _distinct(stats.captions)),
        ("normalisations", f"{stats.n_normalisations:,} in {stats.n_normalised_samples:,} samples"),
        ("samples on disk", size_text(stats.sample_bytes)),
        ("rejects on disk", size_text(stats.reject_bytes)),
    ]
    return rows


def _language_model(stats: RunStats) -> _Rows:
    usage = stats.usage
    if not usage.requests:
        return []
    each = f"{usage.generated_tokens / stats.n_samples:,.0f}" if stats.n_samples else "no sample"
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


def _reasons(stats: RunStats) -> _Rows:
    parted = [(*key.partition("/")[::2], n, stats.examples.get(key, "")) for key, n in stats.reasons.items()]
    parted.sort(key=lambda row: (row[0], -row[2], row[1]))
    return [
        (stage, reason, f"{n:,}", _percent(n / stats.n_rejects), example)
        for stage, reason, n, example in parted
    ]


def _spread(label: str, spread: Spread) -> tuple[str, ...]:
    figures = (spread.low, spread.median, spread.mean, spread.high)
    return (label, f"{spread.n:,}", *(f"{figure:.2f}" for figure in figures if figure is not None))


def _distinct(distinct: Distinct) -> str:
    return f"{distinct.n_distinct:,} of {distinct.n:,}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _table(title: str, columns: tuple[str, ...], rows: _Rows) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), show_header=any(columns))
    texts = [k for k in range(len(columns)) if k == 0 or columns[k] in {"tool", "reason", "for example"}]
    for number, column in enumerate(columns):
        is_text = number in texts
        header = Text(title, style="bold") if number == 0 else Text(column, style="dim")
        table.add_column(header, justify="left" if is_text else "right", no_wrap=not is_text)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
