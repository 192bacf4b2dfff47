"""What the backends on torch share: device, precision, memory, model revisions, generators.

torch and the hub's client are imported where they are used, so that this module, and a fingerprint made
with it, cost nothing where they are not installed or not needed.
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
"""The environment variable that names a worker's device. No setting: it is not to change a stem's key."""

DType = Literal["auto", "bfloat16", "float16", "float32"]

_SAMPLE_BYTES = 1 << 20
_WHOLE_BYTES = 8 * _SAMPLE_BYTES
"""Files up to here are hashed whole: configurations, vocabularies. Larger ones are weights."""

_COMMIT = re.compile("[0-9a-f]{40}")
_HUB_TIMEOUT_S = 10.0

_OUT_OF_MEMORY = (
    "out of memory",  # CUDA's own, MPS
    "not enough memory",  # the CPU allocator on Windows
    "can't allocate memory",  # the CPU allocator elsewhere
    "ALLOC_FAILED",  # cuBLAS, cuDNN
)


def pick_device(asked: str | None) -> str:
    """The device asked for; without one, the first that is there of cuda, mps and cpu.

    Raises UserError for a device that is not there.
    """
    import torch  # noqa: PLC0415 - an extra

    if not asked:
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(asked)
    except RuntimeError:
        raise UserError(f"device {asked!r}: no such kind of device; give cuda, cuda:N, mps or cpu") from None
    there = {"cpu": 1, "mps": int(torch.backends.mps.is_available()), "cuda": torch.cuda.device_count()}
    count = there.get(device.type, 0)
    if (device.index or 0) >= count:
        hint = f"there are {count} of its kind" if count else f"no {device.type} device is there"
        raise UserError(f"device {asked!r}: {hint}; leave the device out to have one chosen")
    return asked


def pick_dtype(device: str, asked: DType = "auto") -> torch.dtype:
    """The precision of the model: as asked; `auto` is bfloat16 on cuda, float32 elsewhere."""
    import torch  # noqa: PLC0415 - an extra

    if asked == "auto":
        return torch.bfloat16 if device.startswith("cuda") else torch.float32
    return {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}[asked]


def precision(asked: DType) -> DType:
    """The precision by name, as it stands in stems' keys: `auto` is bfloat16 where there is a GPU of CUDA.

    Told without torch, and the same in every process of a machine, whatever device a worker is given.
    """
    if asked != "auto":
        return asked
    return "bfloat16" if visible_gpus() else "float32"


def generators(seeds: Sequence[int], device: str = "cpu") -> list[torch.Generator]:
    """One generator for each seed, so that an item's noise does not depend on its batch."""
    import torch  # noqa: PLC0415 - an extra

    return [torch.Generator(device).manual_seed(seed) for seed in seeds]


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turns a device's want of memory into BatchTooLargeError, after letting go of what the batch held.

    The work is best one call: what the block's own frame holds is still held when the cache is emptied.
    """
    import torch  # noqa: PLC0415 - an extra

    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_want_of_memory(error):
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


def _is_want_of_memory(error: BaseException) -> bool:
    import torch  # noqa: PLC0415 - an extra

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return any(sign in str(error) for sign in _OUT_OF_MEMORY)


def library_versions(*names: str) -> dict[str, str]:
    """Distributions with their versions, read without importing them; `none` for one that is missing.

    Without the part that names a build (`+cu128`): a key is to be the same wherever its run goes on.
    """
    return {name: _version(name) for name in names}


def _version(name: str) -> str:
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return "none"


def model_revision(model: str, revision: str | None) -> str:
    """What stands for a model's content: the hash of a local folder, or the commit of a hub name.

    Raises UserError with the remedy where there is neither such a folder nor a commit to be had.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _folder_hash(folder)
    if folder.is_absolute() or model.startswith((".", "~")) or model.count("/") != 1:
        raise UserError(
            f"model {model}: no such folder; give a folder that save_pretrained made, or OWNER/NAME"
        )
    return _hub_commit(model, revision)


def _folder_hash(folder: Path) -> str:
    """Hash of the files' names, sizes and content. Of a large one five stretches of 1 MiB are read."""
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


def _hub_commit(model: str, revision: str | None) -> str:
    """The commit that a hub name stands for, asked of the hub, or of the local cache where it is silent."""
    from huggingface_hub import HfApi  # noqa: PLC0415 - slow, and not needed for a folder

    if revision and _COMMIT.fullmatch(revision):
        return revision
    try:
        commit = HfApi().model_info(model, revision=revision, timeout=_HUB_TIMEOUT_S).sha
    except Exception as error:  # noqa: BLE001 - its transport's errors differ from version to version
        if commit := _cached_commit(model, revision):
            return commit
        where = f"model {model}" + (f" at revision {revision}" if revision else "")
        raise UserError(f"{where}: {hub_remedy(model, error)}") from None
    if commit is None:
        raise UserError(f"model {model}: the hub names no commit; give revision=COMMIT")
    return commit


def _cached_commit(model: str, revision: str | None) -> str | None:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    told = ["config.json", "model_index.json"]
    try:
        folder = snapshot_download(model, revision=revision, local_files_only=True, allow_patterns=told)
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return Path(folder).name


def hub_remedy(model: str, error: BaseException) -> str:
    """What went wrong with a hub name, and what to do about it."""
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
        return f"the repository has another form than is read here; give one that is converted, {local}"
    told = type(error).__name__
    return f"the hub cannot be asked ({told}); where there is a network: hf download {model}; {local}"
