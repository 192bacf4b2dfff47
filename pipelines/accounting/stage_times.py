"""Times of the stages for some records: seconds by stage, and statistics of what backends rendered."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from copilot.units import Seconds
from pipelines.accounting.render_stats import RenderStats, merge


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Seconds by stage, on the clock and of processor time, and tallies by backend."""

    stage_s: Mapping[str, Seconds] = field(default_factory=dict)
    stage_cpu_s: Mapping[str, Seconds] = field(default_factory=dict)
    renders: RenderStats = field(default_factory=dict)

    def __add__(self, other: StageTimes) -> StageTimes:
        return StageTimes(
            _add(self.stage_s, other.stage_s),
            _add(self.stage_cpu_s, other.stage_cpu_s),
            merge((self.renders, other.renders)),
        )


def _add(one: Mapping[str, Seconds], other: Mapping[str, Seconds]) -> dict[str, Seconds]:
    return {stage: one.get(stage, 0.0) + other.get(stage, 0.0) for stage in {**one, **other}}


class Stopwatch:
    """Measures the time of stages. The processor time is that of this process."""

    def __init__(self) -> None:
        self._times = StageTimes()

    @contextmanager
    def timing(self, stage: str) -> Iterator[None]:
        """Count the time spent inside to a stage."""
        started, cpu_started = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            took_s, cpu_took_s = time.perf_counter() - started, time.process_time() - cpu_started
            self._times += StageTimes({stage: took_s}, {stage: cpu_took_s})

    def times(self, renders: RenderStats | None = None) -> StageTimes:
        """Return the times counted so far, with the statistics of what backends rendered meanwhile."""
        return self._times + StageTimes(renders=renders or {})
