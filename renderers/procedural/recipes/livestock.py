"""Livestock: voices of cow, sheep and horse, and hooves."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, seconds_to_samples
from renderers.procedural import dsp, tones, voices
from renderers.procedural.catalogue import Recipe
from renderers.procedural.modifiers import Modifiers


def cow(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a moo: it climbs by half as the mouth opens from a hum, and sinks.

    The formants of a tract of 40 cm lie some 440 Hz apart (Padilla de la Torre et al. 2015).
    """
    spacing_hz = 445.0 * mods.pitch**0.5
    shut = voices.tube(0.9 * spacing_hz, 8, fall_db=9.0, width_hz=95.0)
    opened = voices.tube(spacing_hz, 8, fall_db=4.6, width_hz=95.0)
    mouth = [(0.0, shut), (0.2, shut), (0.45, opened), (0.85, opened), (1.0, shut)]
    at = dsp.regular_times(rng, n_samples, 3.4 / mods.rate, jitter=0.25, tail_s=1.2, count=mods.count)
    moos = []
    for _ in range(min(2, len(at))):
        base_hz = rng.uniform(106.0, 138.0) * mods.pitch
        length_s = dsp.fitting_s(rng.uniform(1.08, 1.25) / mods.rate**0.5, n_samples)
        freq_hz = voices.glide(
            length_s,
            (0.0, 0.8 * base_hz),
            (0.35, 1.45 * base_hz),
            (0.75, 1.45 * base_hz),
            (1.0, 0.85 * base_hz),
        )
        moo = voices.utter(rng, freq_hz, mouth, tilt_db=11.7, noise=0.22, rough=0.02, rough_hz=80.0)
        moos.append(moo * voices.hold(len(moo), 0.25, 0.35))
    return dsp.mono(dsp.play(rng, n_samples, at, moos, 1.5))


def sheep(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate bleats: a rough, nasal voice that trembles nine times a second, nearly to silence."""
    at = dsp.regular_times(rng, n_samples, 1.8, jitter=0.4, tail_s=0.9, count=mods.count)
    bleats = []
    for _ in range(min(4, len(at))):
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
    return dsp.mono(dsp.play(rng, n_samples, at, bleats, 3.0))


def _clop(rng: np.random.Generator, pitch: float) -> dsp.Signal:
    """Imitate a hoof: a hollow blow around 1.1 kHz without a clear pitch, with some ground and some grit."""
    n_clop = seconds_to_samples(0.3)
    out = dsp.noise_burst(rng, n_clop, 790.0 * pitch, 1700.0 * pitch, attack_s=0.001, t60_s=0.07)
    out += np.float32(0.15) * dsp.noise_burst(rng, n_clop, 70.0, 190.0, attack_s=0.003, t60_s=0.1)
    out += np.float32(0.1) * dsp.noise_burst(rng, n_clop, 3200.0, 9000.0, attack_s=0.0004, t60_s=0.03)
    cup = [(1360.0 * pitch * ratio, 0.03, gain) for ratio, gain in ((1.0, 0.4), (1.37, 0.24), (2.1, 0.16))]
    return dsp.tail_off(dsp.unit(out + dsp.modes(n_clop, cup)), 0.05)


def horse_hooves(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate clip-clop: a walk of four beats, or the three and a rest of a gallop.

    No two hooves sound alike, and no two steps are equally loud.
    """
    clops = [_clop(rng, pitch * mods.pitch) for pitch in (1.0, 1.18, 0.93, 1.1) for _ in range(2)]
    galloping = mods.tempo > 0
    stride_s = 0.48 if galloping else 1.0 / mods.rate
    beats = np.array([0.0, 0.2, 0.42] if galloping else [0.0, 0.24, 0.5, 0.74])
    n_strides = int(n_samples / SAMPLE_RATE_HZ / stride_s) + 1
    times_s = 0.01 + stride_s * (np.arange(n_strides)[:, np.newaxis] + beats).ravel()
    times_s[1:] += rng.normal(0.0, 0.008, len(times_s) - 1)
    kinds = 2 * np.tile(np.arange(len(beats)), n_strides) + rng.integers(0, 2, len(times_s))
    kept = times_s < max(n_samples / SAMPLE_RATE_HZ - 0.15, 0.02)
    at = (times_s[kept] * SAMPLE_RATE_HZ).astype(np.int64)
    sound = dsp.scatter(n_samples, at, dsp.lognormal_gains(rng, len(at), 3.0), clops, kinds[kept])
    return tones.room(dsp.mono(sound + np.float32(0.003) * dsp.air(rng, n_samples)), size=0.25, wet=0.2)


def horse_neigh(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a whinny: it leaps up, holds, and sinks as it shakes, ever slower.

    A whinny has two pitches at once that are no multiples of each other (Briefer et al. 2015).
    """
    tract = voices.tube(840.0 * mods.pitch**0.5, 8, fall_db=2.9, width_hz=385.0)
    at = dsp.regular_times(rng, n_samples, 3.6 / mods.rate, jitter=0.25, tail_s=1.5, count=mods.count)
    neighs = []
    for _ in range(min(2, len(at))):
        base_hz = rng.uniform(1350.0, 1580.0) * mods.pitch
        length_s = dsp.fitting_s(rng.uniform(1.7, 2.1) / mods.rate**0.3, n_samples)
        freq_hz = voices.glide(
            length_s, (0.0, 0.37 * base_hz), (0.19, base_hz), (0.5, 0.92 * base_hz), (1.0, 0.65 * base_hz)
        )
        n_neigh = len(freq_hz)
        shake_hz = tones.line(n_neigh, (7.4, 5.0)) * np.float32(rng.uniform(0.95, 1.05))
        shake = dsp.sine(shake_hz, n_neigh) * dsp.envelope(n_neigh, [(0.0, 0.1), (0.3 * length_s, 1.0)])
        voice = voices.utter(
            rng, freq_hz, [(0.0, tract)], tilt_db=2.2, noise=0.25, rough=0.08, rough_hz=146.0
        )
        second_hz = freq_hz * np.float32(2.45)
        voice += np.float32(0.6) * voices.utter(
            rng, second_hz, [(0.0, tract)], tilt_db=2.2, noise=0.0, rough=0.04, rough_hz=146.0
        )
        fall = dsp.envelope(n_neigh, [(0.4 * length_s, 1.0), (length_s, 0.74)])
        neighs.append(dsp.unit(voice * (0.64 + 0.36 * shake) * fall * voices.hold(n_neigh, 0.06, 0.25)))
    return tones.room(dsp.mono(dsp.play(rng, n_samples, at, neighs, 1.0)), size=0.4, wet=0.1)


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
