"""Four-footed animals: voices of dog, wolf, cat, cow, sheep and horse, hooves, and the scurry of rats."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, seconds_to_samples
from renderers.procedural import dsp, voices
from renderers.procedural.catalogue import Recipe
from renderers.procedural.modifiers import Modifiers

_DOG: voices.Formants = (
    (620.0, 180.0, 0.0),
    (1250.0, 250.0, -5.0),
    (2600.0, 400.0, -16.0),
    (3900.0, 600.0, -26.0),
)
_WOLF: voices.Formants = ((480.0, 160.0, 0.0), (950.0, 220.0, -10.0), (2000.0, 400.0, -26.0))
_COW_SHUT: voices.Formants = ((220.0, 90.0, 0.0), (600.0, 150.0, -16.0), (1500.0, 250.0, -34.0))
_COW_OPEN: voices.Formants = ((420.0, 110.0, 0.0), (820.0, 150.0, -5.0), (1900.0, 300.0, -20.0))
_SHEEP: voices.Formants = (
    (650.0, 130.0, 0.0),
    (1650.0, 200.0, -4.0),
    (2600.0, 300.0, -12.0),
    (3700.0, 400.0, -20.0),
)
_HORSE: voices.Formants = ((900.0, 260.0, 0.0), (1900.0, 350.0, -3.0), (3200.0, 500.0, -10.0))


def dog(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate barks in twos and threes.

    A strained, falling pulse train with a burst of breath at its start.
    """
    barks = []
    tract = voices.scale_formants(_DOG, mods.pitch)
    for _ in range(5):
        base_hz = rng.uniform(330.0, 420.0) * mods.pitch
        freq_hz = voices.glide(
            rng.uniform(0.15, 0.21) * mods.size**0.4,
            (0.0, 0.8 * base_hz),
            (0.22, 1.15 * base_hz),
            (1.0, 0.55 * base_hz),
        )
        n_bark = len(freq_hz)
        voice = voices.cry(voices.with_jitter(rng, freq_hz, 0.05, 80.0), tract, tilt_db=4.0)
        rasp = voices.breath(rng, n_bark, tract) * np.float32(0.13)
        barks.append((voice + rasp) * dsp.pluck(n_bark, 0.018, 0.42) * voices.hold(n_bark, 0.004, 0.06))
    groups = dsp.regular_times(rng, n_samples, 2.1 / mods.rate, jitter=0.35, tail_s=0.35)
    counts = rng.integers(2, 4, len(groups))
    spacing = rng.uniform(0.36, 0.46, len(groups)) / mods.rate
    at = np.concatenate(
        [
            group + np.arange(count) * gap_s * SAMPLE_RATE_HZ
            for group, count, gap_s in zip(groups, counts, spacing, strict=True)
        ]
    ).astype(np.int64)
    at = at[(at == at[0]) | (at < n_samples - seconds_to_samples(0.22))]
    return dsp.mono(dsp.play(rng, n_samples, at, barks, 1.5))


def wolf(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a howl that climbs, breaks into its long held note, wavers and sinks; another answers."""
    out = np.zeros(n_samples, dtype=np.float32)
    starts = dsp.regular_times(rng, n_samples, 4.6 / mods.rate, jitter=0.2, tail_s=3.0)
    for start in starts.tolist():
        length_s = dsp.fitting_s(rng.uniform(3.4, 4.4) / mods.rate, n_samples - start)
        base_hz = rng.uniform(400.0, 520.0) * mods.pitch
        freq_hz = voices.glide(
            length_s,
            (0.0, 0.58 * base_hz),
            (0.16, base_hz),
            (0.3, 1.06 * base_hz),
            (0.75, base_hz),
            (1.0, 0.6 * base_hz),
        )
        n_howl = len(freq_hz)
        freq_hz *= 1.0 + 0.012 * dsp.sine(rng.uniform(4.5, 5.5), n_howl)
        voice = voices.cry(freq_hz, _WOLF, tilt_db=9.0)
        airy = voices.breath(rng, n_howl, _WOLF) * np.float32(0.015)
        dsp.add_at(out, start, (voice + airy) * voices.hold(n_howl, 0.3 * length_s * 0.6, 0.32 * length_s))
    return dsp.mono(out)


def cat(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate meows: the pitch arches while the mouth opens and closes."""
    meows = []
    for _ in range(3):
        base_hz = rng.uniform(520.0, 640.0) * mods.pitch
        length_s = dsp.fitting_s(rng.uniform(0.6, 0.95) / mods.rate**0.5, n_samples)
        freq_hz = voices.glide(length_s, (0.0, 0.82 * base_hz), (0.35, 1.2 * base_hz), (1.0, 0.75 * base_hz))
        freq_hz = voices.with_jitter(rng, freq_hz, 0.012)
        mouth: list[voices.Formants] = [
            ((700.0, 200.0, 0.0), (2300.0, 350.0, -14.0)),
            ((1050.0, 220.0, 0.0), (2200.0, 300.0, 0.0), (3600.0, 500.0, -8.0)),
            ((950.0, 220.0, 0.0), (1500.0, 300.0, -6.0), (3300.0, 500.0, -18.0)),
            ((600.0, 200.0, 0.0), (1000.0, 300.0, -14.0)),
        ]
        parts = [voices.cry(freq_hz, shape, tilt_db=5.0) for shape in mouth]
        meows.append(voices.morph(parts, [0.0, 0.3, 0.6, 1.0]) * voices.hold(len(freq_hz), 0.09, 0.28))
    at = dsp.regular_times(rng, n_samples, 2.3 / mods.rate, jitter=0.35, tail_s=0.9)
    return dsp.mono(dsp.play(rng, n_samples, at, meows, 1.5))


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
    at = dsp.regular_times(rng, n_samples, 3.6 / mods.rate, jitter=0.25, tail_s=1.7)
    return dsp.mono(dsp.play(rng, n_samples, at, moos, 1.5))


def sheep(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate bleats: a nasal voice that trembles eight times a second."""
    bleats = []
    for _ in range(4):
        base_hz = rng.uniform(210.0, 290.0) * mods.pitch
        length_s = dsp.fitting_s(rng.uniform(0.7, 1.1), n_samples)
        freq_hz = voices.glide(length_s, (0.0, 0.92 * base_hz), (0.3, 1.06 * base_hz), (1.0, 0.88 * base_hz))
        n_bleat = len(freq_hz)
        tremble = dsp.sine(rng.uniform(7.2, 9.0) * mods.rate, n_bleat)
        freq_hz *= 1.0 + 0.035 * tremble
        voice = voices.cry(freq_hz, voices.scale_formants(_SHEEP, mods.pitch**0.5), tilt_db=3.5)
        bleats.append(voice * (0.58 + 0.42 * tremble) * voices.hold(n_bleat, 0.05, 0.18))
    at = dsp.regular_times(rng, n_samples, 1.7 / mods.rate, jitter=0.45, tail_s=0.9)
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
    at = dsp.regular_times(rng, n_samples, 4.2 / mods.rate, jitter=0.25, tail_s=1.6)
    return dsp.mono(dsp.play(rng, n_samples, at, neighs, 1.0))


def rat_scurry(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate quick runs of tiny claws on boards, with stops, and a squeak now and then."""
    ticks = []
    for _ in range(8):
        n_tick = seconds_to_samples(0.014)
        hz = rng.uniform(2200.0, 4800.0) * mods.pitch
        tick = dsp.modes(n_tick, [(hz, 0.008, 1.0), (hz * 0.31, 0.012, 0.5)])
        scratch = np.float32(0.3) * dsp.white(rng, n_tick) * dsp.decay(n_tick, 0.006)
        ticks.append(dsp.highpass(tick + scratch, 500.0))
    runs = dsp.regular_times(rng, n_samples, 0.85, jitter=0.4)
    at = np.concatenate(
        [
            run + dsp.regular_times(rng, seconds_to_samples(rng.uniform(0.3, 0.7)), 0.045 / mods.rate)
            for run in runs
        ]
    )
    out = dsp.play(rng, n_samples, at[at < n_samples], ticks, 4.0)
    for start in dsp.random_times(rng, n_samples, 0.5, start_s=0.4, tail_s=0.2)[1:].tolist():
        freq_hz = voices.glide(
            0.09, (0.0, 3200.0 * mods.pitch), (0.4, 4300.0 * mods.pitch), (1.0, 3600.0 * mods.pitch)
        )
        dsp.add_at(
            out, start, dsp.harmonics(freq_hz, len(freq_hz), [1.0, 0.3]) * dsp.bump(len(freq_hz)), 0.35
        )
    return dsp.mono(out)


RECIPES = (
    Recipe(
        "dog",
        dog,
        heads="""dog, bark, hound, puppy, dog + bark, dog + growl, terrier, dog + yap, sheepdog,
        watchdog, guard dog""",
        hints="yap, woof, growl",
        never="tree bark",
    ),
    Recipe(
        "wolf",
        wolf,
        heads="wolf, coyote, wolf + howl, wolf pack, dog + howl, jackal, werewolf, howling wolf",
        hints="howl",
        never="wind, storm, gale, blizzard",
    ),
    Recipe(
        "cat",
        cat,
        heads="cat, kitten, meow, miaow, cat + meow, cat + mew, cat + purr, tomcat",
        hints="purr, mew",
    ),
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
        canter, rider, donkey hoof, horseman, mule""",
        never="neigh, whinny, snort, nicker",
    ),
    Recipe(
        "horse_neigh",
        horse_neigh,
        heads="""neigh, whinny, horse + neigh, horse + whinny, horse + snort, nicker, stallion, donkey +
        bray, bray""",
        hints="horse",
        never="hoof",
    ),
    Recipe(
        "rat_scurry",
        rat_scurry,
        heads="""rat, mouse, scurry, rodent, rat + scurry, rat + squeak, mouse + squeak, scamper,
        scuttle, squirrel, small claws, tiny claws, scratching + claw, vermin""",
        hints="scratch, claw, squeak, skitter",
        never="mouse click, computer mouse, door, hinge",
    ),
)
