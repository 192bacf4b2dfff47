"""Verify a run: read everything in it again and cross-check it.

Damage becomes a problem in the report, never an error, and the rest is still read. Nothing is written. Each
worker has one row group, about 64 MB of audio, in memory.
"""

from __future__ import annotations

import heapq
import multiprocessing
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from copilot.errors import CopilotError, CorruptDataError
from copilot.hashing import content_hash
from copilot.validation import first_fault
from copilot.vocabulary import Keep
from pipelines.inspection.verify.file import FileJob, FileResult, verify_file
from pipelines.inspection.verify.problem import Problem
from pipelines.run.ledger import FOLDERS, LedgerEntry
from pipelines.run.run import Run


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The result of `verify`. `problems` is empty for a run without damage; `notes` are harmless."""

    run: str
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    n_planned: int | None
    n_accounted: int
    n_files: int
    n_samples: int
    n_rejects: int
    n_in_depth: int
    n_mixes: int
    n_stems: int
    audio_s: float

    def __repr__(self) -> str:
        """Count the seeds, samples and problems in one line."""
        planned = "?" if self.n_planned is None else self.n_planned
        kinds = Counter(problem.kind for problem in self.problems).most_common()
        problems = ", ".join(f"{n} {kind}" for kind, n in kinds) or "no problems"
        return (
            f"VerifyReport({self.run}: {self.n_accounted} of {planned} seeds, {self.n_samples} samples, "
            f"{self.n_in_depth} of them in depth: {problems})"
        )


class _Plan(BaseModel):
    n_seeds: int
    seed_ids_sha256: str


class _Config(BaseModel):
    keep: Keep


class _Fingerprint(BaseModel):
    config: _Config


class _Description(BaseModel):
    """The part of `run.json` that is verified."""

    digest: str
    fingerprint: _Fingerprint
    plan: _Plan


def verify(
    place: str | Path,
    *,
    n_sampled: int | None = None,
    n_workers: int = 1,
    on_start: Callable[[int], object] = lambda _: None,
    on_rows: Callable[[int], object] = lambda _: None,
) -> VerifyReport:
    """Verify a run, and decode and mix again `n_sampled` samples, drawn by hash (default: all).

    `on_start` receives the number of rows to read, `on_rows` the number of rows read since its last call.
    Raises UserError if there is no run, CopilotError if a worker process is lost.
    """
    run = Run(place)
    problems: list[Problem] = []
    described = _read_description(run, problems)
    void: list[LedgerEntry] = []
    entries = list(_read_entries(run, problems, void))
    seeds = _check_seeds(entries, described.plan if described else None, problems)
    in_depth = _draw_samples([seed_id for entry in entries for seed_id in entry.accepted], n_sampled)
    keep = described.fingerprint.config.keep if described else None
    jobs = [job for entry in entries for job in _create_jobs(run.place, entry, in_depth, keep)]
    on_start(sum(job.file.n_rows for job in jobs))
    results: list[FileResult] = []
    for job, result in _verify_files(jobs, n_workers):
        results.append(result)
        on_rows(job.file.n_rows)
    problems += sorted((p for result in results for p in result.problems), key=lambda p: (p.file, p.id))
    return VerifyReport(
        run=run.place,
        problems=tuple(problems),
        notes=tuple(_list_strays(run, entries, void)),
        n_planned=described.plan.n_seeds if described else None,
        n_accounted=len(seeds),
        n_files=len(jobs),
        n_samples=sum(len(entry.accepted) for entry in entries),
        n_rejects=sum(len(entry.rejected) for entry in entries),
        n_in_depth=sum(result.n_in_depth for result in results),
        n_mixes=sum(result.n_mixes for result in results),
        n_stems=sum(result.n_stems for result in results),
        audio_s=sum(entry.audio_s for entry in entries),
    )


def _read_description(run: Run, problems: list[Problem]) -> _Description | None:
    """Return the content of `run.json`, or None if it is damaged. Raises UserError if there is no run."""
    try:
        content = run.describe()
        described = _Description.model_validate(content)
    except CorruptDataError as error:
        problems.append(Problem("run-description", str(error), "run.json"))
        return None
    except ValidationError as error:
        problems.append(Problem("run-description", str(first_fault(error)), "run.json"))
        return None
    digest = content_hash(content["fingerprint"])[:16]
    if described.digest != digest:
        message = f"the digest is {described.digest}; that of the fingerprint is {digest}"
        problems.append(Problem("run-description", message, "run.json"))
    return described


def _read_entries(run: Run, problems: list[Problem], void: list[LedgerEntry]) -> Iterator[LedgerEntry]:
    """Yield the valid entries; add void ones to `void`, and damaged ones to `problems`."""

    def note(name: str, error: CorruptDataError) -> None:
        problems.append(Problem("ledger-entry", str(error), f"ledger/{name}.json"))

    for entry, is_valid in run.ledger.judge(note):
        if not is_valid:
            void.append(entry)
            continue
        for kind, seed_ids in (("samples", entry.accepted), ("rejects", entry.rejected)):
            n_files = sum(file.kind == kind for file in entry.files)
            if n_files != bool(seed_ids):
                message = f"names {n_files} files of {kind} for {len(seed_ids)} seeds"
                problems.append(Problem("ledger-entry", message, f"ledger/{entry.name}.json"))
        yield entry


def _check_seeds(entries: Iterable[LedgerEntry], plan: _Plan | None, problems: list[Problem]) -> Counter[str]:
    """Compare the seeds of the ledger with the recorded ones: each exactly once."""
    seeds = Counter(seed_id for entry in entries for seed_id in entry.seed_ids)
    for seed_id, n_times in sorted(seeds.items()):
        if n_times > 1:
            problems.append(Problem("seed-twice", f"{seed_id}: accounted for {n_times} times", "ledger"))
    if plan is None:
        return seeds
    message = f"{len(seeds)} of {plan.n_seeds} seeds accounted for"
    if len(seeds) < plan.n_seeds:
        problems.append(Problem("incomplete", message, "run.json"))
    elif len(seeds) > plan.n_seeds or content_hash(sorted(seeds)) != plan.seed_ids_sha256:
        problems.append(
            Problem("seeds-unplanned", f"{message}, but they are not those of the run", "run.json")
        )
    return seeds


def _draw_samples(seed_ids: Sequence[str], n_sampled: int | None) -> frozenset[str]:
    """Return the seeds whose samples are verified in depth, whatever their order."""
    if n_sampled is None:
        return frozenset(seed_ids)
    return frozenset(heapq.nsmallest(n_sampled, seed_ids, key=content_hash))


def _create_jobs(
    place: str, entry: LedgerEntry, in_depth: frozenset[str], keep: Keep | None
) -> Iterator[FileJob]:
    for file in entry.files:
        if file.kind == "samples":
            chosen = in_depth.intersection(entry.accepted)
            yield FileJob(place, file, entry.accepted, entry.tiers, entry.audio_s, chosen, keep)
        else:
            yield FileJob(place, file, entry.rejected, entry.reasons, 0.0, frozenset(), keep)


def _verify_files(jobs: Sequence[FileJob], n_workers: int) -> Iterator[tuple[FileJob, FileResult]]:
    if n_workers == 1 or len(jobs) <= 1:
        yield from ((job, verify_file(job)) for job in jobs)
        return
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(n_workers, len(jobs)), mp_context=spawn, initializer=_ignore_interrupts)
    try:
        futures = {pool.submit(verify_file, job): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise CopilotError(
            "a worker process ended unexpectedly; run the same command again, "
            "with fewer `n_workers` if memory ran out"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    """Ignore Ctrl-C, which the terminal sends to all processes; the main process handles it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _list_strays(run: Run, entries: Iterable[LedgerEntry], void: Iterable[LedgerEntry]) -> Iterator[str]:
    """Yield a note for each void entry, and for each file that no valid entry names."""
    for entry in void:
        yield f"ledger/{entry.name}.json: void: an earlier entry has some of its seeds; not part of the run"
    known = {file.path for entry in entries for file in entry.files}
    known |= {f"ledger/{name}.json" for name in run.ledger.names()}
    for folder in (*FOLDERS.values(), "ledger"):
        for name in sorted(file.name for file in run.storage.files(folder)):
            if name not in known:
                yield f"{name}: not in the ledger, so not part of the run"
