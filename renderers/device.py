"""Devices of child processes, which learn theirs from the environment before they load anything."""

from __future__ import annotations

import os
import re
from pathlib import Path

from copilot.errors import UserError
from renderers.contract import RenderSettings


def make_environment(render_settings: RenderSettings) -> dict[str, str]:
    """Return this process's environment, with COPILOT_DEVICE and CUDA_VISIBLE_DEVICES set.

    A child that gets a GPU sees that one alone, as `cuda`: libraries that know only the first GPU are then
    right, and none allocates memory on another. `cuda:N` counts the GPUs that are visible here. Raises
    UserError as `require_device`.
    """
    environment = dict(os.environ)
    if render_settings.device is None:
        gpus = visible_gpus()
        if gpus:
            environment["CUDA_VISIBLE_DEVICES"] = gpus[render_settings.worker % len(gpus)]
        return environment
    require_device(render_settings.device)
    kind, _, number = render_settings.device.partition(":")
    environment["COPILOT_DEVICE"] = kind
    if number:
        gpus = visible_gpus()
        environment["CUDA_VISIBLE_DEVICES"] = number if gpus is None else gpus[int(number)]
    return environment


def require_device(device: str) -> None:
    """Raise UserError if a device has an unknown name, or is a GPU that this machine does not have."""
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", device):
        raise UserError(f"unknown device {device!r}; give cpu, mps, cuda or cuda:N", field="device")
    gpus = visible_gpus()
    kind, _, number = device.partition(":")
    if kind == "cuda" and gpus is not None and int(number or 0) >= len(gpus):
        available = ", ".join([*(f"cuda:{n}" for n in range(len(gpus))), "cpu"])
        raise UserError(f"{device} not found; available: {available}", field="device")


def visible_gpus() -> list[str] | None:
    """Return the GPUs that CUDA shows here, as CUDA_VISIBLE_DEVICES names them; None if that is unknown."""
    stated = os.environ.get("CUDA_VISIBLE_DEVICES")
    if stated is not None:
        return [gpu.strip() for gpu in stated.split(",") if gpu.strip() not in {"", "-1", "NoDevFiles"}]
    nodes = [node for node in Path("/dev").glob("nvidia*") if re.fullmatch(r"nvidia\d+", node.name)]
    return [str(number) for number in range(len(nodes))] or None
