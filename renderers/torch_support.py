"""Shared parts of the backends on torch: device, precision, memory, generators.

torch is imported where it is used, so that this module, and a fingerprint made with it, do not need it.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from copilot.errors import UserError
from renderers.contract import BatchTooLargeError
from renderers.device import visible_gpus

if TYPE_CHECKING:
    import torch

DEVICE_VARIABLE = "COPILOT_DEVICE"
"""The environment variable that names a worker's device. It is not a setting, which would change keys."""

DType = Literal["auto", "bfloat16", "float16", "float32"]

_OUT_OF_MEMORY = (
    "out of memory",  # CUDA's own, MPS
    "not enough memory",  # the CPU allocator on Windows
    "can't allocate memory",  # the CPU allocator elsewhere
    "ALLOC_FAILED",  # cuBLAS, cuDNN
)


def pick_device(requested: str | None) -> str:
    """Return the requested device; default: the first available one of cuda, mps and cpu.

    Raises UserError for a device that is not available.
    """
    import torch  # noqa: PLC0415 - an extra

    if not requested:
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(requested)
    except RuntimeError:
        raise UserError(
            f"unknown device {requested!r}; give cuda, cuda:N, mps or cpu", field="device"
        ) from None
    available = {"cpu": 1, "mps": int(torch.backends.mps.is_available()), "cuda": torch.cuda.device_count()}
    count = available.get(device.type, 0)
    if (device.index or 0) >= count:
        hint = f"there are {count} of its kind" if count else f"there is no {device.type} device"
        raise UserError(
            f"{requested} not found: {hint}; leave the device out to use the best one", field="device"
        )
    return requested


def pick_dtype(device: str, requested: DType = "auto") -> torch.dtype:
    """Return the precision of the model: as requested; `auto` is bfloat16 on cuda, float32 elsewhere."""
    import torch  # noqa: PLC0415 - an extra

    if requested == "auto":
        return torch.bfloat16 if device.startswith("cuda") else torch.float32
    return {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}[requested]


def resolve_precision(requested: DType) -> DType:
    """Return the precision by name, as it is in stems' keys: `auto` is bfloat16 if CUDA has a GPU here.

    Needs no torch, and is the same in every process of a machine, whatever a worker's device is.
    """
    if requested != "auto":
        return requested
    return "bfloat16" if visible_gpus() else "float32"


def make_generators(seeds: Sequence[int], device: str = "cpu") -> list[torch.Generator]:
    """Return one generator per seed, so that an item's noise does not depend on its batch."""
    import torch  # noqa: PLC0415 - an extra

    return [torch.Generator(device).manual_seed(seed) for seed in seeds]


@contextmanager
def translate_memory_errors() -> Iterator[None]:
    """Turn a device's lack of memory into BatchTooLargeError, after releasing the memory of the batch.

    The block should be a single call: objects in the block's own frame are still alive when the cache is
    emptied.
    """
    import torch  # noqa: PLC0415 - an extra

    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_memory_error(error):
            raise
        detail = (str(error) or type(error).__name__).splitlines()[0]
        traceback.clear_frames(error.__traceback__)
    else:
        return
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
    raise BatchTooLargeError(f"{detail}; a smaller batch may fit") from None


def _is_memory_error(error: BaseException) -> bool:
    import torch  # noqa: PLC0415 - an extra

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return any(sign in str(error) for sign in _OUT_OF_MEMORY)
