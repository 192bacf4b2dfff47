"""A store of stems by their key: each is rendered once, and shared by dialogues and runs."""

from pipelines.stem_store.store import StemStore

__all__ = ["StemStore"]
