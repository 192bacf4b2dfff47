"""The rules of the domain, and a dialogue held against all of them.

`docs/rules.md` lists them; a test keeps the page and this registry equal.
"""

from __future__ import annotations

from copilot.dialogue import Dialogue
from copilot.rules import ambience, edits, ranges, speech, structure, texts
from copilot.rules import request_words as words
from copilot.rules.rule import Case, Rule, Severity, Violation
from copilot.scene import SceneLimits

__all__ = ["RULES", "Rule", "Severity", "Violation", "check_dialogue"]

RULES: tuple[Rule, ...] = (
    *structure.RULES,
    *ambience.RULES,
    *ranges.RULES,
    *texts.RULES,
    *speech.RULES,
    *edits.RULES,
    *words.RULES,
)
"""Every rule, in the order in which violations are told."""


def check_dialogue(dialogue: Dialogue, limits: SceneLimits) -> tuple[Violation, ...]:
    """The violations of a dialogue, in the order of the rules and then of the turns; empty if it is clean."""
    case = Case.of(dialogue, limits)
    return tuple(violation for rule in RULES for violation in rule.check(case))
