"""Runs over real seeds, started as a user starts them, and checks of each when it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from copilot.seed import Seed
from helpers.paths import LIBRISPEECH
from helpers.processes import wait_while
from helpers.stand_ins import Command, Ended
from pipelines.inspection.verify.run import verify
from pipelines.run.reader import RunReader
from pipelines.run.run import Run
from pipelines.seeds import read_seeds

SEEDS = f"librispeech:{LIBRISPEECH}"
RUN_SEED = 7
_TIMEOUT_S = 900
_N_IN_DEPTH = 2
"""Few, as the samples are compared with those of a run that was verified in depth."""

Rows = dict[str, dict[str, Any]]


def draw_seeds(n: int) -> Sequence[Seed]:
    """Return the seeds of a run, in its order."""
    return read_seeds(SEEDS, n, RUN_SEED).seeds


@dataclass(frozen=True)
class WholeRun:
    """A run: a folder for it, the options that all its commands share, and its URI if it has one."""

    folder: Path
    num: int
    options: tuple[str, ...] = ()
    uri: str | None = None

    @property
    def place(self) -> str:
        return self.uri or str(self.folder / "run")

    def request_options(self) -> tuple[str, ...]:
        """Return the options that say what to make."""
        request = ("--seeds", SEEDS, "--num", str(self.num), "--random-seed", str(RUN_SEED))
        return (*request, "--out", self.place, *self.options)

    def start(self, *options: str) -> Command:
        self.folder.mkdir(exist_ok=True)
        return Command(self.folder, "generate", *self.request_options(), *options)

    def make(self, *options: str) -> Ended:
        return wait_for_end(self.start(*options))

    def finish_locally(self, *, in_depth: int | None = _N_IN_DEPTH) -> Rows:
        """Make the rest of the run in one process, check the whole, and return its samples."""
        done = self.make("--executor", "local", "--workers", "1")
        assert done.returncode == 0, done.stderr
        return self.read_checked(in_depth=in_depth)

    def ray_options(self, settings: dict[str, Any], *options: str) -> tuple[str, ...]:
        """Return the options for a run on Ray."""
        self.folder.mkdir(exist_ok=True)
        file = self.folder / "ray.yaml"
        file.write_text(yaml.safe_dump({"ray": settings}))
        return ("--config", str(file), "--executor", "ray", *options)

    def n_commits(self) -> int:
        return len(Run(self.place).ledger.names())

    def writes(self) -> bool:
        """Return whether a shard is being written at this moment."""
        return any((self.folder / "run").glob("shards/.tmp-*"))

    def read_checked(self, *, in_depth: int | None = _N_IN_DEPTH) -> Rows:
        """Return all samples by their seeds; fail if a seed is missing or double, or anything is damaged.

        Verifies `in_depth` samples in depth; None: all of them.
        """
        report = verify(self.place, n_sampled=in_depth)
        assert report.problems == ()
        entered = [seed_id for entry in Run(self.place).ledger.entries() for seed_id in entry.seed_ids]
        assert sorted(entered) == sorted(seed.id for seed in draw_seeds(self.num))
        rows = [
            {column: value for column, value in row.items() if column != "provenance"}
            for row in RunReader(self.place).rows("samples")
        ]
        assert len(rows) + len(self.rejects()) == len(entered)
        return {row["seed_id"]: row for row in rows}

    def rejects(self) -> dict[str, tuple[str, str]]:
        """Return the stage and the reason of each reject."""
        rows = RunReader(self.place).rows("rejects", ["seed_id", "stage", "reason"])
        return {row["seed_id"]: (row["stage"], row["reason"]) for row in rows}


def wait_for_end(command: Command) -> Ended:
    """Wait for the end of a command, and return how it ended."""
    command.process.join(_TIMEOUT_S)
    assert not command.is_alive(), command.wait()
    return command.wait()


def wait_until(command: Command, condition: Callable[[], object]) -> None:
    """Wait until a condition is true; fail if the command ends before, or it takes too long."""
    assert wait_while(command.is_alive, condition), command.wait()


def list_open_files(process: psutil.Process) -> list[str]:
    """Return the files that a process has open."""
    try:
        return [file.path for file in process.open_files()]
    except psutil.Error:
        return []
