"""Select the seeds of a run: drop duplicates, and draw a number by hash.

Neither depends on the order in which the seeds were read. Memory is about 100 bytes per seed, whatever its
length: the texts are in a temporary file, and only those that are drawn are read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import tempfile
import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

import numpy as np

from copilot.errors import StorageFullError
from copilot.hashing import derive_random_seed
from copilot.seed import Seed

_DIGEST_BYTES = 16
_SPOOL_BYTES = 64 << 20  # up to this size, texts stay in memory


def draw_seeds(seeds: Iterable[Seed], num: int | None, run_seed: int) -> tuple[Seed, ...]:
    """Return the `num` seeds with the smallest hashes of (run seed, id), in the order of these hashes.

    Returns all if `num` is None or larger than their number. A larger `num` gives the same seeds first. The
    ids must be distinct.
    """

    def rank(seed: Seed) -> tuple[int, str]:
        return derive_random_seed("draw-seeds", run_seed, seed.id), seed.id

    return tuple(sorted(seeds, key=rank) if num is None else heapq.nsmallest(num, seeds, key=rank))


class SeedPool:
    """A pool of seeds, from which duplicates are dropped.

    Every method raises StorageFullError if the temporary file cannot be written or read.
    """

    def __init__(self) -> None:
        self._spool = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115 - closed in __exit__
        self._offsets = array("Q")
        self._end = 0
        self._id_digests = bytearray()
        self._text_digests = bytearray()
        self._kept = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # On a full disk, closing fails like the write before it, which has been reported.
        with contextlib.suppress(OSError):
            self._spool.close()

    def __len__(self) -> int:
        """Return the number of seeds that were added and not dropped."""
        return sum(self._kept)

    def __iter__(self) -> Iterator[Seed]:
        """Yield the seeds that were not dropped, in the order in which they were added."""
        return (self.seed_at(row) for row, kept in enumerate(self._kept) if kept)

    def seed_at(self, row: int) -> Seed:
        """Return the seed that was added as number `row`, from 0, dropped or not."""
        with _spool_errors():
            self._spool.seek(self._offsets[row])
            record = self._spool.readline()
        seed_id, text, *requests = record.decode().rstrip("\n").split("\t")
        return Seed(seed_id, text, requests=tuple(requests))

    def add(self, seed: Seed) -> None:
        """Add a seed. Its id, text and requests have no tab and no line feed."""
        record = ("\t".join([seed.id, seed.text, *seed.requests]) + "\n").encode()
        with _spool_errors():
            self._spool.seek(self._end)
            self._spool.write(record)
        self._offsets.append(self._end)
        self._end += len(record)
        self._id_digests += _digest(seed.id)
        self._text_digests += _digest(unicodedata.normalize("NFC", _join_texts(seed).casefold()))
        self._kept.append(1)

    def drop_duplicates(self) -> list[int]:
        """Drop seeds whose texts and requests are equal but for case, except the one with the smallest id."""
        return self._drop(self._text_digests, key=lambda seed: (seed.id, seed.text))

    def drop_clashes(self) -> list[int]:
        """Drop seeds with one id and several texts, except the one with the smallest text."""
        return self._drop(self._id_digests, key=lambda seed: seed.text)

    def _drop(self, digests: bytearray, key: Callable[[Seed], Any]) -> list[int]:
        """Keep one seed, the smallest by `key`, for each digest, and return the rows that were dropped."""
        rows = np.flatnonzero(np.frombuffer(bytes(self._kept), dtype=np.bool_))
        values = np.array(memoryview(digests)).view(f"S{_DIGEST_BYTES}")[rows]
        order = np.argsort(values, kind="stable")
        values, rows = values[order], rows[order]
        starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
        lengths = np.diff(np.append(starts, len(values)))
        dropped = []
        for start, length in zip(starts[lengths > 1], lengths[lengths > 1], strict=True):
            group = sorted(rows[start : start + length].tolist(), key=lambda row: key(self.seed_at(row)))
            dropped += group[1:]
        for row in dropped:
            self._kept[row] = 0
        return dropped


@contextlib.contextmanager
def _spool_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageFullError(
            f"cannot keep the texts of seeds in {tempfile.gettempdir()}: {error.strerror}; "
            f"free space there, or set TMPDIR to another folder"
        ) from error


def _join_texts(seed: Seed) -> str:
    return "\t".join([seed.text, *seed.requests[1:]])


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest()
