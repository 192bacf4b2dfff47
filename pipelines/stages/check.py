"""Check: stems and mixes are measured against limits."""

from __future__ import annotations

from copilot.checks import run_audio_checks
from pipelines.stages.record import Record
from pipelines.stages.stage import Stage


class CheckStage(Stage):
    """Measures stems and mixes, and compares the values with their limits."""

    name = "check"

    def process(self, record: Record) -> None:
        """Give the record its checks: of the rules, of the designer, and of the audio."""
        sound = run_audio_checks(record.require_dialogue(), record.stems, record.require_mix())
        record.checks = record.rule_checks + record.design_checks + sound
