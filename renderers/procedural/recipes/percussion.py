"""Percussion: patterns of a bar that repeat, with the small differences of a player."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, Seconds, seconds_to_samples
from renderers.procedural import dsp, tones
from renderers.procedural.catalogue import Recipe
from renderers.procedural.dsp import Signal
from renderers.procedural.modifiers import Modifiers
from renderers.procedural.recipes import drumkit


def _pattern(
    rng: np.random.Generator,
    n_samples: int,
    step_s: Seconds,
    levels: Sequence[float],
    grains: Sequence[Signal],
) -> Signal:
    """Return the bar of `levels`, one for each step and 0 for a rest, played over and over on the grains."""
    n_steps = int(n_samples / SAMPLE_RATE_HZ / step_s) + 1
    bar = np.resize(np.array(levels, dtype=np.float32), n_steps)
    times_s = 0.01 + np.arange(n_steps) * step_s + rng.normal(0.0, 0.003, n_steps).clip(-0.008, 0.008)
    at = (times_s * SAMPLE_RATE_HZ).astype(np.int64)
    struck = (bar > 0) & (at < n_samples)
    gains = bar[struck] * dsp.lognormal_gains(rng, int(struck.sum()), 1.0)
    return dsp.scatter(n_samples, at[struck], gains, grains, rng.integers(0, len(grains), len(gains)))


def drums(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a band of drums.

    Deep drums that pound the beat, tall ones that answer, side drums that rattle on.
    """
    step_s = float(rng.uniform(0.13, 0.15)) / mods.rate
    hz = float(rng.uniform(58.0, 74.0)) * mods.pitch
    deep = [drumkit.skin(rng, hz, 0.7 * mods.size, slap=0.15) for _ in range(2)]
    tall = [drumkit.skin(rng, hz * 1.75, 0.35 * mods.size, slap=0.3) for _ in range(3)]
    side = [drumkit.snare(rng, 200.0 * mods.pitch) for _ in range(3)]
    bars = (
        (
            (1, 0, 0, 0, 0.9, 0, 0, 0),
            (0, 0, 0.5, 0.6, 0, 0, 0.6, 0.7),
            (0.2, 0, 0.2, 0.25, 0.4, 0, 0.2, 0.25),
        ),
        ((1, 0, 0, 0.8, 0, 0, 0.9, 0), (0, 0.5, 0.6, 0, 0.6, 0.5, 0, 0.6), (0, 0, 0.25, 0, 0, 0, 0.25, 0)),
        (
            (1, 0, 0, 0, 0.8, 0, 0.7, 0),
            (0, 0, 0.4, 0, 0, 0, 0.4, 0.4),
            (0.45, 0, 0.25, 0.25, 0.5, 0.25, 0.25, 0.25),
        ),
    )[int(rng.integers(3))]
    parts = [
        _pattern(rng, n_samples, step_s, levels, grains)
        for levels, grains in zip(bars, (deep, tall, side), strict=True)
    ]
    left = parts[0] + parts[1] * np.float32(0.9) + parts[2] * np.float32(0.5)
    right = parts[0] + parts[1] * np.float32(0.6) + parts[2] * np.float32(0.8)
    return tones.room(dsp.stereo(left, right), size=0.7, wet=0.12)


def drum_kit(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a drum kit: bass drum, snare on two and four, hi-hat in eighths."""
    step_s = float(rng.uniform(0.125, 0.15)) / mods.rate
    kicks = (
        (1, 0, 0, 0, 0, 0, 0.8, 0, 1, 0, 0, 0, 0, 0, 0, 0),
        (1, 0, 0, 0.7, 0, 0, 0.8, 0, 0, 0, 1, 0, 0, 0, 0, 0),
    )[int(rng.integers(2))]
    snares = (0, 0, 0, 0, 1, 0, 0, 0, 0, 0.12, 0, 0, 1, 0, 0, 0.15)
    hats = (1, 0, 0.6, 0, 0.9, 0, 0.6, 0, 1, 0, 0.6, 0, 0.9, 0, 0.6, 0.3)
    kick = _pattern(rng, n_samples, step_s, kicks, [drumkit.kick(rng, 52.0 * mods.pitch)])
    snare = _pattern(
        rng, n_samples, step_s, snares, [drumkit.snare(rng, 185.0 * mods.pitch) for _ in range(3)]
    )
    hat = _pattern(rng, n_samples, step_s, hats, [drumkit.hi_hat(rng) for _ in range(3)])
    left = kick + snare * np.float32(0.75) + hat * np.float32(0.45)
    right = kick + snare * np.float32(0.65) + hat * np.float32(0.6)
    return tones.room(dsp.stereo(left, right), size=0.4, wet=0.08)


def hand_drum(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a hand drum: deep strokes in the middle of the skin, open tones and slaps at its rim."""
    step_s = float(rng.uniform(0.145, 0.175)) / mods.rate
    hz = float(rng.uniform(78.0, 98.0)) * mods.pitch
    bass = [drumkit.skin(rng, hz, 0.4 * mods.size) for _ in range(2)]
    open_tone = [drumkit.skin(rng, hz * 2.4, 0.22 * mods.size, slap=0.35) for _ in range(2)]
    slap = [drumkit.skin(rng, hz * 4.3, 0.09, slap=0.9) for _ in range(2)]
    bars = (
        ((1, 0, 0, 0.7, 0, 0, 0.9, 0), (0, 0, 0.7, 0, 0, 0.6, 0, 0.5), (0, 0.3, 0, 0, 0.8, 0, 0, 0)),
        ((1, 0, 0, 0, 0.8, 0, 0, 0), (0, 0, 0.6, 0.7, 0, 0, 0.6, 0.7), (0, 0.25, 0, 0, 0, 0.7, 0, 0)),
    )[int(rng.integers(2))]
    sound = np.zeros(n_samples, dtype=np.float32)
    for levels, grains in zip(bars, (bass, open_tone, slap), strict=True):
        sound += _pattern(rng, n_samples, step_s, levels, grains)
    return tones.room(dsp.mono(sound), size=0.4, wet=0.1)


def shaker(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a shaker.

    Seeds that are thrown against its wall, four times a beat, the first the strongest.
    """
    step_s = float(rng.uniform(0.115, 0.14)) / mods.rate

    def shake() -> Signal:
        n_shake = seconds_to_samples(0.09)
        seeds = dsp.bandpass(dsp.white(rng, n_shake), 3800.0 * mods.pitch, 11_000.0)
        return dsp.unit(seeds * dsp.bump(n_shake, skew=0.35) ** 2)

    levels = (1.0, 0.4, 0.65, 0.4)
    return dsp.mono(_pattern(rng, n_samples, step_s, levels, [shake() for _ in range(6)]))


def tambourine(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a tambourine: jingles shaken in eighths, struck on the off-beats."""
    step_s = float(rng.uniform(0.15, 0.18)) / mods.rate
    shaken = [drumkit.jingles(rng, 0.12) for _ in range(4)]
    struck = [drumkit.jingles(rng, 0.3) for _ in range(3)]
    thump = drumkit.skin(rng, 290.0 * mods.pitch, 0.12)
    sound = _pattern(rng, n_samples, step_s, (0.5, 0.3, 0.0, 0.3), shaken)
    sound += _pattern(rng, n_samples, step_s, (0.0, 0.0, 1.0, 0.0), struck)
    sound += _pattern(rng, n_samples, step_s, (0.0, 0.0, 0.25, 0.0), [thump])
    return tones.room(dsp.mono(sound), size=0.3, wet=0.06)


def timpani(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate kettledrums.

    A roll that swells onto a full stroke, again and again, on two pitches a fourth apart.
    """
    hz = float(rng.uniform(88.0, 112.0)) * mods.pitch
    # The air in the kettle pulls the modes of the skin close to a harmonic series over a missing root.
    ratios = (1.0, 1.5, 1.98, 2.44, 2.9)
    low, high = (
        [drumkit.skin(rng, tuned, 1.6 * mods.size, slap=0.12, ratios=ratios) for _ in range(2)]
        for tuned in (hz, hz * 4 / 3)
    )
    step_s = 0.085 / mods.rate
    roll = (*np.linspace(0.12, 0.45, 16).tolist(), *(0.0,) * 16)
    strokes = (1.0, *(0.0,) * 15, 1.0, *(0.0,) * 7, 0.55, *(0.0,) * 7)
    answers = (*(0.0,) * 20, 0.6, *(0.0,) * 11)
    sound = _pattern(rng, n_samples, step_s, roll, low)
    sound += _pattern(rng, n_samples, step_s, strokes, low) + _pattern(rng, n_samples, step_s, answers, high)
    return tones.room(dsp.mono(sound), size=0.8, wet=0.2)


RECIPES = (
    Recipe(
        "drums",
        drums,
        heads="""drum, drummer, drumroll, drum roll, bass drum, marching drum, military drum, tribal drum, war
            drums + march, ritual drum, drum + beat, snare drum, side drum, field drum, drum corps,
            drumming, percussion, tribal percussion, drum + pound, snare roll, parade drum, ceremonial
            drum""",
        hints="rhythm, percussive, march, tribal",
        never="""eardrum, oil drum, hand drum, rain, kettle drum, heart, wing, finger, timpani, taiko, djembe,
            bongo, hoof, drum kit, drum machine, drum loop, frame drum""",
        is_texture=True,
    ),
    Recipe(
        "drum_kit",
        drum_kit,
        heads="""drum kit, drum set, hi-hat, drum loop, drum machine, backbeat, hip-hop beat, rhythm section,
            drum solo, rock drums, drum groove, cymbal, techno beat, dance beat""",
        hints="groove, beat",
        never="heart, wing, rain",
        is_texture=True,
    ),
    Recipe(
        "hand_drum",
        hand_drum,
        heads="""hand drum, djembe, bongo, conga, tabla, frame drum, tom-tom, hand percussion, bodhran, cajon,
            wooden drum, log drum, drum circle, shaman drum, small drum, darbuka, african drums, drumming
            + fire, rowing drum, slave drum, galley drum, hand drums""",
        hints="tribal, ritual, jungle",
    ),
    Recipe(
        "shaker",
        shaker,
        heads="""shaker, maraca, rattle shaker, egg shaker, cabasa, rain stick, rainstick, seed rattle,
            percussion shaker""",
        hints="shake, rattle",
        never="salt shaker, window, chain, cart, train",
    ),
    Recipe(
        "tambourine",
        tambourine,
        heads="""tambourine, finger cymbals, riq, tambourine + jingle, pandeiro, castanet, triangle,
            tambourine + shake, tambourine jingles""",
        hints="jingle, gypsy",
    ),
    Recipe(
        "timpani",
        timpani,
        heads="""timpani, kettle drum, kettledrum, orchestral drum, timpani roll, taiko, war drum, epic drum,
            deep drum, thundering drum, cinematic drum, drum of war, giant drum, big drum, huge drum,
            booming drum, distant drums, cinematic percussion, drums of war, thundering + timpani + roll""",
        hints="orchestral, epic, battle, dramatic",
    ),
)
