"""What Ray costs: processor time of a run under Ray over that of the local executor on the same seeds.

    python benchmarks/overhead.py [NUM] [SEEDS]

The renderers are those that are used where none is named; without SEEDS, the shipped sentences are taken as
often as it needs. Counted is the processor time of all processes, Ray's own included (`family.py` says how),
beyond that of a run with one seed, which is start-up and printed as well. Where the difference lies is
printed by kind of process, and by stage: what the workers' own clocks say, so that what is not in them is
what an executor does around its stages.
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

from pipelines.seeds.text_files import STARTER_FILE

MOST = 1.25


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


def made_seeds(num: int, folder: Path) -> str:
    """The shipped sentences, numbered, in a file."""
    sentences = islice(cycle(STARTER_FILE.read_text().split("\n")[:-1]), num)
    lines = (f"{number}. {sentence}" for number, sentence in enumerate(sentences))
    (folder / "lines.txt").write_text("\n".join(lines))
    return f"text:{folder}/lines.txt"


def spend(executor: str, seeds: str, num: int) -> Spent:
    """Make a run that is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        program = [sys.executable, "-c", "from pipelines.cli import main; main()", "generate"]
        given = ["--seeds", seeds, "--num", str(num), "--executor", executor, "--out", f"{folder}/run"]
        ended = run([*program, *given, "--json"])
    return Spent(ended.elapsed_s, ended.cpu_s, json.loads(ended.output)["times"]["stage_cpu_s"])


def say(executor: str, num: int, start: Spent, whole: Spent) -> None:
    """What a run took, and by which processes."""
    print(
        f"{executor}, {num} seeds: {whole.elapsed_s:.0f} s, {whole.cpu_s:.1f} s of processor time, start-up "
        f"{start.elapsed_s:.1f} s and {start.cpu_s:.1f} s; beyond it "
        f"{1000 * (whole.cpu_s - start.cpu_s) / num:.1f} ms a dialogue; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    for kind, seconds in sorted(whole.by_kind.items(), key=lambda item: -item[1]):
        print(f"  {kind:18} {seconds:8.1f} s, start-up {start.by_kind.get(kind, 0.0):.1f} s")


def main(num: str = "1000", seeds: str = "") -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        spec = seeds or made_seeds(int(num), Path(folder))
        found = []
        for executor in ("local", "ray"):
            found.append((spend(executor, spec, 1), spend(executor, spec, int(num))))
            say(executor, int(num), *found[-1])
    (local_start, local), (ray_start, on_ray) = found
    ratio = (on_ray.cpu_s - ray_start.cpu_s) / (local.cpu_s - local_start.cpu_s)
    with_it = on_ray.cpu_s / local.cpu_s
    print(f"Ray over local, beyond start-up: {ratio:.2f} (at most {MOST}); with it {with_it:.2f}")
    print(f"in stages: Ray {on_ray.stages_s:.1f} s, local {local.stages_s:.1f} s; those that differ most:")
    more_s = {name: on_ray.by_stage.get(name, 0.0) - seconds for name, seconds in local.by_stage.items()}
    for name in sorted(more_s, key=lambda name: -abs(more_s[name]))[:5]:
        print(f"  {name:18} {more_s[name]:+8.1f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
