"""Validate: harmless faults are mended and recorded; the rules decide about the rest."""

from __future__ import annotations

from collections import Counter

from copilot.errors import RowFault
from copilot.normalise import normalise_dialogue
from copilot.rules import RULES, check_dialogue
from copilot.scene import SceneLimits
from copilot.vocabulary import Check
from pipelines.stages.record import Record
from pipelines.stages.stage import Stage


class ValidateStage(Stage):
    """Normalises the dialogue and applies the rules.

    A fatal violation rejects the seed, with the rule's name as the reason. Every `hq` rule becomes a check
    of the sample, named `rule/NAME`, whose value is the number of violations.
    """

    name = "validate"

    def __init__(self, limits: SceneLimits, language: str | None = None) -> None:
        self._limits = limits
        self._language = language

    def process(self, record: Record) -> None:
        """Validate one dialogue. Raises RowFault for the first fatal violation, all of them in the detail."""
        record.dialogue, notes = normalise_dialogue(record.require_dialogue(), self._limits)
        record.normalised = tuple(str(note) for note in notes)
        violations = check_dialogue(
            record.dialogue, self._limits, self._language, own_requests=record.seed.own_requests
        )
        fatal = [violation for violation in violations if violation.severity == "fatal"]
        if fatal:
            raise RowFault(fatal[0].rule, "; ".join(violation.message for violation in fatal))
        counts = Counter(violation.rule for violation in violations)
        record.rule_checks = tuple(
            Check(f"rule/{rule.name}", float(counts[rule.name]), 0.0)
            for rule in RULES
            if rule.severity == "hq"
        )
