"""Figures that characterise the sounds of nature, people and footsteps, and the promises of textures."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from helpers import measures

from copilot.hashing import derive_rng
from copilot.units import seconds_to_samples
from renderers.procedural.all_recipes import CATALOGUE, NATURE, PEOPLE
from renderers.procedural.modifiers import NEUTRAL, parse
from renderers.procedural.renderer import make_sound

RECIPES = [recipe.name for family in (*NATURE, *PEOPLE) for recipe in family.RECIPES]
TEXTURES = [name for name in RECIPES if CATALOGUE.recipes[name].is_texture]
SEEDS = (0, 1)

# Recipe, measure, its settings, lowest and highest value that still is this sound.
BANDS = [
    ("rain", "centroid_hz", {}, 3800, 4800),
    ("rain", "flatness", {}, 0.29, 0.4),
    ("rain", "steadiness_db", {}, 0.089, 0.62),
    ("rain", "modulation_depth", {}, 0.22, 0.27),
    ("rain", "channel_correlation", {}, -0.16, 0.16),
    ("drizzle", "centroid_hz", {}, 4600, 5900),
    ("drizzle", "onset_rate_hz", {}, 10, 14),
    ("drizzle", "crest_db", {}, 16, 21),
    ("thunder", "centroid_hz", {}, 100, 150),
    ("thunder", "band_share", {"low_hz": 20, "high_hz": 200}, 0.83, 1),
    ("thunder", "silent_share", {}, 0, 0.32),
    ("thunder", "steadiness_db", {}, 6.8, 19),
    ("wind", "centroid_hz", {}, 220, 280),
    ("wind", "flatness", {}, 0.00056, 0.00073),
    ("wind", "modulation_depth", {}, 0.2, 0.42),
    ("wind", "silent_share", {}, 0, 0),
    ("snowstorm", "centroid_hz", {}, 630, 1200),
    ("snowstorm", "flatness", {}, 0.053, 0.11),
    ("snowstorm", "modulation_depth", {}, 0.17, 0.51),
    ("leaves", "centroid_hz", {}, 5300, 6500),
    ("leaves", "onset_rate_hz", {}, 6.9, 11),
    ("leaves", "modulation_depth", {}, 0.45, 0.62),
    ("leaves", "channel_correlation", {}, -0.16, 0.16),
    ("surf", "centroid_hz", {}, 1500, 2000),
    ("surf", "modulation_depth", {}, 0.2, 0.29),
    ("surf", "steadiness_db", {}, 1.6, 2.9),
    ("surf", "silent_share", {}, 0, 0),
    ("stream", "centroid_hz", {}, 730, 1100),
    ("stream", "onset_rate_hz", {}, 7.7, 11),
    ("stream", "harmonicity", {}, 0.33, 0.48),
    ("waterfall", "centroid_hz", {}, 2800, 3400),
    ("waterfall", "modulation_depth", {}, 0.072, 0.09),
    ("waterfall", "flatness", {}, 0.29, 0.36),
    ("drips", "onset_rate_hz", {}, 1.8, 2.6),
    ("drips", "decay_s", {"drop_db": 60}, 0.073, 0.092),
    ("drips", "silent_share", {}, 0.8, 0.97),
    ("drips", "centroid_hz", {}, 870, 1700),
    ("splash", "onset_rate_hz", {}, 0.825, 2.69),
    ("splash", "crest_db", {}, 20.4, 23),
    ("splash", "centroid_hz", {}, 2420, 4710),
    ("splash", "modulation_depth", {}, 1.03, 1.86),
    ("splash", "flatness", {}, 0.298, 0.526),
    ("bubbles", "peak_hz", {}, 260, 390),
    ("bubbles", "onset_gap_s", {}, 0.091, 0.12),
    ("bubbles", "harmonicity", {}, 0.58, 0.71),
    ("underwater", "centroid_hz", {}, 100, 180),
    ("underwater", "band_share", {"low_hz": 20, "high_hz": 500}, 0.89, 1),
    ("underwater", "silent_share", {}, 0, 0),
    ("fire", "onset_rate_hz", {"rise_db": 5}, 7.3, 11),
    ("fire", "crest_db", {}, 16, 21),
    ("fire", "centroid_hz", {}, 430, 2100),
    ("fire", "channel_correlation", {}, -0.18, 0.19),
    ("fire", "harmonicity", {}, 0.62, 0.71),
    ("fire", "modulation_depth", {}, 0.25, 0.39),
    ("torch", "centroid_hz", {}, 870, 1200),
    ("torch", "modulation_depth", {}, 0.45, 0.62),
    ("torch", "silent_share", {}, 0, 0),
    ("birdsong", "onset_rate_hz", {}, 5.6, 8.2),
    ("birdsong", "band_share", {"low_hz": 1800, "high_hz": 8000}, 0.88, 1),
    ("birdsong", "modulation_depth", {}, 0.55, 0.8),
    ("gulls", "flatness", {}, 0.3, 0.39),
    ("gulls", "harmonicity", {}, 0.25, 0.47),
    ("gulls", "centroid_hz", {}, 3300, 4000),
    ("crow", "centroid_hz", {}, 1700, 2200),
    ("crow", "harmonicity", {}, 0.34, 0.45),
    ("crow", "onset_gap_s", {}, 0.47, 0.57),
    ("crow", "silent_share", {}, 0.51, 0.74),
    ("owl", "peak_hz", {}, 270, 340),
    ("owl", "harmonicity", {}, 0.94, 0.99),
    ("owl", "flatness", {}, 0.00064, 0.00093),
    ("owl", "band_share", {"low_hz": 250, "high_hz": 600}, 0.91, 0.99),
    ("owl", "centroid_hz", {}, 290, 360),
    ("rooster", "pitch_hz", {}, 730, 870),
    ("rooster", "harmonicity", {}, 0.89, 1),
    ("rooster", "silent_share", {}, 0.51, 0.62),
    ("wings", "onset_gap_s", {}, 0.12, 0.16),
    ("wings", "centroid_hz", {}, 950, 1200),
    ("wings", "modulation_peak_hz", {"low_hz": 4, "high_hz": 12}, 6.2, 8),
    ("crickets", "peak_hz", {}, 3800, 5300),
    ("crickets", "band_share", {"low_hz": 3500, "high_hz": 6000}, 0.9, 1),
    ("crickets", "onset_rate_hz", {}, 9.6, 12),
    ("cicadas", "centroid_hz", {}, 5400, 6500),
    ("cicadas", "band_share", {"low_hz": 3500, "high_hz": 9500}, 0.91, 1),
    ("cicadas", "modulation_peak_hz", {"low_hz": 60, "high_hz": 200}, 98, 140),
    ("bees", "peak_hz", {}, 180, 280),
    ("bees", "harmonicity", {}, 0.61, 0.86),
    ("bees", "silent_share", {}, 0, 0),
    ("bees", "modulation_depth", {}, 0.18, 0.29),
    ("frogs", "peak_hz", {}, 490, 1000),
    ("frogs", "modulation_depth", {}, 0.38, 0.7),
    ("frogs", "onset_rate_hz", {}, 4.6, 9.7),
    ("dog", "centroid_hz", {}, 1100, 1200),
    ("dog", "onset_gap_s", {}, 0.32, 0.5),
    ("dog", "decay_s", {}, 0.17, 0.26),
    ("dog", "harmonicity", {}, 0.43, 0.7),
    ("dog", "modulation_depth", {}, 1.4, 2.0),
    ("dog", "flatness", {}, 0.0095, 0.014),
    ("wolf", "pitch_hz", {}, 390, 530),
    ("wolf", "harmonicity", {}, 0.91, 1),
    ("wolf", "crest_db", {}, 3.9, 9.1),
    ("cat", "pitch_hz", {}, 390, 470),
    ("cat", "centroid_hz", {}, 990, 1100),
    ("cat", "harmonicity", {}, 0.58, 0.71),
    ("cat", "crest_db", {}, 18, 21),
    ("cat", "flatness", {}, 0.01, 0.013),
    ("cow", "peak_hz", {}, 149, 212),
    ("cow", "centroid_hz", {}, 146, 205),
    ("cow", "harmonicity", {}, 0.995, 1),
    ("cow", "modulation_depth", {}, 1.38, 2.27),
    ("cow", "decay_s", {}, 0.631, 0.884),
    ("sheep", "pitch_hz", {}, 256, 351),
    ("sheep", "modulation_peak_hz", {"low_hz": 4, "high_hz": 14}, 7.91, 11.1),
    ("sheep", "harmonicity", {}, 0.791, 0.897),
    ("sheep", "centroid_hz", {}, 499, 580),
    ("sheep", "decay_s", {}, 0.036, 0.069),
    ("horse_hooves", "onset_gap_s", {}, 0.23, 0.27),
    ("horse_hooves", "peak_hz", {}, 750, 1800),
    ("horse_hooves", "decay_s", {}, 0.14, 0.19),
    ("horse_hooves", "crest_db", {}, 17, 21),
    ("horse_hooves", "centroid_hz", {}, 1400, 1500),
    ("horse_hooves", "harmonicity", {}, 0.29, 0.35),
    ("horse_hooves", "modulation_depth", {}, 1.4, 1.8),
    ("horse_hooves", "flatness", {}, 0.014, 0.02),
    ("horse_neigh", "pitch_hz", {}, 491, 1320),
    ("horse_neigh", "modulation_peak_hz", {"low_hz": 6, "high_hz": 18}, 6.09, 6.6),
    ("horse_neigh", "centroid_hz", {}, 3060, 3450),
    ("horse_neigh", "harmonicity", {}, 0.578, 0.683),
    ("horse_neigh", "crest_db", {}, 15.8, 18.5),
    ("horse_neigh", "modulation_depth", {}, 1.12, 1.3),
    ("horse_neigh", "flatness", {}, 0.215, 0.256),
    ("rat_scurry", "onset_rate_hz", {"dead_s": 0.03}, 11, 17),
    ("rat_scurry", "centroid_hz", {}, 3100, 4400),
    ("rat_scurry", "crest_db", {}, 18, 23),
    ("crowd", "centroid_hz", {}, 477, 678),
    ("crowd", "modulation_depth", {}, 0.22, 0.284),
    ("crowd", "silent_share", {}, 0, 0),
    ("crowd", "channel_correlation", {}, -0.022, 0.37),
    ("crowd", "harmonicity", {}, 0.281, 0.44),
    ("crowd", "crest_db", {}, 15.2, 17.3),
    ("whisper_crowd", "centroid_hz", {}, 1800, 2400),
    ("whisper_crowd", "harmonicity", {}, 0.2, 0.29),
    ("whisper_crowd", "flatness", {}, 0.19, 0.26),
    ("children_playing", "centroid_hz", {}, 530, 1300),
    ("children_playing", "harmonicity", {}, 0.68, 0.93),
    ("children_playing", "channel_correlation", {}, -0.26, 0.29),
    ("applause", "centroid_hz", {}, 1900, 2500),
    ("applause", "modulation_depth", {}, 0.35, 0.45),
    ("applause", "flatness", {}, 0.068, 0.094),
    ("applause", "channel_correlation", {}, -0.15, 0.19),
    ("cheer", "centroid_hz", {}, 790, 1100),
    ("cheer", "modulation_depth", {}, 0.13, 0.25),
    ("cheer", "silent_share", {}, 0, 0),
    ("cheer", "harmonicity", {}, 0.32, 0.47),
    ("laughter", "onset_gap_s", {}, 0.18, 0.24),
    ("laughter", "harmonicity", {}, 0.76, 0.99),
    ("laughter", "silent_share", {}, 0.48, 0.7),
    ("cough", "crest_db", {}, 19, 24),
    ("cough", "centroid_hz", {}, 1300, 1700),
    ("cough", "silent_share", {}, 0.64, 0.87),
    ("cough", "harmonicity", {}, 0.22, 0.44),
    ("breathing", "centroid_hz", {}, 1900, 2400),
    ("breathing", "flatness", {}, 0.18, 0.22),
    ("breathing", "modulation_peak_hz", {"low_hz": 0.2, "high_hz": 2}, 0.44, 0.53),
    ("breathing", "harmonicity", {}, 0.13, 0.17),
    ("heartbeat", "centroid_hz", {}, 69, 84),
    ("heartbeat", "onset_gap_s", {"dead_s": 0.5}, 0.82, 1),
    ("heartbeat", "band_share", {"low_hz": 25, "high_hz": 150}, 0.85, 1),
    ("heartbeat", "decay_s", {}, 0.032, 0.063),
    ("footsteps_stone", "onset_gap_s", {"dead_s": 0.3}, 0.48, 0.58),
    ("footsteps_stone", "centroid_hz", {}, 820, 1000),
    ("footsteps_stone", "crest_db", {}, 18, 23),
    ("footsteps_stone", "decay_s", {}, 0.17, 0.22),
    ("footsteps_stone", "harmonicity", {}, 0.2, 0.32),
    ("footsteps_stone", "modulation_depth", {}, 1.5, 1.9),
    ("footsteps_stone", "flatness", {}, 0.023, 0.048),
    ("footsteps_wood", "onset_gap_s", {"dead_s": 0.3}, 0.49, 0.59),
    ("footsteps_wood", "centroid_hz", {}, 690, 940),
    ("footsteps_wood", "decay_s", {}, 0.15, 0.26),
    ("footsteps_wood", "harmonicity", {}, 0.2, 0.3),
    ("footsteps_wood", "modulation_depth", {}, 1.4, 2.0),
    ("footsteps_wood", "flatness", {}, 0.011, 0.05),
    ("footsteps_gravel", "onset_gap_s", {"dead_s": 0.45}, 0.48, 0.59),
    ("footsteps_gravel", "centroid_hz", {}, 1350, 2460),
    ("footsteps_gravel", "harmonicity", {}, 0.15, 0.34),
    ("footsteps_snow", "onset_gap_s", {"dead_s": 0.45}, 0.454, 0.696),
    ("footsteps_snow", "centroid_hz", {}, 1100, 1800),
    ("footsteps_snow", "harmonicity", {}, 0.18, 0.26),
    ("footsteps_snow", "crest_db", {}, 18.8, 22.9),
    ("footsteps_snow", "modulation_depth", {}, 0.784, 1.09),
    ("footsteps_snow", "flatness", {}, 0.0343, 0.126),
    ("footsteps_leaves", "onset_gap_s", {"dead_s": 0.45}, 0.54, 0.66),
    ("footsteps_leaves", "centroid_hz", {}, 3360, 4550),
    ("footsteps_leaves", "flatness", {}, 0.26, 0.43),
    ("footsteps_leaves", "crest_db", {}, 18.7, 20.3),
    ("footsteps_leaves", "modulation_depth", {}, 0.886, 1.01),
    ("footsteps_leaves", "decay_s", {}, 0.273, 0.482),
    ("footsteps_water", "onset_gap_s", {"dead_s": 0.45}, 0.56, 0.69),
    ("footsteps_water", "centroid_hz", {}, 1900, 2600),
    ("footsteps_water", "modulation_depth", {}, 1.7, 2.2),
    ("running", "onset_gap_s", {"dead_s": 0.15}, 0.3, 0.38),
    ("running", "centroid_hz", {}, 1200, 1600),
    ("running", "decay_s", {}, 0.055, 0.065),
    ("running", "crest_db", {}, 19, 21),
    ("running", "modulation_depth", {}, 2.0, 2.3),
]


@cache
def sound(name, seed, duration_s=8.0, caption=""):
    mods = parse(caption) if caption else NEUTRAL
    return make_sound(CATALOGUE.recipes[name], derive_rng(name, seed), seconds_to_samples(duration_s), mods)


@pytest.mark.parametrize(("name", "measure", "settings", "low", "high"), BANDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_what_makes_the_sound(name, measure, settings, low, high, seed):
    assert low <= getattr(measures, measure)(sound(name, seed), **settings) <= high


def test_every_recipe_has_at_least_three_bands():
    counts = {name: sum(band[0] == name for band in BANDS) for name in RECIPES}
    assert [name for name, count in counts.items() if count < 3] == []


@pytest.mark.parametrize("name", TEXTURES)
def test_texture_is_two_independent_channels_of_equal_energy(name):
    audio = sound(name, 0)
    left, right = np.sqrt(np.mean(np.square(audio, dtype=np.float64), axis=1))
    assert audio.shape[0] == 2
    assert left == pytest.approx(right, rel=1e-3)
    assert abs(measures.channel_correlation(audio)) < 0.6


@pytest.mark.parametrize("name", TEXTURES)
def test_texture_fills_its_whole_time(name):
    level_db = 20 * np.log10(measures.level_curve(sound(name, 0), 0.5))
    assert level_db.min() > np.median(level_db) - 12.0


@pytest.mark.parametrize("name", ["rain", "surf", "birdsong", "crowd", "footsteps_stone", "dog", "thunder"])
def test_events_go_on_over_half_a_minute(name):
    level = measures.level_curve(sound(name, 0, 30.0), 0.5)
    thirds = level.reshape(3, -1).max(axis=1)
    assert thirds.min() > 0.25 * thirds.max()


@pytest.mark.parametrize(
    ("name", "slow", "fast"),
    [
        ("footsteps_stone", "slow footsteps", "fast footsteps"),
        ("heartbeat", "slow heartbeat", "rapid heartbeat"),
        ("drips", "slow dripping", "rapid dripping"),
        ("wings", "slow wings", "fast wings"),
    ],
)
def test_slow_and_fast_change_the_rate(name, slow, fast):
    settings = {"dead_s": 0.3} if name == "footsteps_stone" else {"dead_s": 0.05}
    counts = [len(measures.onset_times_s(sound(name, 0, 8.0, c), **settings)) for c in (slow, "", fast)]
    assert counts[0] < counts[1] < counts[2]


def test_gallop_has_three_beats_and_walk_four():
    walk = measures.onset_rate_hz(sound("horse_hooves", 0))
    gallop = measures.onset_rate_hz(sound("horse_hooves", 0, 8.0, "a fast horse"))
    assert walk == pytest.approx(4.0, abs=0.4)
    assert gallop == pytest.approx(6.5, abs=0.5)


@pytest.mark.parametrize(
    ("name", "small", "large", "least_ratio"),
    [
        ("dog", "small dog", "huge dog", 1.5),
        ("sheep", "small goat", "large goat", 1.2),
        ("bubbles", "tiny bubbles", "large bubbles", 1.5),
        ("splash", "small splash", "huge splash", 1.1),
    ],
)
def test_small_is_higher_than_large(name, small, large, least_ratio):
    high, low = (measures.centroid_hz(sound(name, 0, 8.0, caption)) for caption in (small, large))
    assert high / low > least_ratio


def test_deep_and_high_move_the_pitch():
    deep, plain, high = (
        measures.pitch_hz(sound("wolf", 0, 4.0, c)) for c in ("deep howl", "", "shrill howl")
    )
    assert deep == pytest.approx(plain / 1.4, rel=0.05)
    assert high == pytest.approx(plain * 1.4, rel=0.05)


@pytest.mark.parametrize("name", ["rain", "fire", "stream", "applause", "leaves"])
def test_heavy_has_more_events_and_light_fewer(name):
    n_samples = seconds_to_samples(4.0)
    function = CATALOGUE.recipes[name].make
    light, plain, heavy = (
        np.mean(np.square(function(derive_rng(name, 0), n_samples, parse(caption))))
        for caption in ("light", "", "heavy")
    )
    assert light * 1.5 < plain < heavy / 1.5
