"""Measure Ray at scale: memory over a long run, dialogues per second, the share of time in Ray.

    python benchmarks/scale.py [NUM] [FEW]

The scripted designer writes dialogues of one turn and 4 s; the renderers return the same sound at no cost
(`fixed_sound/`). Stems are shared, mixes are kept: some 130 KB per dialogue, deleted afterwards. What remains
is the work of the pipeline around the renderers, so Ray's share is larger here than in any real run.

Makes `NUM` dialogues under Ray, and samples the memory that the driver and the workers of each pool have to
themselves: printed as means over tenths of the time between the first commit and the last. The target is
that the last tenth is at most 1.05 of the second. Then makes `FEW` with one worker per pool on one processor,
and with two on two, under Ray and with the local executor. Dialogues per second are counted between the
first commit and the last, and the processor time of a run with one seed is subtracted.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from family import Memory, ProgramEnd, run

from pipelines.run.ledger import Ledger, LedgerEntry

TARGET_GROWTH = 1.05
"""This project's target: at most so much."""
_LIMITS = {
    "duration_s": 4,
    "n_elements": 3,
    "start_time_s": {"low": 0, "high": 2},
    "element_duration_s": {"low": 0.2, "high": 4},
}
_PATHS = (str(Path(__file__).parent / "fixed_sound"), os.environ.get("PYTHONPATH"))
_ENVIRONMENT = {"PYTHONPATH": os.pathsep.join(filter(None, _PATHS))}
_FLAT = ("driver", "monitor", "pool speech", "pool sounds", "pool mix")
_CPUS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@dataclass(frozen=True)
class FinishedRun:
    """A finished run: how the program ended, and the commits in their order."""

    ended: ProgramEnd
    entries: Sequence[LedgerEntry]
    n_bytes: int

    @property
    def per_s(self) -> float:
        """Dialogues per second, from the first commit on."""
        took_s = self.entries[-1].committed_at_s - self.entries[0].committed_at_s
        return sum(len(entry.accepted) for entry in self.entries[1:]) / took_s if took_s else 0.0


def make(num: int, executor: str, n_cpus: int, memory_every_s: float | None = None) -> FinishedRun:
    """Make a run of `num` dialogues on the first `n_cpus` processors."""
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        lines = (f"On day {k} somebody counted {k} clouds above the roofs." for k in range(num))
        (folder / "lines.txt").write_text("\n".join(lines))
        (folder / "limits.json").write_text(json.dumps(_LIMITS))
        pools = {name: {"size": n_cpus, "cpus": 0.3} for name in ("speech", "sounds", "mix")}
        (folder / "ray.yaml").write_text(json.dumps({"ray": {"cpus": n_cpus, "pools": pools}}))
        given = {
            "seeds": f"text:{folder}/lines.txt",
            "limits": f"{folder}/limits.json",
            "turns": 1,
            "sfx": "fixed-sound",
            "tts": "fixed-speech",
            "variants": 1,
            "keep": "mixes",
            "executor": executor,
            "out": f"{folder}/run",
            **({"workers": n_cpus} if executor == "local" else {"config": f"{folder}/ray.yaml"}),
        }
        options = [word for key, value in given.items() for word in (f"--{key}", str(value))]
        program = [sys.executable, "-c", "from pipelines.cli import main; main()"]
        ended = run(
            [*program, "generate", *options, "--json"],
            extra=_ENVIRONMENT,
            cpus=set(_CPUS[:n_cpus]),
            memory_every_s=memory_every_s,
        )
        totals = json.loads(ended.output)["totals"]
        if totals["accepted"] != num:
            raise SystemExit(f"{num} dialogues were requested, and {totals['accepted']} made")
        entries = sorted(Ledger(folder / "run/ledger").entries(), key=lambda entry: entry.committed_at_s)
        n_bytes = sum(path.stat().st_size for path in (folder / "run").rglob("*") if path.is_file())
        return FinishedRun(ended, entries, n_bytes)


def mean_by_tenths(memory: Sequence[Memory], kind: str, made: FinishedRun) -> list[float]:
    """Return the mean memory of one kind of process, in MiB, in each tenth of the time between commits."""
    first_s, last_s = made.entries[0].committed_at_s, made.entries[-1].committed_at_s
    found: list[list[int]] = [[] for _ in range(10)]
    for one in memory:
        tenth = int(10 * (one.at_s - first_s) / (last_s - first_s)) if last_s > first_s else -1
        if one.kind == kind and 0 <= tenth < 10:
            found[tenth].append(one.n_bytes)
    return [sum(some) / len(some) / 2**20 if some else float("nan") for some in found]


def print_memory(num: int, made: FinishedRun) -> None:
    print(
        f"{num} dialogues under Ray: {made.ended.elapsed_s:.0f} s, {made.per_s:.1f} dialogues/s, "
        f"{made.n_bytes / num / 1000:.0f} KB each, load {os.getloadavg()[0]:.1f}"
    )
    print("MiB by tenths of the run, last over second:")
    kinds = sorted({one.kind for one in made.ended.memory}, key=lambda kind: (kind not in _FLAT, kind))
    for kind in kinds:
        by_tenth = mean_by_tenths(made.ended.memory, kind, made)
        target = f" (target: at most {TARGET_GROWTH})" if kind in _FLAT else ""
        figures = " ".join(f"{mib:6.1f}" for mib in by_tenth)
        last = next((mib for mib in reversed(by_tenth) if mib == mib), float("nan"))  # noqa: PLR0124
        print(f"  {kind:18} {figures}  {last / by_tenth[1]:.3f}{target}")


def main(num: str = "50000", few: str = "4000") -> None:
    """Measure, and print the figures."""
    n_long, n_few, n_cpus = int(num), int(few), min(2, len(_CPUS) or 2)
    print_memory(n_long, make(n_long, "ray", n_cpus, 5.0 if n_long >= 5000 else 1.0))
    beyond: dict[tuple[str, int], float] = {}
    rate: dict[tuple[str, int], float] = {}
    for executor in ("local", "ray"):
        for n in (1, n_cpus):
            start_s = make(1, executor, n).ended.total_cpu_s
            made = make(n_few, executor, n)
            beyond[executor, n] = (made.ended.total_cpu_s - start_s) / n_few
            rate[executor, n] = made.per_s
            print(
                f"{n_few} dialogues, {executor}, {n} processors: {made.per_s:.1f} dialogues/s, "
                f"{1000 * beyond[executor, n]:.1f} ms of processor time each beyond the {start_s:.1f} s "
                f"of a run with one; load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
            for kind, seconds in sorted(made.ended.cpu_s.items(), key=lambda item: -item[1]):
                print(f"  {kind:18} {1000 * seconds / n_few:6.1f} ms")
    for executor in ("local", "ray"):
        print(f"{executor}: {n_cpus} processors over 1: {rate[executor, n_cpus] / rate[executor, 1]:.2f}")
    for n in (1, n_cpus):
        share = 1 - beyond["local", n] / beyond["ray", n]
        print(f"{n} processors: share of processor time in Ray {share:.0%}")


if __name__ == "__main__":
    main(*sys.argv[1:])
