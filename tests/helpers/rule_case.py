"""A case for a rule: a dialogue that breaks it, and all violations that the dialogue has.

The messages are compared in full: a language model reads them when it corrects its reply.
"""

from __future__ import annotations

from dataclasses import dataclass

from copilot.dialogue import Dialogue
from copilot.rules import Violation
from copilot.scene import SceneLimits
from helpers.examples import LIMITS


@dataclass(frozen=True)
class RuleCase:
    """A dialogue, its limits, and the violations that are found in it."""

    dialogue: Dialogue
    violations: tuple[Violation, ...]
    limits: SceneLimits = LIMITS


def fatal(rule: str, turn: int | None, element_id: int | None, message: str) -> Violation:
    return Violation(rule, "fatal", turn, element_id, message)


def hq(rule: str, turn: int | None, element_id: int | None, message: str) -> Violation:
    return Violation(rule, "hq", turn, element_id, message)
