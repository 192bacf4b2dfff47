"""Connecting to Ray: what a start that fails says."""

from __future__ import annotations

import pytest

from copilot.errors import UserError
from pipelines.execution.ray.nodes import connect
from pipelines.planning.ray_settings import RaySettings

ray = pytest.importorskip("ray")


@pytest.mark.parametrize(
    ("reason", "has_remedy"),
    [
        ("validate_socket_filename failed: AF_UNIX path length cannot exceed 107 bytes: /long/path", True),
        ("the node timed out", False),
    ],
)
def test_a_long_temporary_folder_has_a_remedy(monkeypatch, reason, has_remedy):
    def fail(*_, **__):
        raise OSError(reason)

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", fail)
    with pytest.raises(UserError) as caught, connect(RaySettings()):
        pytest.fail("Ray has not started")
    assert caught.value.field == "executor"
    assert ("RAY_TMPDIR" in str(caught.value)) == has_remedy
