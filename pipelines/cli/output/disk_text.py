"""The disk that a run will take, in a line or two, before it starts."""

from __future__ import annotations

from collections.abc import Iterator

from rich.filesize import decimal

from pipelines.config import RunConfig
from pipelines.planning.disk import estimate_disk
from pipelines.storage.places import find_free_bytes


def describe_disk(config: RunConfig, n: int | None, out: str | None, store: str | None) -> Iterator[str]:
    """Yield the estimate for a dialogue and for `n`, and a warning if `out` has less room than that.

    `store` is the stem store, if it is not in the run.
    """
    use = estimate_disk(config)
    kept = use.sum_kept(config.keep)
    total = kept + use.store
    parts = f"{_format(kept)} in shards by --keep {config.keep}, up to {_format(use.store)} in the stem store"
    several = f"; {_format(total * n)} for {n:,} seeds" if n else ""
    yield f"disk, roughly: {_format(total)} a dialogue ({parts}){several}"
    free = find_free_bytes(out) if out and n else None
    if free is not None and n and (needed := (kept if store else total) * n) > free:
        yield f"not enough disk: {out} needs about {_format(needed)}, and {_format(free)} are free there"


def _format(n_bytes: float) -> str:
    return decimal(round(n_bytes))
