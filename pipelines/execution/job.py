"""What runs the stages of a run: the contract of the executors.

All run the same stages and produce the same samples: `local` in this process or a few of this machine, `ray`
in pools of workers on one machine or a cluster. What they commit goes through the same ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from copilot.designers.contract import AsyncDesigner
from copilot.designers.llm.service import LlmService
from copilot.seed import Seed
from pipelines.accounting.progress import Progress
from pipelines.execution.design_ahead import DesignStatus
from pipelines.stages.worker_spec import WorkerSpec


@dataclass(frozen=True, slots=True)
class Job:
    """The seeds that are to do, and how to tell of it.

    `report` hears what was committed, `watch` how dialogues are written ahead. `designer` is there where one
    asks a language model at the `service`; else the stages design.
    """

    order: WorkerSpec
    seeds: Sequence[Seed]
    report: Callable[[Progress], None]
    watch: Callable[[DesignStatus], None]
    designer: AsyncDesigner | None = None
    service: LlmService | None = None


class Executor(Protocol):
    """Runs the stages for the seeds of a job."""

    def describe(self) -> Mapping[str, Any]:
        """How it works, as JSON: it stands in `run.json`, and changes no sample."""
        ...

    def execute(self, job: Job) -> None:
        """Make the samples of all seeds, or, interrupted, of some: the ledger tells which.

        Raises CopilotError for what ends the run; what was committed stands.
        """
        ...
