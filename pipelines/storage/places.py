"""Places as users name them: a local path or a URI."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import unquote

from copilot.errors import UserError
from pipelines.storage.base import Storage
from pipelines.storage.local import LocalStorage
from pipelines.storage.remote import RemoteStorage

_LOCAL = "file://"
_MEMORY = "memory://"


def open_storage(place: str | Path) -> Storage:
    """Return the storage at a place. Raises UserError for an unknown protocol or a missing package."""
    return RemoteStorage(str(place)) if is_uri(place) else LocalStorage(_to_path(place))


def is_uri(place: str | Path) -> bool:
    """Return if a place is a URI of anything but a local folder."""
    return "://" in str(place) and not str(place).startswith(_LOCAL)


def resolve_place(place: str | Path) -> str:
    """Return the one form of a place: a URI without its last slash, or an absolute path."""
    return str(place).rstrip("/") if is_uri(place) else str(_to_path(place).resolve())


def _to_path(place: str | Path) -> Path:
    text = str(place)
    return Path(unquote(text.removeprefix(_LOCAL))) if text.startswith(_LOCAL) else expand_home(place)


def expand_home(path: str | Path) -> Path:
    """Return a path with the user's home for a leading `~`, which no shell has expanded in `--out=~/run`."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # no such user: a file's name
        return Path(path)


def require_lasting(place: str | Path, field: str) -> None:
    """Raise UserError for a place in memory, which each process has for itself until it ends."""
    if str(place).startswith(_MEMORY):
        raise UserError(
            f"{place}: is lost when the command ends; give a folder, or the URI of a store", field=field
        )


def find_free_bytes(place: str | Path) -> int | None:
    """Return the free bytes of the disk of a local place, which need not exist yet; None for a URI."""
    if is_uri(place):
        return None
    path = _to_path(place).absolute()
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    return shutil.disk_usage(nearest).free
