"""Where a stem store lies: a local folder, or whatever else fsspec reaches."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from pipelines.stem_store.local import LocalStorage
from pipelines.stem_store.remote import RemoteStorage
from pipelines.stem_store.storage import Storage


def open_storage(place: str | Path) -> Storage:
    """The storage at a local path or a URI. Raises UserError for a protocol not known or not installed."""
    text = str(place)
    if text.startswith("file://"):
        return LocalStorage(Path(unquote(text.removeprefix("file://"))))
    return RemoteStorage(text) if "://" in text else LocalStorage(Path(place))
