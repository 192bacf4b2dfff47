"""Where files lie: a local folder, or whatever else fsspec reaches. Runs and stem stores use the same."""

from pipelines.storage.base import ReadableFile, Storage, StoredFile
from pipelines.storage.places import is_uri, open_storage, resolved

__all__ = ["ReadableFile", "Storage", "StoredFile", "is_uri", "open_storage", "resolved"]
