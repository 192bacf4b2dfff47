from __future__ import annotations

import pytest
from helpers.examples import LIMITS, good_dialogue
from helpers.paths import ROOT
from helpers.rule_case import RuleCase
from helpers.rule_cases_edits import CASES as EDIT_CASES
from helpers.rule_cases_frame import CASES as FRAME_CASES
from helpers.rule_cases_nonsense import CASES as NONSENSE_CASES
from helpers.rule_cases_values import CASES as VALUE_CASES
from helpers.strategies import dialogues
from hypothesis import given

from copilot.dialogue import Dialogue
from copilot.rules import RULES, check_dialogue
from copilot.rules.schema import SCHEMA_MEANING, SCHEMA_RULE

PAGE = ROOT / "docs" / "rules.md"
CASES = FRAME_CASES | VALUE_CASES | EDIT_CASES | NONSENSE_CASES
ALL_CASES = [
    pytest.param(name, case, id=f"{name}-{i}") for name in CASES for i, case in enumerate(CASES[name])
]


def test_good_dialogue_has_no_violation():
    assert check_dialogue(good_dialogue(), LIMITS) == ()
    assert check_dialogue(good_dialogue()) == ()


@pytest.mark.parametrize(("name", "case"), ALL_CASES)
def test_rule_finds_exactly_its_fault(name: str, case: RuleCase):
    found = check_dialogue(case.dialogue, case.limits)
    assert found == case.violations
    assert name in {violation.rule for violation in found}


def test_every_rule_has_a_case():
    assert list(CASES) == [rule.name for rule in RULES]


def test_names_are_unique():
    assert len({rule.name for rule in RULES} | {SCHEMA_RULE}) == len(RULES) + 1


def test_page_lists_the_registry():
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    expected = [(f"`{SCHEMA_RULE}`", "fatal", SCHEMA_MEANING)]
    expected += [(f"`{rule.name}`", rule.severity, rule.meaning) for rule in RULES]
    assert [row for row in rows if row[1] in {"fatal", "hq"}] == expected


@given(dialogues())
def test_no_dialogue_makes_a_rule_raise(dialogue: Dialogue):
    found = check_dialogue(dialogue, LIMITS)
    order = [rule.name for rule in RULES]
    assert [v.rule for v in found] == sorted((v.rule for v in found), key=order.index)
    assert check_dialogue(Dialogue.model_validate_json(dialogue.model_dump_json()), LIMITS) == found
