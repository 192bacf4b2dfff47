"""Waiting for processes, which may not be our children, and for what they do."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

import pytest

needs_pidfd = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for other processes by pidfd")

_COMES_WITHIN_S = 300


def comes_while(goes_on: Callable[[], bool], holds: Callable[[], object]) -> bool:
    """Whether something comes to hold while something else goes on, and within five minutes."""
    end_s = time.monotonic() + _COMES_WITHIN_S
    while not holds():
        if not goes_on():
            return bool(holds())
        if time.monotonic() > end_s:
            return False
        time.sleep(0.01)
    return True


def ended(pid: int) -> bool:
    """Whether the process ends within ten seconds; one that nobody has reaped counts as ended."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], 10.0)[0])
    finally:
        os.close(pidfd)
