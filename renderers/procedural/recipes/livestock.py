"""Livestock: voices of cow, sheep and horse, and hooves."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, seconds_to_samples
from renderers.procedural import dsp, voices
from renderers.procedural.catalogue import Recipe
from renderers.procedural.modifiers import Modifiers

_COW_SHUT: voices.Formants = ((220.0, 90.0, 0.0), (600.0, 150.0, -16.0), (1500.0, 250.0, -34.0))
_COW_OPEN: voices.Formants = ((420.0, 110.0, 0.0), (820.0, 150.0, -5.0), (1900.0, 300.0, -20.0))
_HORSE: voices.Formants = ((900.0, 260.0, 0.0), (1900.0, 350.0, -3.0), (3200.0, 500.0, -10.0))


def cow(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a long, low moo that opens from a hum."""
    moos = []
    for _ in range(2):
        base_hz = rng.uniform(105.0, 130.0) * mods.pitch
        length_s = dsp.fitting_s(rng.uniform(1.5, 2.0) / mods.rate**0.5, n_samples)
        freq_hz = voices.glide(
            length_s, (0.0, 0.8 * base_hz), (0.3, 1.1 * base_hz), (0.7, 1.2 * base_hz), (1.0, base_hz)
        )
        freq_hz = voices.with_jitter(rng, freq_hz, 0.015)
        shut, opened = (voices.cry(freq_hz, tract, tilt_db=4.5) for tract in (_COW_SHUT, _COW_OPEN))
        moo = voices.morph([shut, shut, opened, opened, shut], [0.0, 0.2, 0.5, 0.85, 1.0])
        moos.append(moo * voices.hold(len(moo), 0.18, 0.35))
    at = dsp.regular_times(rng, n_samples, 3.6 / mods.rate, jitter=0.25, tail_s=1.7, count=mods.count)
    return dsp.mono(dsp.play(rng, n_samples, at, moos, 1.5))


def sheep(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate bleats: a rough, nasal voice that trembles nine times a second, nearly to silence."""
    bleats = []
    for _ in range(4):
        base_hz = rng.uniform(240.0, 330.0) * mods.pitch
        length_s = dsp.fitting_s(rng.uniform(0.7, 1.0), n_samples)
        freq_hz = voices.glide(length_s, (0.0, 0.9 * base_hz), (0.25, 1.15 * base_hz), (1.0, 0.85 * base_hz))
        n_bleat = len(freq_hz)
        tremble = dsp.sine(rng.uniform(8.6, 10.2) * mods.rate**0.3, n_bleat)
        tract = voices.tube(rng.uniform(1010.0, 1110.0) * mods.pitch**0.5, 5, fall_db=4.9, width_hz=235.0)
        voice = voices.utter(
            rng,
            (freq_hz * (1.0 + 0.03 * tremble)).astype(np.float32),
            [(0.0, tract)],
            tilt_db=6.5,
            noise=0.2,
            rough=0.12,
            rough_hz=80.0,
        )
        bleats.append(voice * (0.51 + 0.49 * tremble) * voices.hold(n_bleat, 0.05, 0.2))
    at = dsp.regular_times(rng, n_samples, 1.8, jitter=0.4, tail_s=0.9, count=mods.count)
    return dsp.mono(dsp.play(rng, n_samples, at, bleats, 3.0))


def _clop(rng: np.random.Generator, hz: float) -> dsp.Signal:
    n_clop = seconds_to_samples(0.12)
    hollow = dsp.modes(
        n_clop, [(hz, 0.05, 1.0), (hz * 1.9, 0.035, 0.6), (hz * 3.3, 0.02, 0.35), (120.0, 0.05, 0.4)]
    )
    grit = dsp.noise_burst(rng, n_clop, 1500.0, 7000.0, attack_s=0.001, t60_s=0.03)
    return hollow + np.float32(0.22) * grit


def horse_hooves(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate clip-clop.

    Hollow beats of two pitches; a walk of four beats, or the three and a rest of a gallop.
    """
    clops = [_clop(rng, hz * mods.pitch) for hz in (640.0, 820.0, 600.0, 760.0)]
    galloping = mods.tempo > 0
    stride_s = 0.46 if galloping else 1.0 / mods.rate
    beats = np.array([0.0, 0.16, 0.36] if galloping else [0.0, 0.24, 0.5, 0.74])
    n_strides = int(n_samples / SAMPLE_RATE_HZ / stride_s) + 1
    times_s = 0.01 + stride_s * (np.arange(n_strides)[:, np.newaxis] + beats).ravel()
    times_s[1:] += rng.normal(0.0, 0.008, len(times_s) - 1)
    at = (times_s * SAMPLE_RATE_HZ).astype(np.int64)
    kinds = np.tile(np.arange(len(beats)), n_strides)
    return dsp.mono(dsp.scatter(n_samples, at, dsp.lognormal_gains(rng, len(at), 1.5), clops, kinds))


def horse_neigh(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a whinny: a high scream that falls in shaking steps and ends in a snort of breath."""
    neighs = []
    for _ in range(2):
        base_hz = rng.uniform(820.0, 980.0) * mods.pitch
        length_s = dsp.fitting_s(rng.uniform(1.4, 1.8) / mods.rate**0.5, n_samples)
        freq_hz = voices.glide(
            length_s, (0.0, 0.7 * base_hz), (0.12, 1.3 * base_hz), (0.5, base_hz), (1.0, 0.42 * base_hz)
        )
        n_neigh = len(freq_hz)
        shake = dsp.sine(rng.uniform(10.5, 12.5), n_neigh) * dsp.envelope(
            n_neigh, [(0.0, 0.1), (0.35 * length_s, 1.0)]
        )
        freq_hz = voices.with_jitter(rng, freq_hz * (1.0 + 0.06 * shake), 0.02, 60.0)
        voice = voices.cry(freq_hz.astype(np.float32), _HORSE, tilt_db=3.0) * (0.62 + 0.38 * shake)
        snort = voices.breath(rng, n_neigh, _HORSE) * dsp.envelope(
            n_neigh, [(0.6 * length_s, 0.02), (length_s, 0.22)]
        )
        neighs.append((voice + snort) * voices.hold(n_neigh, 0.06, 0.22))
    at = dsp.regular_times(rng, n_samples, 4.2 / mods.rate, jitter=0.25, tail_s=1.6, count=mods.count)
    return dsp.mono(dsp.play(rng, n_samples, at, neighs, 1.0))


RECIPES = (
    Recipe(
        "cow",
        cow,
        heads="""cow, cattle, moo, bull, ox, oxen, calf, cow + moo, cattle + low, bellow, herd of
        cattle, buffalo""",
    ),
    Recipe(
        "sheep",
        sheep,
        heads="sheep, lamb, goat, bleat, sheep + bleat, ewe, flock of sheep, baa, goat + bleat",
    ),
    Recipe(
        "horse_hooves",
        horse_hooves,
        heads="""hoof, hoofbeat, horse, horse + hoof, gallop, canter, trot, clip-clop, clip clop, horse
        + trot, horse + gallop, horse + walk, hoof + cobble, clop, pony, cavalry, horse + ride, horse +
        canter, donkey hoof, horseman""",
        never="neigh, whinny, snort, nicker",
    ),
    Recipe(
        "horse_neigh",
        horse_neigh,
        heads="""neigh, whinny, horse + neigh, horse + whinny, horse + snort, nicker, stallion""",
        hints="horse",
        never="donkey, hoof",
    ),
)
