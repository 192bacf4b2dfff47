"""`import copilot`: short names that load their modules when they are first used."""

from __future__ import annotations

import pytest
from helpers.imports import HEAVY, check_front_door, heavy_loaded_by, loaded_by


def test_every_name_of_the_front_door_loads():
    import copilot

    check_front_door("copilot")  # asserts that names load, and that type checkers see the same
    assert {
        "Scene",
        "Sample",
        "check_designer",
        "list_designers",
        "mix_dialogue",
        "read_sample",
        "__version__",
    } <= set(copilot.__all__)


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


def test_the_example_of_the_docstring_runs():
    import numpy as np

    import copilot

    lines = (copilot.__doc__ or "").splitlines()
    example = "\n".join(line.removeprefix("    ") for line in lines if line.startswith("    "))
    noise = np.random.default_rng(1).standard_normal((1, 8 * 44_100)).astype(np.float32) / 10
    names = {"audio": noise}
    exec(example, names)
    mix = names["mix_dialogue"](names["scenes"], {1: names["stem"]})
    assert mix.turns[1].audio.shape == (2, 8 * copilot.SAMPLE_RATE_HZ)


def test_an_unknown_name_is_an_attribute_error():
    import copilot

    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        copilot.nope  # noqa: B018 - the access is the test
