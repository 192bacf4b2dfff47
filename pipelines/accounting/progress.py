"""The report of a worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from copilot.designers.account import Usage
from pipelines.accounting.stage_times import StageTimes


@dataclass(frozen=True, slots=True)
class Progress:
    """The work since the last report: counts, seconds of mixes, and the time that it took.

    `reasons` counts rejects by `stage/reason`; `usage` is the use of a language model for accepted and
    rejected seeds.
    """

    accepted: int = 0
    rejected: int = 0
    hq: int = 0
    audio_s: float = 0.0
    reasons: Mapping[str, int] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    times: StageTimes = field(default_factory=StageTimes)
