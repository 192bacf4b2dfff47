"""Progress of long work: a live display on a terminal, plain lines elsewhere, nothing beside JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from copilot.designers.account import Usage
from pipelines.accounting.progress import Progress
from pipelines.execution.design_ahead import DesignStatus

_SECONDS_BETWEEN_LINES = 10.0


class Display:
    """Counts what is reported and shows it on standard error."""

    def __init__(self, console: Console | None, live: RichProgress | None) -> None:
        self._console = console
        self._live = live
        self._task = live.add_task("", total=None, visible=False, figures="") if live else None
        self._n_todo = self._accepted = self._rejected = self._hq = 0
        self._audio_s = 0.0
        self._usage = Usage()
        self._design: DesignStatus | None = None
        self._started = self._said = time.monotonic()

    def start(self, n_todo: int, opening: Sequence[str]) -> None:
        """Say what there is to do."""
        self._n_todo = n_todo
        self._started = self._said = time.monotonic()
        for line in opening:
            self._say(line)
        if self._live and self._task is not None:
            self._live.update(self._task, total=n_todo, visible=n_todo > 0)

    def advance(self, progress: Progress) -> None:
        """Add what was reported."""
        self._accepted += progress.accepted
        self._rejected += progress.rejected
        self._hq += progress.hq
        self._audio_s += progress.audio_s
        self._usage += progress.usage
        self._show()

    def designing(self, design: DesignStatus) -> None:
        """Take in how the dialogues that are written ahead are getting on."""
        self._design = design
        self._show()

    def _show(self) -> None:
        if self._live and self._task is not None:
            n_done = self._accepted + self._rejected
            self._live.update(self._task, completed=n_done, figures=self._figures())
        elif self._console and time.monotonic() - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            self._say(f"{self._accepted + self._rejected}/{self._n_todo}  {self._figures()}")

    def _figures(self) -> str:
        elapsed_s = max(time.monotonic() - self._started, 1e-9)
        n_done = self._accepted + self._rejected
        left_s = (self._n_todo - n_done) * elapsed_s / n_done if n_done else 0.0
        figures = [
            f"accepted {self._accepted} (hq {self._hq})",
            f"rejected {self._rejected}",
            f"{n_done / elapsed_s:.1f}/s",
            f"{self._audio_s / elapsed_s:.0f}x real time",
            f"{left_s:.0f} s left",
        ]
        if self._design:
            figures += [f"writing {self._design.n_writing}, ready {self._design.n_ready}"]
            figures += [self._design.load] * bool(self._design.load)
        if self._usage.generated_tokens and self._accepted:
            figures += [f"{self._usage.generated_tokens / self._accepted:,.0f} tokens a sample"]
        return "  ".join(figures)

    def _say(self, line: str) -> None:
        if self._console:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def display(*, as_json: bool) -> Iterator[Display]:
    """Show progress in the way that fits where standard error goes."""
    if as_json:
        yield Display(None, None)
        return
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield Display(console, None)
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
    )
    with RichProgress(*columns, console=console) as live:
        yield Display(console, live)
