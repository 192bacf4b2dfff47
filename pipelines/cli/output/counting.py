"""Progress of work that is counted by rows: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES = 10.0


class RowCounter:
    """A counter of rows that shows itself on standard error."""

    def __init__(self, console: Console | None, live: Progress | None) -> None:
        self._console = console
        self._live = live
        self._task = live.add_task("", total=None, visible=False, rate="") if live else None
        self._n_todo = self._n_done = 0
        self._started = self._printed = time.monotonic()

    def start(self, n_todo: int) -> None:
        """Start with the number of rows to do."""
        self._n_todo = n_todo
        self._started = self._printed = time.monotonic()
        if self._live and self._task is not None:
            self._live.update(self._task, total=n_todo, visible=n_todo > 0)

    def advance(self, n_done: int = 1) -> None:
        """Add rows that are done."""
        self._n_done += n_done
        now = time.monotonic()
        rate = f"{self._n_done / max(now - self._started, 1e-9):.1f}/s"
        if self._live and self._task is not None:
            self._live.update(self._task, completed=self._n_done, rate=rate)
        elif self._console and now - self._printed >= _SECONDS_BETWEEN_LINES:
            self._printed = now
            self._console.print(f"{self._n_done}/{self._n_todo}  {rate}", highlight=False)


@contextmanager
def show_row_count(*, as_json: bool) -> Iterator[RowCounter]:
    """Show progress as it fits standard error; nothing if the command prints JSON."""
    console = Console(file=sys.stderr)
    if as_json or not console.is_terminal:
        yield RowCounter(None if as_json else console, None)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=console) as live:
        yield RowCounter(console, live)
