"""Four-footed animals: voices of dog, wolf, cat, cow, sheep and horse, hooves, and the scurry of rats."""

from __future__ import annotations

import numpy as np

from copilot.units import Audio, seconds_to_samples
from renderers.procedural import dsp, tones, voices
from renderers.procedural.catalogue import Recipe
from renderers.procedural.modifiers import Modifiers

_DOG: voices.Formants = (
    (1150.0, 350.0, 0.0),
    (1750.0, 450.0, -3.0),
    (3100.0, 700.0, -16.0),
    (4300.0, 900.0, -24.0),
)
_CAT_SHUT: voices.Formants = ((610.0, 285.0, 0.0), (1060.0, 370.0, -19.0), (4400.0, 510.0, -15.0))
_CAT_OPEN: voices.Formants = ((1245.0, 285.0, 0.0), (1520.0, 370.0, -11.0), (4400.0, 510.0, -3.0))
_WOLF: voices.Formants = ((480.0, 160.0, 0.0), (950.0, 220.0, -10.0), (2000.0, 400.0, -26.0))


def _bark(rng: np.random.Generator, mods: Modifiers) -> dsp.Signal:
    base_hz = rng.uniform(480.0, 700.0) * mods.pitch
    freq_hz = voices.glide(
        rng.uniform(0.15, 0.2),
        (0.0, 0.62 * base_hz),
        (0.3, base_hz),
        (0.55, 0.97 * base_hz),
        (1.0, 0.5 * base_hz),
    )
    tract = voices.scale_formants(_DOG, mods.pitch)
    bark = voices.utter(rng, freq_hz, [(0.0, tract)], tilt_db=7.0, noise=0.35, rough=0.2, rough_hz=160.0)
    return bark * voices.hold(len(bark), 0.035, 0.09)


def dog(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate barks in twos and threes.

    The pitch arches over a rough, breathy voice whose mouth resonates at one to two kilohertz. With a count,
    as many barks as it says.
    """
    barks = [_bark(rng, mods) for _ in range(5)]
    gap_s = float(rng.uniform(0.36, 0.44)) / mods.rate
    at = dsp.grouped_times(rng, n_samples, 1.7 / mods.rate, gap_s, (2, 3), tail_s=0.26, count=mods.count)
    return tones.room(dsp.mono(dsp.play(rng, n_samples, at, barks, 2.0)), size=0.4, wet=0.1)


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
    """Imitate meows: a rough voice whose pitch arches while the mouth opens and closes."""
    meows = []
    for _ in range(3):
        base_hz = rng.uniform(370.0, 420.0) * mods.pitch
        length_s = dsp.fitting_s(rng.uniform(0.48, 0.62) / mods.rate**0.5, n_samples)
        freq_hz = voices.glide(length_s, (0.0, 0.8 * base_hz), (0.26, 1.27 * base_hz), (1.0, 0.63 * base_hz))
        shut = voices.scale_formants(_CAT_SHUT, mods.pitch**0.5)
        opened = voices.scale_formants(_CAT_OPEN, mods.pitch**0.5)
        mouth = [(0.0, shut), (0.19, opened), (0.67, opened), (1.0, shut)]
        meow = voices.utter(rng, freq_hz, mouth, tilt_db=9.0, noise=0.23, rough=0.145, rough_hz=73.0)
        meows.append(meow * voices.hold(len(meow), 0.08, 0.38 * length_s))
    at = dsp.regular_times(rng, n_samples, 2.3 / mods.rate, jitter=0.35, tail_s=0.6, count=mods.count)
    cries = dsp.play(rng, n_samples, at, meows, 1.5) + np.float32(0.005) * dsp.air(rng, n_samples)
    return tones.room(dsp.mono(cries), size=0.4, wet=0.1)


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
        heads="""dog, bark, hound, puppy, dog + bark, terrier, dog + yap, sheepdog,
        watchdog, guard dog""",
        hints="yap, woof",
        never="hot dog, tree bark",
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
        heads="cat, kitten, meow, miaow, cat + meow, cat + mew, tomcat",
        hints="mew",
    ),
    Recipe(
        "rat_scurry",
        rat_scurry,
        heads="""rat, mouse, scurry, rodent, rat + scurry, rat + squeak, mouse + squeak, scamper,
        scuttle, small claws, tiny claws, scratching + claw, vermin""",
        hints="scratch, claw, squeak, skitter",
        never="mouse click, computer mouse, door, hinge",
    ),
)
