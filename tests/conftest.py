"""What holds for all tests."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

# Slow machines are not faults. Where CI says so, the examples are the same each time.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Tests run beside each other: BLAS threads would only wait for one another."""
    with threadpool_limits(1):
        yield
