"""The main job: draw seeds, make their samples, account for every seed once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from copilot.designers.contract import AsyncDesigner
from copilot.designers.llm.service import LlmService
from copilot.errors import TooManyRejectsError, UserError
from copilot.seed import Seed
from copilot.stem import Stem
from pipelines.accounting.progress import Progress
from pipelines.accounting.stage_times import StageTimes
from pipelines.backends import Backends, check_service, list_seed_languages
from pipelines.config import RunConfig
from pipelines.execution.design_ahead import DesignStatus
from pipelines.execution.job import Executor, Job, ignore
from pipelines.execution.local import LocalExecutor
from pipelines.fingerprint import list_versions
from pipelines.run.run import Run, create_call_id
from pipelines.run.source import find_known_spec
from pipelines.run.totals import Outcome, Totals
from pipelines.seeds import SeedDraw, read_seeds
from pipelines.stages.worker_spec import ExecutionSettings, WorkerSpec
from pipelines.stem_store import StemStore
from pipelines.storage import resolve_place
from renderers.voice_bank import find_missing_genders, read_bank


@dataclass(frozen=True, slots=True)
class RunStart:
    """The state of a run before its work starts: the seeds that were drawn, and how many are done and to do.

    `deleted_leftovers`: the files of interrupted commits that were deleted.
    """

    draw: SeedDraw
    n_done: int
    n_todo: int
    deleted_leftovers: tuple[str, ...]
    problems: tuple[str, ...] = ()
    """Genders that a voice bank lacks, and rows of a bank or of an index that cannot be used."""


@dataclass(frozen=True, slots=True)
class RejectLimit:
    """The share of rejects, in [0, 1], above which a run ends, once `after` seeds are done."""

    share: float
    after: int

    def check(self, n_accepted: int, reasons: Mapping[str, int]) -> None:
        """Raise TooManyRejectsError if more seeds were rejected than the share allows."""
        n_rejected = sum(reasons.values())
        n_done = n_accepted + n_rejected
        if n_done >= self.after and n_rejected > self.share * n_done:
            common = ", ".join(f"{n} {reason}" for reason, n in Counter(reasons).most_common(3))
            raise TooManyRejectsError(
                f"{n_rejected} of {n_done} seeds were rejected ({common}), more than `reject_limit` allows "
                f"({self.share:g}). Committed samples are kept. Fix the cause, or raise `reject_limit`, then "
                "run the same command again to resume"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateRequest:
    """A run to make or to resume: its configuration, its folder or URI, the executor, and callbacks.

    `num` seeds are drawn (default: all). `seeds` are used as they are, in place of those that the
    configuration names; `stems` are put into the run's store before they are needed. Only `config`, `num` and
    `seeds` decide the samples. `service`: the servers of the language model, if the designer uses one.
    `on_design` is called several times a second with the progress of dialogues written in advance; `on_stop`
    in the handler of the first signal that stops the run.
    """

    config: RunConfig
    out: str | Path
    num: int | None = None
    seeds: Sequence[Seed] | None = field(default=None, repr=False)
    stems: Sequence[Stem] = field(default=(), repr=False)
    executor: Executor = field(default_factory=LocalExecutor)
    settings: ExecutionSettings = field(default_factory=ExecutionSettings)
    service: LlmService | None = None
    reject_limit: RejectLimit | None = None
    on_start: Callable[[RunStart], None] = field(default=ignore, repr=False)
    on_progress: Callable[[Progress], None] = field(default=ignore, repr=False)
    on_design: Callable[[DesignStatus], None] = field(default=ignore, repr=False)
    on_stop: Callable[[], None] = field(default=lambda: None, repr=False)

    def __post_init__(self) -> None:
        if self.num is not None and (type(self.num) is not int or self.num < 1):
            raise UserError(f"{self.num!r}; give a whole number, at least 1, or None for all", field="num")


def generate(request: GenerateRequest) -> Outcome:
    """Make a run, or resume it. Seeds in its ledger are not made again.

    Raises UserError if something in the request is wrong, and CopilotError if the run cannot continue or
    has more rejects than its `reject_limit` allows.
    """
    with Backends(request.config, request.service) as backends:
        return _generate(request, backends)


def _generate(request: GenerateRequest, backends: Backends) -> Outcome:
    config, out, call = request.config, resolve_place(request.out), create_call_id()
    bank = read_bank(Path(config.voices)) if config.voices else None
    problems = [*find_missing_genders(bank.voices), *bank.problems] if bank else []
    fingerprint = backends.compute_fingerprint(bank, problems.append)
    check_service(config, request.service)
    if request.seeds is None:
        draw = read_seeds(
            config.seeds, request.num, config.run_seed, list_seed_languages(config), config.foreign_seeds
        )
    else:
        draw = SeedDraw.of(request.seeds, request.num)
    run = Run(out, call)
    if request.settings.store is not None:
        StemStore(request.settings.store).prepare()
    started = time.monotonic()
    progress = _ProgressSum(request)
    n_drafts = 0

    with run.lock():
        if run.exists():
            texts = {seed.id: seed.text for seed in draw.seeds}
            known = config.with_seeds(find_known_spec(out, config.seeds, texts))
            fingerprint = fingerprint.model_copy(update={"config": known})
        run.open(fingerprint.model_dump(mode="json"), versions=list_versions())
        deleted_leftovers = tuple(run.delete_leftovers())
        done = run.ledger.seed_ids()
        todo = [seed for seed in draw.seeds if seed.id not in done]
        planned = done.union(seed.id for seed in draw.seeds)
        run.record_seeds(
            sorted(planned),
            {"n_duplicates": draw.n_duplicates, "n_blank": draw.n_blank, "n_problems": draw.n_problems},
        )
        request.on_start(RunStart(draw, len(done), len(todo), deleted_leftovers, tuple(problems)))
        run.record_executor(request.executor.describe())
        if todo:
            designs_ahead = isinstance(backends.designer, AsyncDesigner)
            spec = WorkerSpec(
                run=out,
                fingerprint=fingerprint,
                settings=request.settings,
                bank=bank,
                designs_ahead=designs_ahead,
                service=None if designs_ahead else request.service,
                library=backends.library,
                call=call,
            )
            StemStore(spec.store, spec.user).end_earlier_users()
            _put_missing(request.stems, StemStore(spec.store))
            job = Job(
                spec=spec,
                seeds=todo,
                backends=backends,
                on_progress=progress.add,
                on_design=request.on_design,
                on_stop=request.on_stop,
                service=request.service,
            )
            try:
                request.executor.execute(job)
            finally:
                n_drafts = job.drafts.tidy(run.ledger.seed_ids)
    totals = Totals.of_entries(run.ledger.entries())
    return Outcome(totals, len(planned), time.monotonic() - started, progress.times, n_drafts)


def _put_missing(stems: Iterable[Stem], store: StemStore) -> None:
    for stem in stems:
        if store.get(stem.info.key) is None:
            store.put(stem)


class _ProgressSum:
    """Sum the progress reports, forward them, and stop the run at its reject limit."""

    def __init__(self, request: GenerateRequest) -> None:
        self._request = request
        self._n_accepted = 0
        self._reasons: Counter[str] = Counter()
        self.times = StageTimes()

    def add(self, progress: Progress) -> None:
        """Add a report. Raises TooManyRejectsError at the reject limit."""
        self._n_accepted += progress.accepted
        self._reasons.update(progress.reasons)
        self.times += progress.times
        self._request.on_progress(progress)
        if self._request.reject_limit:
            self._request.reject_limit.check(self._n_accepted, self._reasons)
