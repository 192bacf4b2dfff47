"""Places as users name them: a local path or a URI."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from pipelines.storage.base import Storage
from pipelines.storage.local import LocalStorage
from pipelines.storage.remote import RemoteStorage

_LOCAL = "file://"


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
    return Path(unquote(text.removeprefix(_LOCAL))) if text.startswith(_LOCAL) else Path(place)
