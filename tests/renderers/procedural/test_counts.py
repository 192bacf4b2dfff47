"""A caption that says how often something happens gets as many events as it says."""

from __future__ import annotations

import pytest
from helpers import measures

from copilot.hashing import derive_rng
from copilot.units import seconds_to_samples
from renderers.procedural.all_recipes import CATALOGUE
from renderers.procedural.modifiers import parse
from renderers.procedural.renderer import make_sound


@pytest.mark.parametrize(
    ("caption", "count"),
    [
        ("a big dog barking twice", 2),
        ("a crow cawing three times", 3),
        ("three slow knocks", 3),
        ("a single gunshot echoing", 1),
        ("a gong struck once", 1),
        ("two dogs barking", 0),
        ("single gunshots cracking", 0),
        ("one slow drip after another", 0),
        ("a lively crowd talking at once", 0),
        ("a dog barking", 0),
    ],
)
def test_count_is_read_from_the_caption(caption, count):
    assert parse(caption).count == count


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("duration_s", [2.5, 6.0])
@pytest.mark.parametrize(
    ("caption", "count"),
    [
        ("a dog barking once", 1),
        ("a big dog barking twice", 2),
        ("a dog barks four times", 4),
        ("a crow cawing three times", 3),
        ("three slow knocks", 3),
        ("two knocks on the door", 2),
        ("someone coughing twice", 2),
        ("a switch clicking once", 1),
        ("a camera shutter snapping twice", 2),
    ],
)
def test_as_many_events_as_the_caption_says(caption, count, duration_s, seed):
    audio = make_sound(
        CATALOGUE.match(caption),
        derive_rng(caption, seed),
        seconds_to_samples(duration_s),
        parse(caption),
    )
    assert len(measures.onset_times_s(audio, dead_s=0.18, floor_db=-20.0)) == count
