"""Stems by their key: rendered once, and shared by dialogues and runs."""

from pipelines.stem_store.store import StemStore

__all__ = ["StemStore"]
