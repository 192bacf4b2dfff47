"""Sounds from a backend: in batches, each answered or failed for a reason, measured beside the next batch.

- A batch that does not fit into memory is halved, down to single requests; the budget stays smaller then.
- A backend that breaks on a batch is asked for each of its requests alone.
- What is no sound (silent, not finite, clipped from end to end, far too short) is asked for once more, with
  another seed.

While the backend works on a batch, threads conform, measure, encode and store the batches before.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from copilot.errors import BackendBrokenError, CopilotError, RowFault, format_traceback
from copilot.hashing import derive_seed
from copilot.stem import SoundSpec, Stem, make_stem
from copilot.units import Seconds
from pipelines.accounting.render_stats import RenderTally
from renderers.batches import compute_cost_s, cut_batches
from renderers.contract import (
    BatchTooLargeError,
    Reference,
    RenderedSound,
    Renderer,
    RenderFailure,
    RenderRequest,
    info_of,
)

_WORTH_ANOTHER_SEED = frozenset({"stem-silent", "stem-not-finite", "stem-clipped", "stem-too-short"})

_OUT_OF_MEMORY = "out-of-memory"
_SIGNS_OF_A_BROKEN_BACKEND = frozenset(
    {
        *("renderer-error", "unexpected-error", "bad-answer", _OUT_OF_MEMORY, "stem-layout"),
        *_WORTH_ANOTHER_SEED,
    }
)
_MOST_IN_A_ROW = 25
"""More sounds than one dialogue has, which alone must not end a run."""

_FINISHERS = 2
"""Threads that finish stems: two keep up with a model that makes some 80 s of sound a second."""

Answer = RenderedSound | RenderFailure
Made = Stem | RowFault


@dataclass(frozen=True, slots=True)
class Wanted:
    """One sound that is to be rendered. `again_after` is the fault of the try before, if there was one."""

    spec: SoundSpec
    reference: Reference | None = None
    again_after: RowFault | None = None

    def request(self) -> RenderRequest:
        """What the backend hears of it."""
        request = RenderRequest.from_spec(self.spec, self.reference)
        if self.again_after is None:
            return request
        # The stem's key keeps the first seed: the second follows from it.
        return replace(request, random_seed=derive_seed("again", request.random_seed))


class BatchRenderer:
    """One backend at work. `keep` is given every stem; it is called in a thread of its own."""

    def __init__(
        self, renderer: Renderer, keep: Callable[[Stem], None], batch_s: Seconds | None = None
    ) -> None:
        self._renderer = renderer
        self._keep = keep
        self._least_s = info_of(renderer).least_s
        self._full_s = info_of(renderer).batch_s if batch_s is None else batch_s
        self._budget_s = self._full_s
        self._tally = RenderTally()
        self._failures: Counter[str] = Counter()
        self._n_broken = 0
        # The same threads for all batches: each thread has memory of its own, which glibc keeps for it.
        self._finisher = ThreadPoolExecutor(_FINISHERS, "finish-stems")

    def stems(self, wanted: Sequence[Wanted]) -> list[Made]:
        """A stem, or the fault for which there is none, for each, in the order asked.

        Raises CopilotError for what concerns the whole run.
        """
        made = self._tried(wanted)
        faults = {index: one for index, one in enumerate(made) if isinstance(one, RowFault)}
        again = {index: one for index, one in faults.items() if one.reason in _WORTH_ANOTHER_SEED}
        retries = [replace(wanted[index], again_after=fault) for index, fault in again.items()]
        for index, one in zip(again, self._tried(retries), strict=True):
            made[index] = one
        self._failures.update(one.reason for one in made if isinstance(one, RowFault))
        self._note(retried=len(again))
        for one in made:
            self._heed(one)
        return made

    def _heed(self, made: Made) -> None:
        """Raises BackendBrokenError where there is no sound any more: all seeds left would be rejected."""
        if isinstance(made, Stem):
            self._n_broken = 0
        elif made.reason in _SIGNS_OF_A_BROKEN_BACKEND:
            self._n_broken += 1
            if self._n_broken >= _MOST_IN_A_ROW:
                raise BackendBrokenError(
                    f"{self._renderer.name}: failed {self._n_broken} times in a row; what was committed "
                    f"stands. The last: {made.reason}: {made.detail.strip()}"
                )

    def pop_tally(self) -> RenderTally:
        """Return the tally since the last call."""
        tally = replace(self._tally, failures=dict(self._failures))
        self._tally = RenderTally()
        self._failures.clear()
        return tally

    def _tried(self, wanted: Sequence[Wanted]) -> list[Made]:
        durations = [one.spec.duration_s for one in wanted]
        batches = cut_batches(durations, self._budget_s, self._least_s)
        made: dict[int, Made] = {}
        finishing: list[tuple[list[int], Future[list[Made]]]] = []
        try:
            for batch in batches:
                parts = []
                for part, answers in self._answered(batch, wanted):
                    parts.append((part, answers))
                    some = [wanted[i] for i in part]
                    finishing.append((part, self._finisher.submit(self._finish, some, answers)))
                self._learn(parts, wanted)
        finally:
            wait([future for _, future in finishing])
        for part, future in finishing:
            made.update(zip(part, future.result(), strict=True))
        stems = [one for one in made.values() if isinstance(one, Stem)]
        self._note(
            stems=len(stems),
            unmatched=sum(not stem.info.matched for stem in stems),
            audio_s=sum(stem.info.duration_s for stem in stems),
        )
        return [made[index] for index in range(len(wanted))]

    def close(self) -> None:
        """End the threads. The backend stays open."""
        self._finisher.shutdown()

    def _answered(
        self, batch: list[int], wanted: Sequence[Wanted]
    ) -> Iterator[tuple[list[int], list[Answer]]]:
        """The batch in as many parts as it takes, with the backend's answers."""
        try:
            yield batch, self._asked([wanted[index].request() for index in batch])
        except BatchTooLargeError as error:
            if len(batch) == 1:
                yield batch, [RenderFailure(_OUT_OF_MEMORY, str(error))]
                return
            half = len(batch) // 2
            for part in (batch[:half], batch[half:]):
                yield from self._answered(part, wanted)

    def _learn(self, parts: Sequence[tuple[list[int], list[Answer]]], wanted: Sequence[Wanted]) -> None:
        """A batch that came in parts shows what fits, unless one of its sounds is too large alone."""
        answers = (answer for _, some in parts for answer in some)
        alone = any(isinstance(a, RenderFailure) and a.reason == _OUT_OF_MEMORY for a in answers)
        if len(parts) > 1 and not alone:
            costs = [
                compute_cost_s([wanted[i].spec.duration_s for i in part], self._least_s) for part, _ in parts
            ]
            self._budget_s = min(self._budget_s, max(costs))

    def _asked(self, requests: Sequence[RenderRequest]) -> list[Answer]:
        """The backend's answers; where it breaks on a batch, each request's alone."""
        try:
            answers = self._called(requests)
        except CopilotError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad request must not stop a run of millions
            if len(requests) == 1:
                return [RenderFailure("renderer-error", format_traceback(error))]
            return [answer for request in requests for answer in self._asked([request])]
        if len(answers) != len(requests):
            raise CopilotError(
                f"{self._renderer.name}: gave {len(answers)} answers to {len(requests)} requests; "
                "a renderer answers each request, in the order asked"
            )
        return answers

    def _called(self, requests: Sequence[RenderRequest]) -> list[Answer]:
        """What one call of the backend gives, timed and counted. Raises whatever it raises."""
        started = time.perf_counter()
        try:
            return list(self._renderer.render(requests))
        except MemoryError as error:
            raise BatchTooLargeError(str(error) or "the memory of this machine is full") from error
        finally:
            fill = self._fill([request.duration_s for request in requests])
            self._note(render_s=time.perf_counter() - started, batches=1, fill=fill)

    def _finish(self, wanted: Iterable[Wanted], answers: Iterable[Answer]) -> list[Made]:
        return [self._stem(one, answer) for one, answer in zip(wanted, answers, strict=True)]

    def _stem(self, wanted: Wanted, answer: Answer) -> Made:
        try:
            stem = _stem_of(wanted, answer)
        except RowFault as fault:
            before = wanted.again_after
            return RowFault(fault.reason, f"{fault.detail} (with another seed as well)") if before else fault
        except (CopilotError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - what a backend gave must not stop a run of millions
            return RowFault("unexpected-error", format_traceback(error))
        self._keep(stem)
        return stem

    def _fill(self, durations_s: Sequence[Seconds]) -> float:
        if math.isinf(self._full_s):
            return 1.0
        return min(compute_cost_s(durations_s, self._least_s) / self._full_s, 1.0)

    def _note(self, **more: float) -> None:
        self._tally += RenderTally(**more)  # type: ignore[arg-type]


def _stem_of(wanted: Wanted, answer: Answer) -> Stem:
    """The stem that an answer makes. Raises RowFault."""
    if isinstance(answer, RenderFailure):
        raise RowFault(answer.reason, answer.detail)
    if not isinstance(answer, RenderedSound):
        raise RowFault("bad-answer", f"the renderer gave {answer!r:.200}, which is no RenderedSound")
    _check_told(answer)
    detail: Mapping[str, str] = answer.detail
    if wanted.spec.tool == "tts":
        detail = {"spoken": wanted.spec.text, **detail}
    if wanted.again_after is not None:
        detail = {**detail, "again_after": wanted.again_after.reason}
    return make_stem(
        wanted.spec,
        answer.audio,
        answer.rate_hz,
        matched=answer.matched,
        words=answer.words,
        detail=detail,
    )


def _check_told(answer: RenderedSound) -> None:
    """Raises RowFault for what no row can hold."""
    for name, value in answer.detail.items():
        if type(name) is not str or type(value) is not str:
            raise RowFault("bad-answer", f"detail may hold texts alone, not {name!r}: {value!r}")
    for word in answer.words:
        if not 0 <= word.start_s <= word.end_s < math.inf:
            raise RowFault("bad-answer", f"{word} has no time that can be")
