"""Identity and randomness from content: canonical JSON, its hash, and random seeds derived from it.

Nothing here depends on order, position, time or global state: equal content gives equal hashes and equal
draws, in every process and on every machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def canonical_json(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return JSON with sorted keys, no white space, no NaN: equal values give equal text.

    Raises ValueError for NaN and infinities, TypeError for a type that JSON does not have.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return the SHA-256 of the canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def derive_random_seed(*parts: str | int) -> int:
    """Return a random seed in [0, 2**63) from the parts, such as (run seed, seed id, turn, element id)."""
    digest = hashlib.sha256(canonical_json(list(parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def derive_rng(*parts: str | int) -> np.random.Generator:
    """Return a random generator seeded by the parts: PCG64, whose stream NumPy keeps stable."""
    return np.random.Generator(np.random.PCG64(derive_random_seed(*parts)))


def draw(options: Sequence[T], *parts: str | int) -> T:
    """Draw one of `options` evenly, by the hash of the parts. Raises ValueError if `options` is empty."""
    if not options:
        raise ValueError("draw: no options to draw from")
    return options[derive_random_seed(*parts) % len(options)]
