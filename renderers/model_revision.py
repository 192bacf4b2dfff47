"""Identities of models and libraries, for fingerprints: by content, not by name or place.

The hub's client is imported where it is used, so that a local folder does not need it.
"""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from copilot.errors import UserError

_SAMPLE_BYTES = 1 << 20
_WHOLE_BYTES = 8 * _SAMPLE_BYTES
"""Files up to this size are hashed whole: configurations, vocabularies. Larger ones are weights."""

_COMMIT = re.compile("[0-9a-f]{40}")
_HUB_TIMEOUT_S = 10.0


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
    folder = find_model_folder(model)
    if folder is not None:
        return _hash_folder(folder)
    path = Path(model).expanduser()
    if path.is_absolute() or model.startswith((".", "~")) or model.count("/") != 1:
        raise UserError(f"model {model}: no such folder; give the folder of a model, or OWNER/NAME")
    return _find_hub_commit(model, revision)


def find_model_folder(model: str) -> Path | None:
    """Return the folder that a model is in; None if it is a name of the hub, or does not exist."""
    folder = Path(model).expanduser()
    return folder if folder.is_dir() else None


def hash_model_file(file: Path) -> str:
    """Return the hash of a model that is one file. Raises UserError if it does not exist."""
    if not file.is_file():
        raise UserError(f"model {file}: no such file; give the path of the file with its weights")
    digest = hashlib.sha256()
    _add_file(digest, file, "")
    return f"file-{digest.hexdigest()[:16]}"


def _hash_folder(folder: Path) -> str:
    """Return the hash of the files' names, sizes and content; of a large file, five stretches of 1 MiB."""
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )
    if not files:
        raise UserError(f"model {folder}: an empty folder; give the folder of a model")
    digest = hashlib.sha256()
    for file in files:
        _add_file(digest, file, file.relative_to(folder).as_posix())
    return f"folder-{digest.hexdigest()[:16]}"


def _add_file(digest: hashlib._Hash, file: Path, name: str) -> None:
    size = file.stat().st_size
    digest.update(f"{name}\0{size}\0".encode())
    with file.open("rb") as opened:
        if size <= _WHOLE_BYTES:
            digest.update(opened.read())
            return
        for part in range(5):
            opened.seek((size - _SAMPLE_BYTES) * part // 4)
            digest.update(opened.read(_SAMPLE_BYTES))


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
