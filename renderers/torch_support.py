"""Shared parts of the backends on torch: device, precision, memory, model revisions, generators.

torch and the hub's client are imported where they are used, so that this module, and a fingerprint made with
it, need neither.
"""

from __future__ import annotations

import hashlib
import re
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from copilot.errors import UserError
from renderers.contract import BatchTooLargeError
from renderers.device import visible_gpus

if TYPE_CHECKING:
    import torch

DEVICE_VARIABLE = "COPILOT_DEVICE"
"""The environment variable that names a worker's device. It is not a setting, which would change keys."""

DType = Literal["auto", "bfloat16", "float16", "float32"]

_SAMPLE_BYTES = 1 << 20
_WHOLE_BYTES = 8 * _SAMPLE_BYTES
"""Files up to this size are hashed whole: configurations, vocabularies. Larger ones are weights."""

_COMMIT = re.compile("[0-9a-f]{40}")
_HUB_TIMEOUT_S = 10.0

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


def get_library_versions(*names: str) -> dict[str, str]:
    """Return distributions with their versions, without importing them; `none` for one that is missing.

    The name of a build (`+cu128`) is left out, so that a key is the same wherever a run is resumed.
    """
    return {name: _get_version(name) for name in names}


def _get_version(name: str) -> str:
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return "none"


def find_model_revision(model: str, revision: str | None) -> str:
    """Return what identifies a model's content: the hash of a local folder, or the commit of a hub name.

    Raises UserError with the remedy if there is no such folder, and no commit can be found.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _hash_folder(folder)
    if folder.is_absolute() or model.startswith((".", "~")) or model.count("/") != 1:
        raise UserError(
            f"model {model}: no such folder; give a folder that save_pretrained made, or OWNER/NAME"
        )
    return _find_hub_commit(model, revision)


def _hash_folder(folder: Path) -> str:
    """Return the hash of the files' names, sizes and content; of a large file, five stretches of 1 MiB."""
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )
    if not files:
        raise UserError(f"model {folder}: an empty folder; give one that save_pretrained made")
    digest = hashlib.sha256()
    for file in files:
        size = file.stat().st_size
        digest.update(f"{file.relative_to(folder).as_posix()}\0{size}\0".encode())
        with file.open("rb") as opened:
            if size <= _WHOLE_BYTES:
                digest.update(opened.read())
                continue
            for part in range(5):
                opened.seek((size - _SAMPLE_BYTES) * part // 4)
                digest.update(opened.read(_SAMPLE_BYTES))
    return f"folder-{digest.hexdigest()[:16]}"


def _find_hub_commit(model: str, revision: str | None) -> str:
    """Return the commit of a hub name, from the hub, or from the local cache if the hub does not answer."""
    from huggingface_hub import HfApi  # noqa: PLC0415 - slow, and not needed for a folder

    if revision and _COMMIT.fullmatch(revision):
        return revision
    try:
        commit = HfApi().model_info(model, revision=revision, timeout=_HUB_TIMEOUT_S).sha
    except Exception as error:  # noqa: BLE001 - its transport's errors differ from version to version
        if commit := _find_cached_commit(model, revision):
            return commit
        where = f"model {model}" + (f" at revision {revision}" if revision else "")
        raise UserError(f"{where}: {describe_hub_error(model, error)}") from None
    if commit is None:
        raise UserError(f"model {model}: the hub names no commit; give revision=COMMIT")
    return commit


def _find_cached_commit(model: str, revision: str | None) -> str | None:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    patterns = ["config.json", "model_index.json"]
    try:
        folder = snapshot_download(model, revision=revision, local_files_only=True, allow_patterns=patterns)
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return Path(folder).name


def describe_hub_error(model: str, error: BaseException) -> str:
    """Return what went wrong with a hub name, and what to do about it."""
    from huggingface_hub import errors  # noqa: PLC0415 - slow

    local = "or give a local folder"
    if isinstance(error, errors.GatedRepoError):
        page = f"https://huggingface.co/{model}"
        return (
            f"its repository is gated; accept its licence at {page}, then log in with: hf auth login; {local}"
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"no such folder, and no such repository on the hub; if it is private: hf auth login; {local}"
    if isinstance(error, errors.RevisionNotFoundError):
        return "the repository has no such revision; give a branch, a tag or a commit"
    if isinstance(error, errors.HFValidationError):
        return "neither a folder nor a hub's OWNER/NAME; give one of them"
    if isinstance(error, errors.EntryNotFoundError) and not isinstance(error, errors.LocalEntryNotFoundError):
        return f"the repository has a form that is not supported; give one that is converted, {local}"
    kind = type(error).__name__
    return f"the hub does not answer ({kind}); on a machine with a network: hf download {model}; {local}"
