"""Measure what Ray costs: processor time under Ray over that of the local executor, on the same seeds.

    python benchmarks/overhead.py [NUM] [SEEDS]

Runs use the default renderers. Without SEEDS, the shipped sentences are repeated. The processor time is that
of all processes, Ray's own included (see `family.py`), minus that of a run with one seed, which is the
start-up and printed as well. The difference is printed by kind of process, and by stage as the workers
measure it: the rest is what an executor does around its stages.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from family import run

from copilot.seed import STARTER_SEEDS

TARGET = 1.25
"""This project's target: at most so much."""


@dataclass(frozen=True)
class Spent:
    """Seconds of a run: on the clock, and of processor time by kind of process and by stage."""

    elapsed_s: float
    by_kind: Mapping[str, float]
    by_stage: Mapping[str, float]

    @property
    def cpu_s(self) -> float:
        return sum(self.by_kind.values())

    @property
    def stages_s(self) -> float:
        return sum(self.by_stage.values())


def write_seeds(num: int, folder: Path) -> str:
    """Write the shipped sentences, numbered, to a file; return the setting for it."""
    sentences = islice(cycle(STARTER_SEEDS.read_text().split("\n")[:-1]), num)
    lines = (f"{number}. {sentence}" for number, sentence in enumerate(sentences))
    (folder / "lines.txt").write_text("\n".join(lines))
    return f"text:{folder}/lines.txt"


def spend(executor: str, seeds: str, num: int) -> Spent:
    """Measure a run in a folder that is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        program = [sys.executable, "-c", "from pipelines.cli import main; main()", "generate"]
        given = ["--seeds", seeds, "--num", str(num), "--executor", executor, "--out", f"{folder}/run"]
        program_end = run([*program, *given, "--json"])
    return Spent(
        program_end.elapsed_s, program_end.cpu_s, json.loads(program_end.output)["times"]["stage_cpu_s"]
    )


def print_times(executor: str, num: int, start: Spent, whole: Spent) -> None:
    """Print the times of a run, and of each kind of process."""
    print(
        f"{executor}, {num} seeds: {whole.elapsed_s:.0f} s, {whole.cpu_s:.1f} s of processor time, start-up "
        f"{start.elapsed_s:.1f} s and {start.cpu_s:.1f} s; beyond it "
        f"{1000 * (whole.cpu_s - start.cpu_s) / num:.1f} ms a dialogue; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    for kind, seconds in sorted(whole.by_kind.items(), key=lambda item: -item[1]):
        print(f"  {kind:18} {seconds:8.1f} s, start-up {start.by_kind.get(kind, 0.0):.1f} s")


def main(num: str = "1000", seeds: str = "") -> None:
    """Measure both executors, and print the ratio."""
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        spec = seeds or write_seeds(int(num), Path(folder))
        measured = []
        for executor in ("local", "ray"):
            measured.append((spend(executor, spec, 1), spend(executor, spec, int(num))))
            print_times(executor, int(num), *measured[-1])
    (local_start, local), (ray_start, on_ray) = measured
    ratio = (on_ray.cpu_s - ray_start.cpu_s) / (local.cpu_s - local_start.cpu_s)
    with_it = on_ray.cpu_s / local.cpu_s
    print(f"Ray over local, beyond start-up: {ratio:.2f} (target: at most {TARGET}); with it {with_it:.2f}")
    print(f"in stages: Ray {on_ray.stages_s:.1f} s, local {local.stages_s:.1f} s; the largest differences:")
    difference_s = {
        name: on_ray.by_stage.get(name, 0.0) - seconds for name, seconds in local.by_stage.items()
    }
    for name in sorted(difference_s, key=lambda name: -abs(difference_s[name]))[:5]:
        print(f"  {name:18} {difference_s[name]:+8.1f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
