"""A program with all processes that it begins: the processor time of each kind, and their memory over time.

What Ray begins outlives its parents, and much of it is never waited for, so that neither `getrusage` nor the
shell's `time` tells of it. Here every process below this one is looked at twice a second, and its last
figures are kept; on Linux orphans stay below this one. Children that lived between two looks are in a counter
of the parent that has waited for them. What is missed is the last half second of processes that are killed.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_LOOK_EVERY_S = 0.5
_POOLS = {f"({name}Worker": f"pool {name.lower()}" for name in ("Design", "Speech", "Sounds", "Mix")}


@dataclass(frozen=True)
class Memory:
    """Bytes of the processes of one kind at one moment: their own, without files and without shared memory.

    What lies in Ray's object store is thus nobody's.
    """

    at_s: float
    kind: str
    n_bytes: int


@dataclass(frozen=True)
class Ended:
    """How a program ended: what it wrote, how long it took, seconds of processor time by kind, memory."""

    output: str
    elapsed_s: float
    cpu_s: Mapping[str, float]
    memory: Sequence[Memory]

    @property
    def total_cpu_s(self) -> float:
        return sum(self.cpu_s.values())


def run(
    command: Sequence[str],
    *,
    extra: Mapping[str, str] | None = None,
    cpus: set[int] | None = None,
    memory_every_s: float | None = None,
) -> Ended:
    """Run a program on some processors, with `extra` in its environment. Raises SystemExit where it fails."""
    family, memory, began = _Family(), [], time.monotonic()
    next_s = began
    with tempfile.TemporaryFile("w+") as said:
        with subprocess.Popen(command, stdout=said, env=os.environ | dict(extra or {})) as process:
            if cpus:
                os.sched_setaffinity(process.pid, cpus)
            while process.poll() is None:
                family.look(process.pid)
                if memory_every_s and time.monotonic() >= next_s:
                    next_s = time.monotonic() + memory_every_s
                    memory += family.memory()
                time.sleep(_LOOK_EVERY_S)
        elapsed_s = time.monotonic() - began
        family.wait()
        said.seek(0)
        output = said.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}\n{output}")
    return Ended(output, elapsed_s, family.cpu_s(), memory)


@dataclass
class _Times:
    """Seconds of processor time: a process's own, of children that it has waited for, of those ever seen."""

    kind: str = "others"
    parent: int = 0
    own_s: float = 0.0
    waited_s: float = 0.0
    seen_s: float = 0.0


class _Family:
    """The processes that this one begins from now on, those that have ended included."""

    def __init__(self) -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._us = psutil.Process()
        self._known: dict[psutil.Process, _Times] = {}
        self._alive: dict[int, psutil.Process] = {}

    def look(self, program: int) -> None:
        """Take down the times of all that live."""
        alive = {one.pid: one for one in self._us.children(recursive=True)}
        for pid, one in self._alive.items():
            times = self._known[one]
            if alive.get(pid) != one and times.parent in alive:
                self._known[alive[times.parent]].seen_s += times.own_s + times.waited_s
        self._alive = {pid: one for pid, one in alive.items() if self._note(one, program)}

    def _note(self, one: psutil.Process, program: int) -> bool:
        try:
            with one.oneshot():
                times, parent = one.cpu_times(), one.ppid()
                kind = "driver" if one.pid == program else _kind(one.cmdline())
        except psutil.Error:
            return False
        known = self._known.setdefault(one, _Times())
        known.kind, known.parent = kind or known.kind, parent
        known.own_s = times.user + times.system
        # Only Linux tells.
        known.waited_s = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        return True

    def memory(self) -> list[Memory]:
        """The memory of each kind now."""
        found: dict[str, int] = defaultdict(int)
        for one in self._alive.values():
            with suppress(psutil.Error, OSError):
                found[self._known[one].kind] += _own_bytes(one)
        now_s = time.time()
        return [Memory(now_s, kind, n_bytes) for kind, n_bytes in found.items()]

    def wait(self) -> None:
        """Let what the program has left behind end."""
        psutil.wait_procs(list(self._alive.values()), timeout=30)

    def cpu_s(self) -> Mapping[str, float]:
        """Seconds by kind; what was waited for and never seen counts as its parent's."""
        total: dict[str, float] = defaultdict(float)
        for times in self._known.values():
            total[times.kind] += times.own_s + max(0.0, times.waited_s - times.seen_s)
        return dict(total)


def _own_bytes(process: psutil.Process) -> int:
    """Linux tells what is not mapped from anywhere; elsewhere it is what no other process has."""
    if sys.platform != "linux":
        return process.memory_full_info().uss
    lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))


def _kind(words: Sequence[str]) -> str:
    """What a process is, by its command; empty where that cannot be told."""
    if not words:
        return ""
    title, rest = words[0], " ".join(words[1:])
    if title.startswith("ray::"):
        pool = next((name for mark, name in _POOLS.items() if mark in title), None)
        return pool or ("watch" if "Watch" in title else "ray: other workers")
    if Path(title).name in {"raylet", "gcs_server"}:
        return f"ray: {Path(title).name}"
    if "/ray/" in rest:
        return "ray: helpers"
    if "engine_process" in rest:
        return "espeak"
    return "worker" if "forkserver" in rest else "others"
