"""`import listeners`: short names that load their modules when they are first used."""

from __future__ import annotations

from helpers.imports import HEAVY, check_front_door, heavy_loaded_by, loaded_by


def test_every_name_of_the_front_door_loads():
    check_front_door("listeners")


def test_the_package_loads_nothing_heavy():
    assert heavy_loaded_by("listeners") == set()


def test_the_registry_loads_no_model():
    statement = "from listeners import list_names; list_names()"
    assert loaded_by(statement) & {"torch", "transformers", "onnxruntime", "faster_whisper", *HEAVY} == set()
