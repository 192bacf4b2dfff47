"""Keep freed memory in a worker's process, since it is soon needed again."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_LARGEST_MMAP_THRESHOLD = 32 * 2**20
_KEPT_BYTES = 2**30
_TWO_HEAPS = 2 * 64 * 2**20
"""glibc keeps a thread's memory in heaps of 64 MiB. It returns a free last heap only if that and the free
part of the previous one exceed this size: they never do."""


def keep_freed_memory() -> None:
    """Let glibc keep what this process frees: 1 GiB of the main thread's, all of other threads'.

    Audio comes in arrays of some megabytes. Returned and requested again, each costs a page fault for every
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
