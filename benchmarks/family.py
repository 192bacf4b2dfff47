"""Run a program and measure all its processes: the processor time of each kind, and their memory over time.

Ray's processes outlive their parents, and many are never waited for, so neither `getrusage` nor the shell's
`time` counts them. Here every process below this one is sampled twice a second, and its last figures are
kept; on Linux orphans stay below this one. Children that lived between two samples are in a counter of the
parent that waited for them. The last half second of processes that are killed is not counted.
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
_SAMPLE_EVERY_S = 0.5
_POOLS = {f"({name}Worker": f"pool {name.lower()}" for name in ("Design", "Speech", "Sounds", "Mix")}


@dataclass(frozen=True)
class Memory:
    """Bytes that the processes of one kind have to themselves at one moment.

    Files and shared memory, and so Ray's object store, are not counted.
    """

    at_s: float
    kind: str
    n_bytes: int


@dataclass(frozen=True)
class ProgramEnd:
    """The end of a program: its output, its duration, seconds of processor time by kind, memory samples."""

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
) -> ProgramEnd:
    """Run a program on some processors, with `extra` in its environment. Raises SystemExit if it fails."""
    family, memory, began = _Family(), [], time.monotonic()
    next_s = began
    with tempfile.TemporaryFile("w+") as stdout:
        with subprocess.Popen(command, stdout=stdout, env=os.environ | dict(extra or {})) as process:
            if cpus:
                os.sched_setaffinity(process.pid, cpus)
            while process.poll() is None:
                family.sample(process.pid)
                if memory_every_s and time.monotonic() >= next_s:
                    next_s = time.monotonic() + memory_every_s
                    memory += family.read_memory()
                time.sleep(_SAMPLE_EVERY_S)
        elapsed_s = time.monotonic() - began
        family.wait()
        stdout.seek(0)
        output = stdout.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}\n{output}")
    return ProgramEnd(output, elapsed_s, family.cpu_s(), memory)


@dataclass
class _Times:
    """Seconds of processor time: of a process, of children that it waited for, of those that were sampled."""

    kind: str = "others"
    parent: int = 0
    own_s: float = 0.0
    waited_s: float = 0.0
    seen_s: float = 0.0


class _Family:
    """The processes that this one starts from now on, ended ones included."""

    def __init__(self) -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._us = psutil.Process()
        self._known: dict[psutil.Process, _Times] = {}
        self._alive: dict[int, psutil.Process] = {}

    def sample(self, program: int) -> None:
        """Record the times of all live processes."""
        alive = {one.pid: one for one in self._us.children(recursive=True)}
        for pid, one in self._alive.items():
            times = self._known[one]
            if alive.get(pid) != one and times.parent in alive:
                self._known[alive[times.parent]].seen_s += times.own_s + times.waited_s
        self._alive = {pid: one for pid, one in alive.items() if self._record(one, program)}

    def _record(self, one: psutil.Process, program: int) -> bool:
        try:
            with one.oneshot():
                times, parent = one.cpu_times(), one.ppid()
                kind = "driver" if one.pid == program else _identify(one.cmdline())
        except psutil.Error:
            return False
        known = self._known.setdefault(one, _Times())
        known.kind, known.parent = kind or known.kind, parent
        known.own_s = times.user + times.system
        # Only on Linux.
        known.waited_s = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        return True

    def read_memory(self) -> list[Memory]:
        """Return the memory of each kind now."""
        n_bytes: dict[str, int] = defaultdict(int)
        for one in self._alive.values():
            with suppress(psutil.Error, OSError):
                n_bytes[self._known[one].kind] += _read_own_bytes(one)
        now_s = time.time()
        return [Memory(now_s, kind, n) for kind, n in n_bytes.items()]

    def wait(self) -> None:
        """Wait for the end of processes that the program has left behind."""
        psutil.wait_procs(list(self._alive.values()), timeout=30)

    def cpu_s(self) -> Mapping[str, float]:
        """Return the seconds by kind; children that were never sampled count as their parent."""
        total: dict[str, float] = defaultdict(float)
        for times in self._known.values():
            total[times.kind] += times.own_s + max(0.0, times.waited_s - times.seen_s)
        return dict(total)


def _read_own_bytes(process: psutil.Process) -> int:
    """Return the anonymous memory on Linux; elsewhere the memory that no other process has."""
    if sys.platform != "linux":
        return process.memory_full_info().uss
    lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))


def _identify(words: Sequence[str]) -> str:
    """Return the kind of a process by its command; empty if unknown."""
    if not words:
        return ""
    title, rest = words[0], " ".join(words[1:])
    if title.startswith("ray::"):
        pool = next((name for mark, name in _POOLS.items() if mark in title), None)
        return pool or ("monitor" if "RunMonitor" in title else "ray: other workers")
    if Path(title).name in {"raylet", "gcs_server"}:
        return f"ray: {Path(title).name}"
    if "/ray/" in rest:
        return "ray: helpers"
    if "engine_process" in rest:
        return "espeak"
    return "worker" if "forkserver" in rest else "others"
