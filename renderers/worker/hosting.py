"""Backends of the registries in child processes: their command, environment and errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from copilot.errors import CopilotError
from renderers.contract import BatchTooLargeError, RenderSettings
from renderers.device import make_environment
from renderers.worker.scripts.worker_protocol import WorkerError


def make_host_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of the project in a child process."""
    return [sys.executable, "-P", "-m", module, *arguments]


def make_host_environment(render_settings: RenderSettings) -> dict[str, str]:
    """Return the child's environment, with its device and with this process's path.

    Raises UserError as `make_environment`.
    """
    # Backends may come from anywhere on this path, so the child needs all of it.
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    return {**make_environment(render_settings), "PYTHONPATH": path}


@contextmanager
def send_errors() -> Iterator[None]:
    """Turn the project's own errors into those of the protocol."""
    try:
        yield
    except BatchTooLargeError as error:
        raise WorkerError("out-of-memory", str(error)) from error
    except CopilotError as error:
        raise WorkerError("cannot-work", str(error)) from error
