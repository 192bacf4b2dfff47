"""`import renderers`: short names that load their modules when they are first used."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.imports import HEAVY, check_front_door, heavy_loaded_by, loaded_by


def test_every_name_of_the_front_door_loads():
    check_front_door("renderers")


def test_the_package_loads_nothing_heavy():
    assert heavy_loaded_by("renderers") == set()


@pytest.mark.parametrize("statement", ["import renderers.contract", "from renderers import Renderer"])
def test_the_contract_loads_nothing_heavy(statement):
    assert loaded_by(statement) & HEAVY == set()


def test_listing_renderers_loads_what_their_settings_need_and_no_model():
    statement = "from renderers import list_renderers; list_renderers()"
    assert loaded_by(statement) & {"torch", "transformers", "openai", "datasets", "ray"} == set()


def test_a_sound_takes_a_few_lines():
    from renderers import RenderRequest, create

    renderer = create("procedural", "sfx")
    renderer.prepare()
    [sound] = renderer.render([RenderRequest("rain on a tin roof", duration_s=0.5, random_seed=7)])
    renderer.close()
    assert sound.matched
    assert (sound.audio.shape[1], sound.audio.dtype, sound.rate_hz) == (24_000, np.float32, 48_000)
    assert len(repr(sound)) < 200
