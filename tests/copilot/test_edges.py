"""Edges: natural ends stay as they are, loud ones fade out inside the scene, and turns agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.audio.fades import fade_out
from copilot.edges import Edges, find_edges
from copilot.edit import compare
from copilot.mix import compute_null_residual, mix_dialogue
from copilot.scene import Scene, SoundElement
from copilot.stem import SoundSpec, Stem, make_stem
from copilot.units import seconds_to_samples

SCENE_S = 8.0
N_DIALOGUE = seconds_to_samples(SCENE_S)
CUT = Edges(n_out=240)


def element(
    number: int = 1, *, role: str = "effect", start_s: float = 1.0, duration_s: float = 1.0
) -> SoundElement:
    return SoundElement(
        id=number, role=role, text="x", loudness=-20, panning=0, start_time=start_s, duration=duration_s
    )


def stem(duration_s: float = 1.0, *, decay_db: float = 0.0, from_s: float = 0.0) -> Stem:
    """Return noise that begins at `from_s` and falls by `decay_db` until its end."""
    n_samples = seconds_to_samples(duration_s)
    sound = np.random.default_rng(1).standard_normal((1, n_samples)) * 0.1
    sound *= 10 ** (-decay_db / 20 * np.arange(n_samples) / n_samples)
    sound[:, : seconds_to_samples(from_s)] = 0
    return make_stem(SoundSpec("sfx", "x", duration_s, 1, {}), sound.astype(np.float32), 48_000)


def edges(sound: Stem, placed: SoundElement | None = None, **more) -> Edges:
    return find_edges(placed or element(), sound, N_DIALOGUE, **more)


def test_what_has_died_away_has_no_fade():
    assert edges(stem(decay_db=60)) == Edges()


def test_what_has_died_away_before_a_cut_has_the_shortest_fade():
    assert edges(stem(2.0, decay_db=120)) == CUT


@pytest.mark.parametrize("stem_s", [1.0, 3.0])
def test_what_is_loud_at_its_end_fades_out_inside_the_scene(stem_s):
    assert edges(stem(stem_s)) == Edges(n_out=seconds_to_samples(0.1))


def test_what_ends_with_the_scene_is_cut():
    last = element(start_s=SCENE_S - 1)
    assert edges(stem(1.0), last) == Edges()
    assert edges(stem(2.0), last) == CUT


@pytest.mark.parametrize(
    ("role", "duration_s", "fade_s"),
    [
        ("effect", 0.3, 0.05),
        ("effect", 0.7, 0.07),
        ("effect", 3.0, 0.1),
        ("effect", 5.0, 0.5),
        ("effect", 0.12, 0.04),
        ("music", 2.0, 0.3),
        ("ambience", 6.0, 0.6),
    ],
)
def test_a_fade_is_as_long_as_suits_the_sound(role, duration_s, fade_s):
    placed = element(role=role, start_s=0, duration_s=duration_s)
    assert edges(stem(duration_s), placed) == Edges(n_out=seconds_to_samples(fade_s))


def test_an_ambience_that_comes_in_later_fades_in():
    bed = element(role="ambience", start_s=2.0, duration_s=SCENE_S - 2)
    n_fade = seconds_to_samples(0.6)
    assert edges(stem(6.0), bed) == Edges(n_in=n_fade)
    assert edges(stem(6.0, from_s=0.5), bed) == Edges()
    assert edges(stem(6.0), bed.model_copy(update={"role": "effect"})) == Edges()
    assert edges(stem(6.0), bed.model_copy(update={"start_time": 0.0})) == Edges(n_out=n_fade)


def test_fades_rise_and_fall_smoothly():
    faded = Edges(n_in=480, n_out=2400).apply(np.ones((2, 9600), dtype=np.float32))
    assert (np.diff(faded[0, :480]) > 0).all()
    assert (np.diff(faded[0, -2400:]) < 0).all()
    assert (faded[:, 480:-2400] == 1).all()
    assert np.abs(faded[:, -240:]).max() < 10 ** (-30 / 20)
    expected = 0.5 - 0.5 * np.cos(np.pi * np.arange(1, 481) / 481)
    assert np.abs(faded[0, :480] - expected).max() < 0.011


def test_the_first_version_has_a_linear_fade_where_it_cuts():
    sound = stem(2.0)
    assert edges(sound, version=1) == Edges(n_out=240, curve="linear")
    assert edges(stem(1.0), version=1) == Edges(curve="linear")
    part = sound.pcm[:, :48_000]
    assert edges(sound, version=1).apply(part).tobytes() == fade_out(part).tobytes()


def test_a_mix_of_the_first_version_is_made_again_in_it():
    scene = Scene(elements=(element(0, role="ambience", start_s=0, duration_s=4), element()))
    stems = {0: stem(4.0), 1: stem(2.0)}
    old, new = (mix_dialogue([scene], stems, version=version).turns[0] for version in (1, 2))
    assert old.placed_stems[1].edges.n_out == 240
    assert new.placed_stems[1].edges.n_out == 4_800
    assert not np.array_equal(old.pcm, new.pcm)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(20, 200)), min_size=3, max_size=6))
@settings(max_examples=25, deadline=None)
def test_a_sound_that_is_not_edited_has_the_same_edges_in_every_turn(slots):
    """Scenes of turns differ in length: the end that counts is that of the longest."""
    stems = {number: stem(2.0) for number in range(len(slots))}
    placed = [
        element(n, role=("ambience", "effect")[n % 2], start_s=start / 100, duration_s=duration / 100)
        for n, (start, duration) in enumerate(slots)
    ]
    scenes = [Scene(elements=tuple(placed[:k])) for k in range(1, len(placed) + 1)]
    mix = mix_dialogue(scenes, stems)
    for before, after, old, new in zip(scenes, scenes[1:], mix.turns, mix.turns[1:], strict=False):
        assert compute_null_residual(old, new, compare(before, after).touched) == 0
    one = mix_dialogue(scenes, stems, headroom_db=mix.headroom_db, turns=slice(1, 2))
    assert one.turns[0].pcm.tobytes() == mix.turns[1].pcm.tobytes()
