"""`import copilot`: short names that load their modules when they are first used."""

from __future__ import annotations

import pytest
from helpers.imports import HEAVY, check_front_door, heavy_loaded_by, loaded_by


def test_every_name_of_the_front_door_loads():
    import copilot

    check_front_door("copilot")  # asserts that names load, and that type checkers see the same
    assert {"Scene", "Sample", "mix_dialogue", "sample_of", "__version__"} <= set(copilot.__all__)


@pytest.mark.parametrize("module", ["copilot", "copilot.errors", "copilot.units", "copilot.vocabulary"])
def test_light_modules_load_nothing_heavy(module: str):
    assert heavy_loaded_by(module) == set()


def test_a_frozen_model_loads_pydantic_alone():
    assert heavy_loaded_by("copilot.frozen_model") == {"pydantic"}


def test_a_name_loads_its_module_and_no_other():
    modules = loaded_by("from copilot import Scene")
    assert "copilot.scene" in modules
    assert modules & HEAVY == {"pydantic"}
    assert "copilot.mix" not in modules


def test_an_unknown_name_is_an_attribute_error():
    import copilot

    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        copilot.nope  # noqa: B018 - the access is the test
