"""The contract of the executors, and the job that they get.

All run the same stages and produce the same samples: `local` in one or several processes of this machine,
`ray` in pools of workers on one machine or a cluster. What they commit goes through the same ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from copilot.designers.contract import AsyncDesigner
from copilot.designers.llm.service import LlmService
from copilot.seed import Seed
from pipelines.accounting.progress import Progress
from pipelines.backends import Backends
from pipelines.execution.design_ahead import DesignStatus
from pipelines.stages.drafts import Drafts
from pipelines.stages.record import Record
from pipelines.stages.worker_spec import WorkerSpec


def ignore(event: object, /) -> None:
    """Do nothing: the default of every callback."""


@dataclass(frozen=True, slots=True)
class Job:
    """The seeds that are left to do, the backends, and the callbacks.

    An executor that works in this process uses `backends`; others close them, and their workers construct
    their own. `on_progress` receives what was committed, `on_design` the state of dialogues written ahead.
    `on_stop` is called by the first signal that asks the run to stop. `service`: the servers of the language
    model, if the designer uses one.
    """

    spec: WorkerSpec
    seeds: Sequence[Seed]
    backends: Backends
    on_progress: Callable[[Progress], None] = ignore
    on_design: Callable[[DesignStatus], None] = ignore
    on_stop: Callable[[], None] = lambda: None
    service: LlmService | None = None

    @property
    def designer(self) -> AsyncDesigner | None:
        """The designer that writes ahead; None if a stage designs."""
        designer = self.backends.designer
        return designer if isinstance(designer, AsyncDesigner) else None

    @property
    def drafts(self) -> Drafts:
        """The drafts of the run."""
        return Drafts(self.spec.run, self.spec.fingerprint.digest)

    def read_drafts(self) -> Mapping[str, Record]:
        """Return the records of the seeds whose dialogues an earlier start has written, by seed id."""
        return self.drafts.read(self.seeds, self.spec.fingerprint.config.run_seed)


class Executor(Protocol):
    """Runs the stages for the seeds of a job."""

    def describe(self) -> Mapping[str, Any]:
        """Return the executor's settings as JSON for `run.json`. None of them changes a sample."""
        ...

    def execute(self, job: Job) -> None:
        """Make the samples of all seeds, or, if interrupted, of some; the ledger records which.

        Raises CopilotError if the run cannot continue; committed samples are kept.
        """
        ...
