"""Rendering in batches: every sound job gets a stem or a fault.

- A batch that does not fit into memory is halved, down to single requests; later batches are smaller, too.
- If a backend fails on a batch, its requests are retried one by one.
- A sound that is not usable (silent, not finite, clipped from end to end, far too short or long) is retried
  once with another random seed.

While the backend works on a batch, threads conform, measure, encode and store the previous batches.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from copilot.errors import BackendBrokenError, CopilotError, RowFault, format_traceback
from copilot.hashing import derive_random_seed
from copilot.stem import SoundSpec, Stem, make_stem
from copilot.units import Seconds
from pipelines.accounting.render_stats import RenderTally
from pipelines.stages.record import Record
from renderers.batches import compute_cost_s, cut_batches
from renderers.contract import (
    BatchTooLargeError,
    Reference,
    RenderedSound,
    Renderer,
    RenderFailure,
    RenderRequest,
    get_info,
)

_WORTH_ANOTHER_RANDOM_SEED = frozenset(
    {"stem-silent", "stem-not-finite", "stem-clipped", "stem-too-short", "stem-too-long"}
)

_OUT_OF_MEMORY = "out-of-memory"
_SIGNS_OF_A_BROKEN_BACKEND = frozenset(
    {
        *("renderer-error", "unexpected-error", "bad-answer", _OUT_OF_MEMORY, "stem-layout"),
        *_WORTH_ANOTHER_RANDOM_SEED,
    }
)
_MAX_FAILURES_IN_A_ROW = 25
"""More than the sounds of one dialogue, since one bad dialogue must not end a run."""

_N_THREADS = 2
"""Threads that finish stems: two keep up with a model that makes some 80 s of sound a second."""

Answer = RenderedSound | RenderFailure
Result = Stem | RowFault


@dataclass(frozen=True, slots=True)
class SoundJob:
    """One sound to render: an element of a record. `retry_after` is the fault of the first try, if it failed.

    The `reference` shows the voice, if the backend clones.
    """

    spec: SoundSpec
    record: Record
    element_id: int
    reference: Reference | None = None
    retry_after: RowFault | None = None

    def to_request(self) -> RenderRequest:
        """Return the backend's request."""
        spec = self.spec
        if self.retry_after:
            # The stem's key keeps the first random seed: the second follows from it.
            spec = replace(spec, random_seed=derive_random_seed("again", spec.random_seed))
        return RenderRequest.from_spec(spec, self.reference)

    def deliver(self, result: Result) -> None:
        """Give the record its stem. Raises RowFault, which names the element, if the result is a fault."""
        if isinstance(result, Stem):
            self.record.stems[self.element_id] = result
            return
        detail = f"element {self.element_id} ({self.spec.text!r}): {result.detail}"
        raise RowFault(result.reason, detail) from result


class BatchRenderer:
    """Renders with one backend. `store_stem` is called with every stem, in other threads."""

    def __init__(
        self, renderer: Renderer, store_stem: Callable[[Stem], None], batch_s: Seconds | None = None
    ) -> None:
        self._renderer = renderer
        self._store_stem = store_stem
        self._least_s = get_info(renderer).least_s
        self._full_s = get_info(renderer).batch_s if batch_s is None else batch_s
        self._budget_s = self._full_s
        self._tally = RenderTally()
        self._failures: Counter[str] = Counter()
        self._n_broken = 0
        # The same threads for all batches: each thread has memory of its own, which glibc keeps for it.
        self._threads = ThreadPoolExecutor(_N_THREADS, "finish-stems")

    def render(self, jobs: Sequence[SoundJob]) -> list[Result]:
        """Return a stem or a fault for each job, in their order.

        Raises CopilotError if the whole run cannot continue.
        """
        results = self._render_batches(jobs)
        retries = {
            index: replace(jobs[index], retry_after=result)
            for index, result in enumerate(results)
            if isinstance(result, RowFault) and result.reason in _WORTH_ANOTHER_RANDOM_SEED
        }
        for index, result in zip(retries, self._render_batches(list(retries.values())), strict=True):
            results[index] = result
        self._failures.update(result.reason for result in results if isinstance(result, RowFault))
        self._tally += RenderTally(retried=len(retries))
        for result in results:
            self._check_alive(result)
        return results

    def _check_alive(self, result: Result) -> None:
        """Raise BackendBrokenError after many failures in a row: all other seeds would be rejected, too."""
        if isinstance(result, Stem):
            self._n_broken = 0
        elif result.reason in _SIGNS_OF_A_BROKEN_BACKEND:
            self._n_broken += 1
            if self._n_broken >= _MAX_FAILURES_IN_A_ROW:
                raise BackendBrokenError(
                    f"{self._renderer.name}: failed {self._n_broken} times in a row. Committed samples are "
                    "kept; fix the cause and run the same command again to resume. The last failure: "
                    f"{result.reason}: {result.detail.strip()}"
                )

    def pop_tally(self) -> RenderTally:
        """Return the tally since the last call."""
        tally = replace(self._tally, failures=dict(self._failures))
        self._tally = RenderTally()
        self._failures.clear()
        return tally

    def _render_batches(self, jobs: Sequence[SoundJob]) -> list[Result]:
        batches = cut_batches([job.spec.duration_s for job in jobs], self._budget_s, self._least_s)
        finishing: list[tuple[list[int], Future[list[Result]]]] = []
        try:
            for batch in batches:
                parts = []
                for part, answers in self._split_on_out_of_memory(batch, jobs):
                    parts.append((part, answers))
                    some = [jobs[i] for i in part]
                    finishing.append((part, self._threads.submit(self._finish, some, answers)))
                self._lower_budget(parts, jobs)
        finally:
            wait([future for _, future in finishing])
        by_index: dict[int, Result] = {}
        for part, future in finishing:
            by_index.update(zip(part, future.result(), strict=True))
        results = [by_index[index] for index in range(len(jobs))]
        stems = [result for result in results if isinstance(result, Stem)]
        self._tally += RenderTally(
            stems=len(stems),
            unmatched=sum(not stem.info.matched for stem in stems),
            audio_s=sum(stem.info.duration_s for stem in stems),
        )
        return results

    def close(self) -> None:
        """End the threads. The backend stays open."""
        self._threads.shutdown()

    def _split_on_out_of_memory(
        self, batch: list[int], jobs: Sequence[SoundJob]
    ) -> Iterator[tuple[list[int], list[Answer]]]:
        """Yield the batch in as many parts as memory requires, with the backend's answers."""
        try:
            yield batch, self._render_or_isolate([jobs[index].to_request() for index in batch])
        except BatchTooLargeError as error:
            if len(batch) == 1:
                yield batch, [RenderFailure(_OUT_OF_MEMORY, str(error))]
                return
            half = len(batch) // 2
            for part in (batch[:half], batch[half:]):
                yield from self._split_on_out_of_memory(part, jobs)

    def _lower_budget(
        self, parts: Sequence[tuple[list[int], list[Answer]]], jobs: Sequence[SoundJob]
    ) -> None:
        """Lower the budget to what fitted, if a batch was split and none of its sounds is too large alone."""
        answers = (answer for _, some in parts for answer in some)
        alone = any(isinstance(a, RenderFailure) and a.reason == _OUT_OF_MEMORY for a in answers)
        if len(parts) > 1 and not alone:
            costs = [
                compute_cost_s([jobs[i].spec.duration_s for i in part], self._least_s) for part, _ in parts
            ]
            self._budget_s = min(self._budget_s, max(costs))

    def _render_or_isolate(self, requests: Sequence[RenderRequest]) -> list[Answer]:
        """Return the backend's answers; if it fails on the batch, those to each request alone."""
        try:
            answers = self._call_backend(requests)
        except CopilotError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad request must not stop a run of millions
            if len(requests) == 1:
                return [RenderFailure("renderer-error", format_traceback(error))]
            return [answer for request in requests for answer in self._render_or_isolate([request])]
        if len(answers) != len(requests):
            raise CopilotError(
                f"{self._renderer.name}: gave {len(answers)} answers to {len(requests)} requests; "
                "a renderer must answer each request, in their order"
            )
        return answers

    def _call_backend(self, requests: Sequence[RenderRequest]) -> list[Answer]:
        """Call the backend once; count the call and its time. Raises whatever the backend raises."""
        started = time.perf_counter()
        try:
            return list(self._renderer.render(requests))
        except MemoryError as error:
            raise BatchTooLargeError(str(error) or "the memory of this machine is full") from error
        finally:
            fill = self._compute_fill([request.duration_s for request in requests])
            self._tally += RenderTally(render_s=time.perf_counter() - started, batches=1, fill=fill)

    def _finish(self, jobs: Iterable[SoundJob], answers: Iterable[Answer]) -> list[Result]:
        return [self._finish_stem(job, answer) for job, answer in zip(jobs, answers, strict=True)]

    def _finish_stem(self, job: SoundJob, answer: Answer) -> Result:
        try:
            stem = _make_stem(job, answer)
        except RowFault as fault:
            if job.retry_after:
                return RowFault(fault.reason, f"{fault.detail} (with another seed as well)")
            return fault
        except (CopilotError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - a backend's answer must not stop a run of millions
            return RowFault("unexpected-error", format_traceback(error))
        self._store_stem(stem)
        return stem

    def _compute_fill(self, durations_s: Sequence[Seconds]) -> float:
        if math.isinf(self._full_s):
            return 1.0
        return min(compute_cost_s(durations_s, self._least_s) / self._full_s, 1.0)


def _make_stem(job: SoundJob, answer: Answer) -> Stem:
    """Return the stem of an answer. Raises RowFault."""
    if isinstance(answer, RenderFailure):
        raise RowFault(answer.reason, answer.detail)
    if not isinstance(answer, RenderedSound):
        raise RowFault("bad-answer", f"the renderer gave {answer!r:.200}, which is not a RenderedSound")
    _check_values(answer)
    detail: Mapping[str, str] = answer.detail
    if version := job.spec.backend.get(f"{answer.backend}.version"):
        detail = {**detail, "backend_version": version}
    if job.spec.tool == "tts":
        detail = {"spoken": job.spec.text, **detail}
    if job.retry_after is not None:
        detail = {**detail, "again_after": job.retry_after.reason}
    return make_stem(
        job.spec,
        answer.audio,
        answer.rate_hz,
        matched=answer.matched,
        words=answer.words,
        detail=detail,
        backend=answer.backend,
    )


def _check_values(answer: RenderedSound) -> None:
    """Raise RowFault for values that no row can hold."""
    for name, value in answer.detail.items():
        if type(name) is not str or type(value) is not str:
            raise RowFault("bad-answer", f"detail must hold texts, not {name!r}: {value!r}")
    if type(answer.backend) is not str:
        raise RowFault("bad-answer", f"backend must be a text, not {answer.backend!r}")
    for word in answer.words:
        if not 0 <= word.start_s <= word.end_s < math.inf:
            raise RowFault("bad-answer", f"{word}: its times are not 0 <= start_s <= end_s")
