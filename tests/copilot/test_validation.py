"""The first fault of a validation, in one line."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from copilot.frozen_model import Range
from copilot.scene import Scene, SceneLimits
from copilot.validation import FieldFault, first_fault


def fault_of(model, **fields) -> FieldFault:
    with pytest.raises(ValidationError) as caught:
        model(**fields)
    return first_fault(caught.value)


def test_a_fault_names_the_path_to_the_field():
    fault = fault_of(SceneLimits, panning={"low": "x", "high": 1})
    assert (fault.where, fault.path, fault.value, fault.kind) == (
        "panning.low",
        ("panning", "low"),
        "x",
        "float_parsing",
    )
    assert str(fault) == f"panning.low: {fault.message}"


def test_a_path_counts_from_0():
    assert fault_of(Scene, elements=[{}]).path[:2] == ("elements", 0)


def test_a_fault_of_the_whole_value_is_the_validators_own_message():
    fault = fault_of(Range, low=2, high=1)
    assert (fault.where, fault.kind) == ("", "value_error")
    assert str(fault) == fault.message == "range: 2.0 is above 1.0"


def test_the_first_of_several_faults_counts():
    assert fault_of(SceneLimits, n_turns=0, n_elements=0).where == "n_elements"
