"""The memory of a worker: freed memory is kept, since it is needed again in a moment."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_LARGEST_MMAP_THRESHOLD = 32 * 2**20
_KEPT_BYTES = 2**30
_TWO_HEAPS = 2 * 64 * 2**20
"""A thread's memory lies in heaps of 64 MiB. A free last heap is given back if it and the free part of the
one before are more than this: they never are."""


def keep_freed_memory() -> None:
    """Let glibc keep what this process frees: 1 GiB of the main thread's, all of other threads'.

    Audio comes in arrays of some megabytes. Given back and requested again, each costs a page fault for every
    4 KiB, which doubles the time of a mix and of a shard. Other C libraries are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return
    pa.set_memory_pool(pa.system_memory_pool())
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_TOP_PAD, _TWO_HEAPS)
