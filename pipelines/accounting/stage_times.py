"""What the stages took for some records: seconds by stage, and what backends rendered."""

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
            _summed(self.stage_s, other.stage_s),
            _summed(self.stage_cpu_s, other.stage_cpu_s),
            merge((self.renders, other.renders)),
        )


def _summed(one: Mapping[str, Seconds], other: Mapping[str, Seconds]) -> dict[str, Seconds]:
    return {stage: one.get(stage, 0.0) + other.get(stage, 0.0) for stage in {**one, **other}}


class Stopwatch:
    """Takes the time of stages. The processor time is that of this process."""

    def __init__(self) -> None:
        self._effort = StageTimes()

    @contextmanager
    def timing(self, stage: str) -> Iterator[None]:
        """Count what is done meanwhile to a stage."""
        began, cpu_began = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            took, cpu_took = time.perf_counter() - began, time.process_time() - cpu_began
            self._effort += StageTimes({stage: took}, {stage: cpu_took})

    def taken(self, renders: RenderStats | None = None) -> StageTimes:
        """What was counted, with what backends rendered meanwhile."""
        return self._effort + StageTimes(renders=renders or {})
