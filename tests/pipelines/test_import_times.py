"""Modules behind quick commands import without heavy libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "datasets", "duckdb", "jinja2", "matplotlib", "openai", "pedalboard", "pyarrow", "pyloudnorm", "ray",
    "scipy", "soundfile", "soxr", "torch", "transformers", "typer",
    "copilot.audio", "pipelines.backends", "pipelines.config", "pipelines.execution", "pipelines.stages",
    "renderers",
)  # fmt: skip


@pytest.mark.parametrize(
    "module", ["pipelines.inspection.status", "pipelines.run.ledger", "pipelines.storage"]
)
def test_a_light_module_loads_nothing_heavy(module: str) -> None:
    program = f"import sys, {module}; print(*(name for name in {HEAVY} if name in sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    assert loaded.split() == []
