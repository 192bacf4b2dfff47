"""Waiting for processes that are not our children."""

from __future__ import annotations

import os
import select

import pytest

needs_pidfd = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for other processes by pidfd")


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
