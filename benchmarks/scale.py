"""Ray at scale: memory over a long run, dialogues a second, the share of time in Ray, 2 processors against 1.

    python benchmarks/scale.py [NUM] [FEW]

Dialogues of one turn and 4 s are designed by the scripted designer and rendered by renderers that give the
same sound in no time (`fixed_sound/`); takes are shared, mixes kept, and all of it is small and deleted
afterwards: some 130 KB a dialogue. What is left is what the pipeline does around renderers, so that Ray's
share is larger here than anywhere else.

`NUM` dialogues are made under Ray, and memory is looked at meanwhile: what the driver and the workers of each
pool have of their own, mean by tenths of the time from the first commit to the last in which they are there.
Flat is at most 1.05, the last tenth over the second. Then `FEW` are made with one worker, in each pool, and
on one processor, and with two, by Ray and by the local executor; dialogues a second are counted between the
first commit and the last, processor time beyond that of a run with one seed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from family import Ended, Memory, run

from pipelines.run.ledger import Ledger, LedgerEntry

MOST_GROWTH = 1.05
_LIMITS = {
    "duration_s": 4,
    "n_elements": 3,
    "start_time_s": {"low": 0, "high": 2},
    "element_duration_s": {"low": 0.2, "high": 4},
}
_WITHOUT = {"PYTHONPATH": str(Path(__file__).parent / "fixed_sound")}
_FLAT = ("driver", "watch", "pool speech", "pool sounds", "pool mix")
_CPUS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@dataclass(frozen=True)
class Made:
    """A run that is done: how it ended, and its commits in their order."""

    ended: Ended
    entries: Sequence[LedgerEntry]
    n_bytes: int

    @property
    def per_s(self) -> float:
        """Dialogues a second, the first commit left out with what was before it."""
        took_s = self.entries[-1].committed_at_s - self.entries[0].committed_at_s
        return sum(len(entry.accepted) for entry in self.entries[1:]) / took_s if took_s else 0.0


def make(num: int, executor: str, n_cpus: int, memory_every_s: float | None = None) -> Made:
    """Make a run of so many dialogues on the first processors."""
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
            extra=_WITHOUT,
            cpus=set(_CPUS[:n_cpus]),
            memory_every_s=memory_every_s,
        )
        totals = json.loads(ended.output)["totals"]
        if totals["accepted"] != num:
            raise SystemExit(f"{num} dialogues were asked for, and {totals['accepted']} made")
        entries = sorted(Ledger(folder / "run/ledger").entries(), key=lambda entry: entry.committed_at_s)
        n_bytes = sum(path.stat().st_size for path in (folder / "run").rglob("*") if path.is_file())
        return Made(ended, entries, n_bytes)


def tenths(memory: Sequence[Memory], kind: str, made: Made) -> list[float]:
    """Mean memory of one kind of process, in MiB, in each tenth of the time in which there were commits."""
    first_s, last_s = made.entries[0].committed_at_s, made.entries[-1].committed_at_s
    found: list[list[int]] = [[] for _ in range(10)]
    for one in memory:
        tenth = int(10 * (one.at_s - first_s) / (last_s - first_s)) if last_s > first_s else -1
        if one.kind == kind and 0 <= tenth < 10:
            found[tenth].append(one.n_bytes)
    return [sum(some) / len(some) / 2**20 if some else float("nan") for some in found]


def say_long(num: int, made: Made) -> None:
    print(
        f"{num} dialogues under Ray: {made.ended.elapsed_s:.0f} s, {made.per_s:.1f} dialogues/s, "
        f"{made.n_bytes / num / 1000:.0f} KB each, load {os.getloadavg()[0]:.1f}"
    )
    print("MiB by tenths of the run, last over second:")
    kinds = sorted({one.kind for one in made.ended.memory}, key=lambda kind: (kind not in _FLAT, kind))
    for kind in kinds:
        by_tenth = tenths(made.ended.memory, kind, made)
        asked = f" (at most {MOST_GROWTH})" if kind in _FLAT else ""
        figures = " ".join(f"{mib:6.1f}" for mib in by_tenth)
        last = next((mib for mib in reversed(by_tenth) if mib == mib), float("nan"))  # noqa: PLR0124
        print(f"  {kind:18} {figures}  {last / by_tenth[1]:.3f}{asked}")


def main(num: str = "50000", few: str = "4000") -> None:
    """Print the figures."""
    n_long, n_few, n_cpus = int(num), int(few), min(2, len(_CPUS) or 2)
    say_long(n_long, make(n_long, "ray", n_cpus, 5.0 if n_long >= 5000 else 1.0))
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
