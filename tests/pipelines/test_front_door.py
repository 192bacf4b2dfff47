"""`import pipelines`: short names that load their modules when they are first used."""

from __future__ import annotations

import pkgutil

import pytest
from helpers.imports import check_front_door, heavy_loaded_by

import pipelines.accounting

ACCOUNTING = [
    f"pipelines.accounting.{module.name}" for module in pkgutil.iter_modules(pipelines.accounting.__path__)
]


def test_every_name_of_the_front_door_loads():
    check_front_door("pipelines")


def test_no_module_hides_a_name_of_the_front_door():
    modules = {module.name for module in pkgutil.iter_modules(pipelines.__path__)}
    assert modules & set(pipelines.__all__) == set()


@pytest.mark.parametrize("module", ["pipelines", "pipelines.stages.table", *ACCOUNTING])
def test_light_modules_load_nothing_heavy(module: str):
    assert heavy_loaded_by(module) == set()


@pytest.mark.parametrize("module", ["pipelines.config", "pipelines.json_file"])
def test_a_configuration_loads_pydantic_alone(module: str):
    assert heavy_loaded_by(module) == {"pydantic"}
