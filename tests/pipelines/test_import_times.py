"""Modules behind quick commands import without heavy libraries."""

from __future__ import annotations

import pytest
from helpers.imports import HEAVY, loaded_by

# They check and count: arrays and values are all that they need.
NOT_NEEDED = (HEAVY - {"numpy", "pydantic"}) | {
    *("copilot.audio", "pipelines.backends", "pipelines.config", "pipelines.execution", "pipelines.stages"),
    "renderers",
}


@pytest.mark.parametrize(
    "module", ["pipelines.inspection.status", "pipelines.run.ledger", "pipelines.storage"]
)
def test_a_light_module_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}") & NOT_NEEDED == set()
