"""Progress of work that is counted row by row: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES = 10.0


class Counting:
    """Counts what is done and shows it on standard error."""

    def __init__(self, console: Console | None, live: Progress | None) -> None:
        self._console = console
        self._live = live
        self._task = live.add_task("", total=None, visible=False, rate="") if live else None
        self._n_todo = self._n_done = 0
        self._started = self._said = time.monotonic()

    def start(self, n_todo: int) -> None:
        """Say how much there is to do."""
        self._n_todo = n_todo
        self._started = self._said = time.monotonic()
        if self._live and self._task is not None:
            self._live.update(self._task, total=n_todo, visible=n_todo > 0)

    def advance(self, n_done: int = 1) -> None:
        """Add what was done."""
        self._n_done += n_done
        now = time.monotonic()
        rate = f"{self._n_done / max(now - self._started, 1e-9):.1f}/s"
        if self._live and self._task is not None:
            self._live.update(self._task, completed=self._n_done, rate=rate)
        elif self._console and now - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = now
            self._console.print(f"{self._n_done}/{self._n_todo}  {rate}", highlight=False)


@contextmanager
def counting(*, as_json: bool) -> Iterator[Counting]:
    """Show progress in the way that fits where standard error goes; nothing beside JSON."""
    console = Console(file=sys.stderr)
    if as_json or not console.is_terminal:
        yield Counting(None if as_json else console, None)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
    with Progress(*columns, console=console) as live:
        yield Counting(console, live)
