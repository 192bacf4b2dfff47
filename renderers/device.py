"""Which device a worker's child process works on, told by its environment before it loads anything."""

from __future__ import annotations

import os
import re
from pathlib import Path

from copilot.errors import UserError
from renderers.base import RenderWork


def environment(work: RenderWork) -> dict[str, str]:
    """The environment of this process, with COPILOT_DEVICE and CUDA_VISIBLE_DEVICES as `work` has them.

    A child that gets a GPU sees that one alone, as `cuda`: libraries that know only the first GPU are then
    right, and none takes memory on another. `cuda:N` counts the GPUs that are visible here. Raises UserError
    where there is no such one.
    """
    told = dict(os.environ)
    if work.device is None:
        gpus = visible_gpus()
        return {**told, "CUDA_VISIBLE_DEVICES": gpus[work.worker % len(gpus)]} if gpus else told
    if not (numbered := re.fullmatch(r"cuda:(\d+)", work.device)):
        return {**told, "COPILOT_DEVICE": work.device}
    gpus, number = visible_gpus(), int(numbered[1])
    if gpus is not None and number >= len(gpus):
        there = ", ".join(f"cuda:{n}" for n in range(len(gpus))) or "no GPU"
        raise UserError(f"--device {work.device}: is not there, but {there}; give one that is, or cpu")
    gpu = str(number) if gpus is None else gpus[number]
    return {**told, "COPILOT_DEVICE": "cuda", "CUDA_VISIBLE_DEVICES": gpu}


def visible_gpus() -> list[str] | None:
    """The GPUs that CUDA shows here, as CUDA_VISIBLE_DEVICES names them; None where that cannot be told."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [gpu.strip() for gpu in named.split(",") if gpu.strip() not in {"", "-1", "NoDevFiles"}]
    nodes = [node for node in Path("/dev").glob("nvidia*") if re.fullmatch(r"nvidia\d+", node.name)]
    return [str(number) for number in range(len(nodes))] or None
