"""Signals that ask a run to stop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from copilot.units import Seconds

_SAME_S: Seconds = 1.0
"""Signals within this time count as one: `timeout` and batch systems signal a process and then its group."""


@contextmanager
def interruptible(
    on_stop: Callable[[], None] = lambda: None, clock: Callable[[], Seconds] = time.monotonic
) -> Iterator[threading.Event]:
    """Turn Ctrl-C, and the SIGTERM of a batch system, into a request to stop; a second one stops at once.

    `on_stop` is called at the first signal, in the signal's handler, so that it is heard even if a backend
    hangs. The second raises KeyboardInterrupt.
    """
    stopping = threading.Event()
    asked_at: Seconds = 0.0

    def request_stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        nonlocal asked_at
        if not stopping.is_set():
            asked_at = clock()
            stopping.set()
            on_stop()
        elif clock() - asked_at > _SAME_S:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    before = {number: signal.signal(number, request_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
