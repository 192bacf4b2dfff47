"""Measure the main job: dialogues per second with 1 and 2 workers, peak memory, the share of each stage.

    python benchmarks/main_job.py [SEEDS] [FEW] [MANY]

Makes `FEW` dialogues with 1 and with 2 workers, then `MANY` with 2, each in a folder that is deleted
afterwards, and prints ratios measured in that one call, beside this project's targets. Memory is the
proportional set size (shared pages count once) of all processes of a run, sampled every tenth of a second.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Measured:
    """One run: its own JSON summary, its duration on the wall clock, its peak memory."""

    outcome: dict
    elapsed_s: float
    peak_bytes: int

    @property
    def per_s(self) -> float:
        """Dialogues per second, start-up included."""
        return self.outcome["totals"]["accepted"] / self.elapsed_s


def measure(seeds: str, num: int, workers: int, folder: Path) -> Measured:
    """Run `copilot generate` and sample its memory."""
    call = [
        "generate",
        "--seeds",
        seeds,
        "--num",
        str(num),
        "--workers",
        str(workers),
        "--out",
        str(folder),
        "--json",
    ]
    began = time.monotonic()
    peak = 0
    program = "from pipelines.cli import main; main()"
    with subprocess.Popen([sys.executable, "-c", program, *call], stdout=subprocess.PIPE) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, _memory(watched))
            time.sleep(0.1)
        assert process.stdout is not None
        outcome = json.loads(process.stdout.read())
    return Measured(outcome, time.monotonic() - began, peak)


def _memory(process: psutil.Process) -> int:
    total = 0
    for one in [process, *_children(process)]:
        try:
            total += one.memory_full_info().pss if sys.platform == "linux" else one.memory_info().rss
        except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            continue
    return total


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def main(seeds: str = "starter", few: str = "48", many: str = "192") -> None:
    """Print the measurements."""
    runs = [(int(few), 1), (int(few), 2), (int(many), 2)]
    found = []
    for num, workers in runs:
        with tempfile.TemporaryDirectory() as folder:
            found.append(measure(seeds, num, workers, Path(folder) / "run"))
        made = found[-1]
        totals = made.outcome["totals"]
        print(
            f"{num} seeds, {workers} workers: {totals['accepted']} samples ({totals['tiers']}), "
            f"{totals['rejected']} rejected, {totals['audio_s'] / 3600:.2f} h of mixes "
            f"in {made.elapsed_s:.1f} s: "
            f"{made.per_s:.2f} dialogues/s, {totals['audio_s'] / made.elapsed_s:.0f}x real time, "
            f"peak {made.peak_bytes / 2**20:.0f} MiB",
            flush=True,
        )
    one, two, long = found
    print(f"2 workers over 1: {two.per_s / one.per_s:.2f} (target: at least 1.7)")
    print(f"peak memory, {many} over {few}: {long.peak_bytes / two.peak_bytes:.2f} (target: at most 1.15)")
    stages = long.outcome["times"]["stage_cpu_s"]
    for name, seconds in stages.items():
        print(f"  {name:14} {seconds:8.1f} s of processor time  {seconds / sum(stages.values()):6.1%}")


if __name__ == "__main__":
    main(*sys.argv[1:])
