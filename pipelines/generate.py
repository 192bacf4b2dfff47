"""The main job: draw seeds, make their samples, account for every seed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from copilot.designers.contract import AsyncDesigner
from copilot.designers.llm.service import LlmService
from copilot.errors import TooManyRejectsError
from pipelines.accounting.progress import Progress
from pipelines.accounting.stage_times import StageTimes
from pipelines.backends import compute_fingerprint, create_working_designer
from pipelines.config import RunConfig
from pipelines.execution.design_ahead import DesignStatus
from pipelines.execution.job import Executor, Job
from pipelines.fingerprint import versions
from pipelines.run.run import Run, create_call_id
from pipelines.run.totals import Outcome, Totals
from pipelines.seeds import SeedDraw, read_seeds
from pipelines.stages.worker_spec import ExecutionSettings, WorkerSpec
from pipelines.stem_store import StemStore
from pipelines.storage import resolved
from renderers.voice_bank import genders_missing, read_bank


@dataclass(frozen=True, slots=True)
class RunStart:
    """What is known before the work begins."""

    draw: SeedDraw
    n_done: int
    n_todo: int
    swept: tuple[str, ...]
    problems: tuple[str, ...] = ()
    """A gender that a voice bank lacks, and rows of one, or of recordings, that cannot be used."""


def generate(
    config: RunConfig,
    out: str | Path,
    *,
    num: int | None,
    executor: Executor,
    equipment: ExecutionSettings,
    on_start: Callable[[RunStart], None],
    on_progress: Callable[[Progress], None],
    on_design: Callable[[DesignStatus], None],
    service: LlmService | None = None,
    patience: RejectLimit | None = None,
) -> Outcome:
    """Make, or go on with, a run in `out`. Seeds that its ledger accounts for are left alone.

    A designer that writes ahead is listened to by `on_design`, several times a second; one that asks a
    language model needs the `service`.
    Raises UserError for what is wrong with the request, CopilotError for what ends the run, which too many
    rejects do where there is a `patience`.
    """
    out = resolved(out)
    call = create_call_id()
    bank = read_bank(Path(config.voices)) if config.voices else None
    problems = [*genders_missing(bank.voices), *bank.problems] if bank else []
    fingerprint = compute_fingerprint(config, bank, problems.append)
    designer = create_working_designer(config, service)
    draw = read_seeds(config.seeds, num, config.run_seed)
    run = Run(out, call)
    if equipment.store is not None:
        StemStore(equipment.store).prepare()
    started = time.monotonic()
    watched = _Watched(on_progress, patience)

    with run.lock():
        run.open(fingerprint.model_dump(mode="json"), versions=versions())
        swept = run.delete_leftovers()
        done = run.ledger.seed_ids()
        todo = [seed for seed in draw.seeds if seed.id not in done]
        planned = done.union(seed.id for seed in draw.seeds)
        run.record_seeds(
            sorted(planned),
            {"n_duplicates": draw.n_duplicates, "n_blank": draw.n_blank, "n_problems": draw.n_problems},
        )
        on_start(RunStart(draw, len(done), len(todo), tuple(swept), tuple(problems)))
        run.record_executor(executor.describe())
        if todo:
            asks = designer if isinstance(designer, AsyncDesigner) else None
            order = WorkerSpec(out, fingerprint, equipment, bank, designed=asks is not None, call=call)
            StemStore(order.store, order.for_worker(0).user).end_earlier()
            executor.execute(Job(order, todo, watched, on_design, asks, service))
    return Outcome(
        Totals.of_entries(run.ledger.entries()), len(planned), time.monotonic() - started, watched.times
    )


@dataclass(frozen=True, slots=True)
class RejectLimit:
    """How large a share of rejects ends a run, once so many seeds are done."""

    share: float
    after: int

    def check(self, n_accepted: int, reasons: Mapping[str, int]) -> None:
        """Raises TooManyRejectsError."""
        n_rejected = sum(reasons.values())
        n_done = n_accepted + n_rejected
        if n_done >= self.after and n_rejected > self.share * n_done:
            common = ", ".join(f"{n} {reason}" for reason, n in Counter(reasons).most_common(3))
            raise TooManyRejectsError(
                f"{n_rejected} of {n_done} seeds were rejected ({common}), more than --max-reject-share "
                f"{self.share:g} allows; what was committed stands. Run the same command again to go on"
            )


class _Watched:
    """Adds up what is reported, hands it on, and ends the run where patience does."""

    def __init__(self, tell: Callable[[Progress], None], patience: RejectLimit | None) -> None:
        self._tell = tell
        self._patience = patience
        self._n_accepted = 0
        self._reasons: Counter[str] = Counter()
        self.times = StageTimes()

    def __call__(self, progress: Progress) -> None:
        self._n_accepted += progress.accepted
        self._reasons.update(progress.reasons)
        self.times += progress.times
        self._tell(progress)
        if self._patience:
            self._patience.check(self._n_accepted, self._reasons)
