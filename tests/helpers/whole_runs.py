"""Runs over real seeds, begun as a user begins them, and what has to hold for each when it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from copilot.seed import Seed
from helpers.paths import LIBRISPEECH
from helpers.processes import comes_while
from helpers.stand_ins import Command, Ended
from pipelines.inspection.verify.run import verify
from pipelines.run.reader import RunReader
from pipelines.run.run import Run
from pipelines.seeds import read_seeds

SEEDS = f"librispeech:{LIBRISPEECH}"
RUN_SEED = 7
_ENDS_WITHIN_S = 900
_N_IN_DEPTH = 2
"""Few, where samples are held against those of a run that was verified in depth."""

Rows = dict[str, dict[str, Any]]


def drawn(n: int) -> Sequence[Seed]:
    """The seeds of a run, in its order."""
    return read_seeds(SEEDS, n, RUN_SEED).seeds


@dataclass(frozen=True)
class WholeRun:
    """One run: a folder for it, the options that all calls for it share, and its URI if it has one."""

    folder: Path
    num: int
    options: tuple[str, ...] = ()
    uri: str | None = None

    @property
    def place(self) -> str:
        return self.uri or str(self.folder / "run")

    def asked(self) -> tuple[str, ...]:
        """The options that say what is to be made."""
        drawn = ("--seeds", SEEDS, "--num", str(self.num), "--seed", str(RUN_SEED))
        return (*drawn, "--out", self.place, *self.options)

    def begin(self, *options: str) -> Command:
        self.folder.mkdir(exist_ok=True)
        return Command(self.folder, "generate", *self.asked(), *options)

    def make(self, *options: str) -> Ended:
        return ended(self.begin(*options))

    def local(self, *, in_depth: int | None = _N_IN_DEPTH) -> Rows:
        """Make it, or what is left of it, in one process, and check it."""
        done = self.make("--executor", "local", "--workers", "1")
        assert done.returncode == 0, done.stderr
        return self.checked(in_depth=in_depth)

    def on_ray(self, settings: dict[str, Any], *options: str) -> tuple[str, ...]:
        """The options for a run on Ray."""
        self.folder.mkdir(exist_ok=True)
        file = self.folder / "ray.yaml"
        file.write_text(yaml.safe_dump({"ray": settings}))
        return ("--config", str(file), "--executor", "ray", *options)

    def n_commits(self) -> int:
        return len(Run(self.place).ledger.names())

    def writes(self) -> bool:
        """Whether a shard is being written at this moment."""
        return any((self.folder / "run").glob("shards/.tmp-*"))

    def checked(self, *, in_depth: int | None = _N_IN_DEPTH) -> Rows:
        """All samples by their seeds; fails where a seed is not there exactly once, or anything is damaged.

        So many samples are verified in depth, all of them with None.
        """
        report = verify(
            self.place, n_sampled=in_depth, n_workers=1, on_start=lambda _: None, on_rows=lambda _: None
        )
        assert report.problems == ()
        entered = [seed_id for entry in Run(self.place).ledger.entries() for seed_id in entry.seed_ids]
        assert sorted(entered) == sorted(seed.id for seed in drawn(self.num))
        rows = [
            {column: value for column, value in row.items() if column != "provenance"}
            for row in RunReader(self.place).rows("samples")
        ]
        assert len(rows) + len(self.rejects()) == len(entered)
        return {row["seed_id"]: row for row in rows}

    def rejects(self) -> dict[str, tuple[str, str]]:
        """Stage and reason of each reject."""
        rows = RunReader(self.place).rows("rejects", ["seed_id", "stage", "reason"])
        return {row["seed_id"]: (row["stage"], row["reason"]) for row in rows}


def ended(command: Command) -> Ended:
    """How a command has ended."""
    command.process.join(_ENDS_WITHIN_S)
    assert not command.is_alive(), command.wait()
    return command.wait()


def until(command: Command, holds: Callable[[], object]) -> None:
    """Wait until something is so; fails where the command ends before, or it takes too long."""
    assert comes_while(command.is_alive, holds), command.wait()


def opened(process: psutil.Process) -> list[str]:
    """The files that a process has open."""
    try:
        return [file.path for file in process.open_files()]
    except psutil.Error:
        return []
