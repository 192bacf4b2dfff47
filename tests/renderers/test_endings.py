"""Sounds that would be cut in the middle of an event end in the quiet before it."""

from __future__ import annotations

import numpy as np
import pytest

from renderers.endings import end_in_quiet
from renderers.library.fit import fit
from renderers.procedural.all_recipes import CATALOGUE
from renderers.procedural.renderer import make_sound

RATE_HZ = 16_000
S = RATE_HZ


def knocks(*starts: float, duration_s: float = 2.0, hum: float = 0.0) -> np.ndarray:
    """Return knocks of 0.2 s on a hum, as (1, samples)."""
    sound = np.full(int(duration_s * S), hum)
    for start_s in starts:
        part = sound[int(start_s * S) : int((start_s + 0.2) * S)]
        part += np.exp(-np.arange(part.size) / (0.03 * S))
    return sound[np.newaxis].astype(np.float32)


def test_an_event_that_would_be_cut_off_is_left_out():
    ended = end_in_quiet(knocks(0.5, 1.3, 1.95), RATE_HZ)
    assert ended.tobytes() == knocks(0.5, 1.3).tobytes()


def test_the_quiet_before_it_falls_to_silence():
    sound = knocks(0.5, 1.3, 1.95, hum=0.02)
    ended = end_in_quiet(sound, RATE_HZ)
    silence = np.flatnonzero(ended[0])[-1] + 1
    assert 1.9 * S < silence <= 1.95 * S
    fading = slice(silence - S // 50, silence)
    assert (np.diff(ended[0, fading]) <= 0).all()
    assert np.array_equal(ended[:, : fading.start], sound[:, : fading.start])


@pytest.mark.parametrize(
    "sound",
    [
        knocks(0.5, 1.5),  # rings out
        knocks(0.5, 1.3, 1.95, hum=0.2),  # never quiet
        knocks(0.2, *np.arange(0.9, 2.0, 0.05)),  # quiet long before its end only
        np.zeros((2, 100), dtype=np.float32),
        np.zeros((1, 0), dtype=np.float32),
    ],
)
def test_other_sounds_stay_as_they_are(sound):
    assert end_in_quiet(sound, RATE_HZ) is sound


def test_the_part_of_a_long_recording_ends_in_quiet():
    long = knocks(*np.arange(0.3, 7.5, 0.97), duration_s=8.0)
    part = fit(long, RATE_HZ, 2 * S, "event").audio
    assert np.abs(part[:, -S // 20 :]).max() < 0.032 * np.abs(part).max()


def test_a_recording_that_ends_with_the_sound_is_not_cut_before():
    whole = knocks(0.0, 1.0, 1.95)
    assert np.abs(fit(whole, RATE_HZ, 2 * S, "event").audio[:, -S // 20 :]).max() > 0.3


@pytest.mark.parametrize("seed", range(6))
def test_procedural_events_ring_out(seed):
    """A stroke that is too late to ring out does not come."""
    recipe = CATALOGUE.match("a hammer hitting an anvil")
    assert recipe is not None
    sound = make_sound(recipe, np.random.default_rng(seed), 3 * 48_000 + 311 * seed)
    assert np.abs(sound[:, -480:]).max() < 0.1 * np.abs(sound).max()
