"""Which device a worker's child process works on, told by its environment before it loads anything."""

from __future__ import annotations

import os
import re
from pathlib import Path

from copilot.errors import UserError
from renderers.contract import RenderSettings


def environment(work: RenderSettings) -> dict[str, str]:
    """The environment of this process, with COPILOT_DEVICE and CUDA_VISIBLE_DEVICES as `work` has them.

    A child that gets a GPU sees that one alone, as `cuda`: libraries that know only the first GPU are then
    right, and none takes memory on another. `cuda:N` counts the GPUs that are visible here. Raises UserError
    as `check`.
    """
    told = dict(os.environ)
    if work.device is None:
        gpus = visible_gpus()
        return {**told, "CUDA_VISIBLE_DEVICES": gpus[work.worker % len(gpus)]} if gpus else told
    check(work.device)
    _, numbered, number = work.device.partition(":")
    if not numbered:
        return {**told, "COPILOT_DEVICE": work.device}
    gpus = visible_gpus()
    gpu = number if gpus is None else gpus[int(number)]
    return {**told, "COPILOT_DEVICE": "cuda", "CUDA_VISIBLE_DEVICES": gpu}


def check(device: str) -> None:
    """Raises UserError where a device has no name that is known, or is a GPU that is not there."""
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", device):
        raise UserError(f"--device {device}: is no device; give cpu, mps, cuda or cuda:N")
    gpus = visible_gpus()
    kind, _, number = device.partition(":")
    if kind == "cuda" and gpus is not None and int(number or 0) >= len(gpus):
        there = ", ".join(f"cuda:{n}" for n in range(len(gpus))) or "no GPU"
        raise UserError(f"--device {device}: is not there, but {there}; give one that is, or cpu")


def visible_gpus() -> list[str] | None:
    """The GPUs that CUDA shows here, as CUDA_VISIBLE_DEVICES names them; None where that cannot be told."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [gpu.strip() for gpu in named.split(",") if gpu.strip() not in {"", "-1", "NoDevFiles"}]
    nodes = [node for node in Path("/dev").glob("nvidia*") if re.fullmatch(r"nvidia\d+", node.name)]
    return [str(number) for number in range(len(nodes))] or None
