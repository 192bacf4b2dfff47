"""Places as users name them: a local path or a URI."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from pipelines.storage.base import Storage
from pipelines.storage.local import LocalStorage
from pipelines.storage.remote import RemoteStorage

_LOCAL = "file://"


def open_storage(place: str | Path) -> Storage:
    """The storage at a place. Raises UserError for a protocol not known, or whose package is missing."""
    return RemoteStorage(str(place)) if is_uri(place) else LocalStorage(_path(place))


def is_uri(place: str | Path) -> bool:
    """Whether a place is anywhere but in a local folder."""
    return "://" in str(place) and not str(place).startswith(_LOCAL)


def resolved(place: str | Path) -> str:
    """The one text of a place that all others of it have: a URI without its last slash, an absolute path."""
    return str(place).rstrip("/") if is_uri(place) else str(_path(place).resolve())


def _path(place: str | Path) -> Path:
    text = str(place)
    return Path(unquote(text.removeprefix(_LOCAL))) if text.startswith(_LOCAL) else Path(place)
