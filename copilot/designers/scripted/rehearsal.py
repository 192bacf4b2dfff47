"""A rehearsal: dialogues by a lexicon, only to see whether any are made and what the rules find in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from copilot.designers.scripted.designer import ScriptedDesigner
from copilot.errors import RowFault
from copilot.rules import check_dialogue
from copilot.scene import SceneLimits
from copilot.seed import Seed


@dataclass
class Rehearsal:
    """The number of dialogues that were tried, that are valid, and that no rule finds anything in.

    `findings` counts dialogues by the rule, or by the reason why there was none; `examples` has one message
    for each.
    """

    n_tried: int = 0
    n_valid: int = 0
    n_clean: int = 0
    findings: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, example: str) -> None:
        """Count a finding by its name."""
        self.findings[name] = self.findings.get(name, 0) + 1
        self.examples.setdefault(name, example)


def rehearse(
    designer: ScriptedDesigner, seeds: Iterable[Seed], limits: SceneLimits | None = None
) -> Rehearsal:
    """Return what became of dialogues for these seeds; `limits` are the designer's (default: published)."""
    limits = limits or SceneLimits()
    result = Rehearsal()
    for seed in seeds:
        result.n_tried += 1
        try:
            dialogue = designer.design(seed, run_seed=0).dialogue
        except RowFault as fault:
            result.add(fault.reason, fault.detail)
            continue
        found = {violation.rule: violation for violation in check_dialogue(dialogue, limits)}
        result.n_valid += all(violation.severity != "fatal" for violation in found.values())
        result.n_clean += not found
        for rule, violation in found.items():
            turn = violation.turn
            request = f' ("{dialogue.turns[turn].user}")' if turn is not None else ""
            result.add(rule, f"{violation.message}{request}")
    return result
