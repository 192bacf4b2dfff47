"""What holds for all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

# Slow machines are not faults.
settings.register_profile("default", deadline=None)
settings.load_profile("default")


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Tests run beside each other: BLAS threads would only wait for one another."""
    with threadpool_limits(1):
        yield
