"""Storage of files in a local folder, or behind any URI that fsspec opens. Runs and stem stores use it."""

from pipelines.storage.base import ReadableFile, Storage, StoredFile
from pipelines.storage.places import expand_home, is_uri, open_storage, require_lasting, resolve_place

__all__ = [
    "ReadableFile",
    "Storage",
    "StoredFile",
    "expand_home",
    "is_uri",
    "open_storage",
    "require_lasting",
    "resolve_place",
]
