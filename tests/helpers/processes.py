"""Waits for processes, which need not be children of this one, and for what they do."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

import pytest

needs_pidfd = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for other processes by pidfd")

_TIMEOUT_S = 300


def wait_while(running: Callable[[], bool], condition: Callable[[], object]) -> bool:
    """Wait for a condition while something is running; return whether it came true, within five minutes."""
    end_s = time.monotonic() + _TIMEOUT_S
    while not condition():
        if not running():
            return bool(condition())
        if time.monotonic() > end_s:
            return False
        time.sleep(0.01)
    return True


def wait_for_exit(pid: int) -> bool:
    """Return whether the process ends within ten seconds; a zombie counts as ended."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], 10.0)[0])
    finally:
        os.close(pidfd)
