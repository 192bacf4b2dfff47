"""The rules of the domain, and the check of a dialogue against all of them.

`docs/rules.md` lists them; a test keeps the page and this registry equal.
"""

from __future__ import annotations

from collections.abc import Collection

from copilot.dialogue import Dialogue
from copilot.language import ENGLISH, is_among
from copilot.rules import (
    ambience,
    audibility,
    copies,
    edits,
    garbled,
    masking,
    placeholders,
    ranges,
    speech,
    structure,
    texts,
    voices,
)
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
    *masking.RULES,
    *edits.RULES,
    *audibility.RULES,
    *words.RULES,
    *garbled.RULES,
    *placeholders.RULES,
    *copies.RULES,
    *voices.RULES,
)
"""Every rule, in the order in which violations are reported."""


def check_dialogue(
    dialogue: Dialogue,
    limits: SceneLimits | None = None,
    language: str | None = None,
    *,
    own_requests: Collection[int] = (),
) -> tuple[Violation, ...]:
    """Return the violations of a dialogue, by rule and then by turn; empty if it is clean.

    `limits` are those of the run (default: the default limits). `language` is the tag that it declares
    (default: English); rules that read English words are not applied to others. `own_requests` are the turns
    whose requests are a user's own words, which no fatal rule judges by their wording.
    """
    english = is_among(language or ENGLISH, (ENGLISH,))
    case = Case.of(dialogue, limits or SceneLimits(), english=english, own_requests=own_requests)
    return tuple(violation for rule in RULES for violation in rule.check(case))
