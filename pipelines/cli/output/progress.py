"""Progress of a run: a live display on a terminal, plain lines elsewhere, nothing if JSON is printed."""

from __future__ import annotations

import os
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
_STOPPING = b"""
copilot: stopping: what is finished will be committed, and written dialogues kept. If that hangs, signal again
(Ctrl-C) to stop at once.
"""


class Display:
    """A sum of reported progress that shows itself on standard error."""

    def __init__(self, console: Console | None, live: RichProgress | None) -> None:
        self._console = console
        self._live = live
        self._task = live.add_task("", total=None, visible=False, text="") if live else None
        self._n_todo = self._accepted = self._rejected = self._hq = 0
        self._audio_s = 0.0
        self._usage = Usage()
        self._design: DesignStatus | None = None
        self._started = self._printed = time.monotonic()

    def start(self, n_todo: int, opening: Sequence[str]) -> None:
        """Start with the number of seeds to do, and print the opening lines."""
        self._n_todo = n_todo
        self._started = self._printed = time.monotonic()
        for line in opening:
            self._print(line)
        if self._live and self._task is not None:
            self._live.update(self._task, total=n_todo, visible=n_todo > 0)

    def advance(self, progress: Progress) -> None:
        """Add reported progress."""
        self._accepted += progress.accepted
        self._rejected += progress.rejected
        self._hq += progress.hq
        self._audio_s += progress.audio_s
        self._usage += progress.usage
        self._show()

    def show_design(self, design: DesignStatus) -> None:
        """Show the state of dialogues that are written ahead."""
        self._design = design
        self._show()

    def _show(self) -> None:
        if self._live and self._task is not None:
            n_done = self._accepted + self._rejected
            self._live.update(self._task, completed=n_done, text=self._describe())
        elif self._console and time.monotonic() - self._printed >= _SECONDS_BETWEEN_LINES:
            self._printed = time.monotonic()
            self._print(f"{self._accepted + self._rejected}/{self._n_todo}  {self._describe()}")

    def _describe(self) -> str:
        elapsed_s = max(time.monotonic() - self._started, 1e-9)
        n_done = self._accepted + self._rejected
        left = f"{(self._n_todo - n_done) * elapsed_s / n_done:.0f} s" if n_done else "unknown"
        parts = [
            f"accepted {self._accepted} (hq {self._hq})",
            f"rejected {self._rejected}",
            f"{n_done / elapsed_s:.1f} seeds/s",
            f"{self._audio_s / elapsed_s:.0f}x real time",
            f"time left: {left}",
        ]
        if self._design:
            parts += [f"writing {self._design.n_writing}, ready {self._design.n_ready}"]
            # On Ray only the use for committed dialogues is known.
            usage = self._design.usage or (self._usage if self._usage.requests else None)
            parts += [_describe_usage(usage)] if usage else []
            parts += [self._design.load] * bool(self._design.load)
        if self._usage.generated_tokens and self._accepted:
            parts += [f"{self._usage.generated_tokens / self._accepted:,.0f} tokens per sample"]
        return "  ".join(parts)

    @staticmethod
    def show_stop() -> None:
        """Say that the run is stopping. Called by a signal's handler: it takes no lock, and always shows."""
        os.write(sys.stderr.fileno(), _STOPPING)

    def _print(self, line: str) -> None:
        if self._console:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _describe_usage(usage: Usage) -> str:
    tokens = f"{usage.prompt_tokens:,} prompt and {usage.generated_tokens:,} generated tokens"
    return f"{usage.requests:,} replies, {tokens}, {usage.corrections:,} corrections"


@contextmanager
def show_progress(*, as_json: bool) -> Iterator[Display]:
    """Show progress as it fits standard error."""
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
        TextColumn("{task.fields[text]}"),
        TimeElapsedColumn(),
    )
    with RichProgress(*columns, console=console) as live:
        yield Display(console, live)
