"""Whole runs of `copilot generate` with the designer `llm` on a real server, and what they leave."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from copilot.scene import SceneLimits
from helpers.stand_ins import Command, Ended
from pipelines.run.run import Run
from pipelines.seeds import read_seeds

LONGEST_S = 300
COLUMNS = {
    "samples": ["id", "seed_id", "seed_text", "turns", "checks", "provenance"],
    "rejects": ["seed_id", "stage", "reason", "detail", "raw_replies"],
}


class LlmRun:
    """`copilot generate` in a folder of its own, with renderers that take no time."""

    def __init__(
        self, server, folder: Path, seeds: Sequence[str], limits: SceneLimits, *options: str
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.run, self.seeds = folder, Run(folder / "run"), f"text:{folder / 'seeds.txt'}"
        self.told: dict = {}
        (folder / "seeds.txt").write_text("".join(f"{seed}\n" for seed in seeds))
        (folder / "limits.json").write_text(limits.model_dump_json())
        self._arguments = [
            *("generate", "--seeds", self.seeds, "--out", self.run.place, "--workers", "1"),
            *("--limits", str(folder / "limits.json"), "--sfx", "noise", "--tts", "murmur", "--json"),
            *("--designer", "llm", "--llm-url", server.url, "--llm-model", server.model, *options),
        ]

    def begin(self) -> Command:
        return Command(self.folder, *self._arguments)

    def make(self, within_s: float = LONGEST_S) -> Ended:
        return end(self.begin(), within_s)

    def seed_ids(self) -> list[str]:
        return sorted(seed.id for seed in read_seeds(self.seeds, None, 0).seeds)

    def rows(self, kind: str) -> list[dict]:
        """Return the samples or rejects that the ledger names, without the audio."""
        return [row for entry in self.run.ledger.entries() for row in self.rows_of(entry, kind)]

    def rows_of(self, entry, kind: str) -> list[dict]:
        return [
            row
            for file in entry.files
            if file.kind == kind
            for row in pq.read_table(Path(self.run.place) / file.path, columns=COLUMNS[kind]).to_pylist()
        ]

    def accounted(self) -> list[str]:
        """Every row's seed, so that one which is there twice is twice in the list."""
        return sorted(row["seed_id"] for kind in COLUMNS for row in self.rows(kind))


def end(command: Command, within_s: float = LONGEST_S) -> Ended:
    """Wait until a command has ended; kill one that takes longer."""
    command.process.join(within_s)
    return command.wait()
