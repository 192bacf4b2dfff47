"""Sounds of the table and the kitchen: glass, dishes, cutlery, coins, frying, boiling, pouring."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, seconds_to_samples
from renderers.procedural import dsp, strikes, tones
from renderers.procedural.catalogue import Recipe
from renderers.procedural.dsp import Signal
from renderers.procedural.modifiers import Modifiers
from renderers.procedural.recipes.water import bubble


def _bubble(hz: float, length_s: float, rise: float = 0.6) -> Signal:
    """Imitate an air bubble.

    A sine that rises by the share `rise` while it dies away (Minnaert resonance).
    """
    n_samples = seconds_to_samples(length_s)
    glide_hz = hz * (1.0 + rise * np.linspace(0.0, 1.0, n_samples, dtype=np.float32))
    return tones.tone(glide_hz, n_samples) * dsp.pluck(n_samples, 0.002, length_s * 1.2)


def glass_clink(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate two glasses that touch: each rings with its own few high modes; again after a while."""
    rims_hz = [float(hz) * mods.pitch for hz in rng.uniform(1700.0, 2900.0, 2)]

    def clink() -> Signal:
        both = [
            strikes.strike(rng, strikes.GLASS, hz * float(rng.uniform(0.995, 1.005)), ring=mods.size)
            for hz in rims_hz
        ]
        return strikes.in_time([(0.0, 1.0, both[0]), (0.002, 0.8, both[1]), (0.075, 0.25, both[0])])

    at = dsp.regular_times(rng, n_samples, 1.6 / mods.rate, jitter=0.35, tail_s=0.4)
    return dsp.mono(strikes.row(rng, n_samples, at, clink, n_kinds=3, spread_db=2.5))


def glass_break(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a pane or a glass that shatters, once.

    The crack, a dense fall of shards, the last ones settling.
    """

    def shard() -> Signal:
        return strikes.strike(
            rng,
            strikes.GLASS,
            float(rng.uniform(2200.0, 7500.0)) * mods.pitch,
            ring=float(rng.uniform(0.08, 0.4)),
        )

    crack = dsp.noise_burst(rng, 14_400, 900.0, 12_000.0, attack_s=0.0005, t60_s=0.22)
    thud = strikes.strike(rng, strikes.PANEL, 230.0 * mods.pitch, ring=0.5)
    fall = strikes.cluster(rng, 0.9 * mods.size, int(110 * mods.density), shard, early=2.2, n_kinds=16)
    settle = strikes.cluster(rng, 1.7 * mods.size, 14, shard, early=0.9, n_kinds=8)
    parts = [(0.01, 0.5, crack), (0.01, 0.4, thud), (0.015, 0.3, fall), (0.5, 0.13, settle)]
    return strikes.once(n_samples, parts, size=0.4, wet=0.12)


def dishes(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate plates and bowls handled: ceramic strikes in twos and threes, some sliding on each other."""

    def clatter() -> Signal:
        hz = float(rng.uniform(750.0, 1900.0)) * mods.pitch
        hits = [strikes.strike(rng, strikes.CERAMIC, hz * float(rng.uniform(0.97, 1.05))) for _ in range(3)]
        gap_s = float(rng.uniform(0.05, 0.11))
        slide = dsp.noise_burst(rng, 9600, 1800.0, 6000.0, attack_s=0.04, t60_s=0.22)
        times = strikes.bounces(gap_s, 3)
        return strikes.in_time(
            [(0.0, 1.0, hits[0]), (times[1], 0.6, hits[1]), (times[2], 0.35, hits[2]), (0.02, 0.06, slide)]
        )

    at = dsp.random_times(rng, n_samples, 2.6 * mods.density, tail_s=0.1)
    return tones.room(
        dsp.mono(strikes.row(rng, n_samples, at, clatter, n_kinds=9, spread_db=3.5)), size=0.3, wet=0.1
    )


def cutlery(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate forks, knives and spoons.

    Thin steel that rings high and short, now and then against a plate.
    """

    def clink() -> Signal:
        steel = strikes.strike(rng, strikes.STEEL, float(rng.uniform(2300.0, 4600.0)) * mods.pitch, ring=0.9)
        plate = strikes.strike(
            rng, strikes.CERAMIC, float(rng.uniform(1100.0, 2200.0)) * mods.pitch, ring=0.8
        )
        return strikes.in_time([(0.0, 1.0, steel), (0.0, float(rng.uniform(0.0, 0.6)), plate)])

    at = dsp.random_times(rng, n_samples, 4.0 * mods.density, tail_s=0.1)
    return tones.room(
        dsp.mono(strikes.row(rng, n_samples, at, clink, n_kinds=10, spread_db=4.0)), size=0.3, wet=0.1
    )


def coins(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate coins dropped and counted: bright discs that bounce, in handfuls."""

    def coin() -> Signal:
        hz = float(rng.uniform(3600.0, 7200.0)) * mods.pitch
        hit = strikes.strike(rng, strikes.METAL, hz, ring=float(rng.uniform(0.12, 0.3)), contact=0.6)
        times = strikes.bounces(float(rng.uniform(0.06, 0.14)), int(rng.integers(2, 5)), 0.65)
        return strikes.in_time([(time_s, 0.6**k, hit) for k, time_s in enumerate(times)])

    def handful() -> Signal:
        return strikes.cluster(rng, 0.35, int(rng.integers(2, 6)), coin, n_kinds=4)

    at = dsp.regular_times(rng, n_samples, 0.75 / mods.rate, jitter=0.45, tail_s=0.1)
    return dsp.mono(strikes.row(rng, n_samples, at, handful, n_kinds=6, spread_db=2.5))


def sizzle(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate hot fat: a steady high hiss full of tiny spits, and now and then a bigger one."""
    hiss = dsp.coloured_noise(
        rng,
        n_samples,
        ((200.0, -40.0), (1500.0, -14.0), (5000.0, 0.0), (11_000.0, -2.0), (20_000.0, -16.0)),
        2,
    )
    hiss *= np.float32(0.75) + np.float32(0.5) * tones.wobble(rng, n_samples, 40.0)
    spits = [
        dsp.noise_burst(rng, 720, low_hz, low_hz * 3, attack_s=0.0002, t60_s=0.006)
        for low_hz in (1800, 3000, 4500)
    ]
    at = dsp.random_times(rng, n_samples, 220.0 * mods.density)
    spit = dsp.scatter_stereo(rng, n_samples, at, dsp.lognormal_gains(rng, len(at), 5.0), spits)
    return hiss * np.float32(0.5) + spit


def boiling(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a pot at the boil: many rising bubbles of different sizes over the rumble of the water."""
    bubbles = [
        _bubble(float(hz) * mods.pitch, float(rng.uniform(0.03, 0.09)), 0.5)
        for hz in np.geomspace(170.0, 1100.0, 12)
    ]
    at = dsp.random_times(rng, n_samples, 110.0 * mods.density)
    sound = dsp.scatter_stereo(rng, n_samples, at, dsp.lognormal_gains(rng, len(at), 4.0), bubbles, width=0.8)
    rumble = dsp.coloured_noise(
        rng, n_samples, ((60.0, -8.0), (220.0, 0.0), (900.0, -12.0), (8000.0, -30.0)), 2
    )
    return sound + rumble * np.float32(0.22)


def kettle(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a whistling kettle: two narrow tones that climb as the steam builds up, in a jet of hiss."""
    build = 1.0 - np.exp(-np.arange(n_samples, dtype=np.float32) / np.float32(1.2 * SAMPLE_RATE_HZ))
    hz = (
        np.float32(1900.0 * mods.pitch)
        * (0.72 + 0.28 * build)
        * (1.0 + 0.006 * tones.wobble(rng, n_samples, 9.0))
    )
    tremble = 1.0 + 0.25 * tones.wobble(rng, n_samples, 14.0)
    whistle = (
        tones.tone(hz, n_samples, (1.0, 0.22, 0.06)) + tones.tone(hz * np.float32(1.19), n_samples) * 0.45
    )
    steam = dsp.bandpass(dsp.white(rng, n_samples), 1200.0, 11_000.0)
    level = 0.35 + 0.65 * build
    return dsp.mono((whistle * tremble * np.float32(0.6) * level + steam * np.float32(0.22)) * level)


def _air_column(rng: np.random.Generator, hz: Signal) -> Signal:
    """Return the first three modes of a tube shut at one end, at odd multiples of `hz`, that noise excites.

    RMS about 1; a carrier whose two phases swell and fade at random, some 90 Hz wide.
    """
    out = np.zeros(len(hz), dtype=np.float32)
    for start in (0.0, 0.25):
        swell = tones.wobble(rng, len(hz), 190.0)
        out += np.float32(2.2) * swell * tones.tone(hz, len(hz), (1.0, 0.0, 0.5, 0.0, 0.25), start)
    return out


def pouring(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate liquid into a vessel, over and over.

    Bubbles and splash in an air column that shortens, and so rises, as the vessel fills.
    """
    n_fill = seconds_to_samples(4.2 * mods.size / mods.rate)
    centres_hz = np.geomspace(230.0, 5600.0, 24) * mods.pitch
    grains = [bubble(hz, 0.26) * np.float32((centres_hz[0] / hz) ** 0.35) for hz in centres_hz.tolist()]
    out = np.zeros(n_samples, dtype=np.float32)
    for start in range(0, n_samples, n_fill):
        n_part = min(n_fill, n_samples - start)
        fill = np.linspace(0.0, 1.0, n_fill, dtype=np.float32)[:n_part]
        at = dsp.random_times(rng, n_part, 165.0 * mods.density)
        at = at[at < n_part]
        # The fuller the vessel, the smaller its air and the higher its bubbles.
        kinds = np.clip(4.0 + 8.0 * fill[at] + rng.normal(0.0, 5.0, len(at)), 0, 23).astype(np.int64)
        gains = dsp.lognormal_gains(rng, len(at), 6.3) * (0.8 + 0.4 * dsp.drift(rng, n_part, 8.0)[at])
        glug = dsp.scatter(n_part, at, gains, grains, kinds)
        splash = dsp.bandpass(dsp.white(rng, n_part), 700.0, 9800.0)
        splash *= np.float32(0.5) + np.float32(0.5) * fill
        column = _air_column(rng, np.float32(430.0 * mods.pitch) * np.float32(2.6) ** fill)
        sound = glug + splash + np.float32(0.15) * column
        out[start : start + n_part] = sound * tones.hold(n_part, 0.04, 0.25)
    return dsp.mono(out)


RECIPES = (
    Recipe(
        "glass_clink",
        glass_clink,
        heads="""glass + clink, wine glass, glasses clinking, toast with glasses, champagne glass, bottle +
            clink, goblet, tumbler, glass + tap, glasses touching, bottles rattling, drinking glasses,
            crystal glass, ice clinking, clinking, vial, glass + set down, mug + clink, bottle + glass""",
        hints="glass, bottle, clink, jar, ice cubes",
        never="break, smash, shatter",
    ),
    Recipe(
        "glass_break",
        glass_break,
        heads="""glass breaking, glass + break, glass + smash, glass + shatter, window + break, window +
            smash, shatter, bottle + smash, bottle + break, breaking glass, window shattering, mirror +
            crack, vase + break, plate + smash, plate + break, cup + break, shard""",
        hints="break, smash",
    ),
    Recipe(
        "dishes",
        dishes,
        heads="""dish, plate, crockery, porcelain, teacup, saucer, pots and pans, bowl, china,
            tableware, teacups, cup + saucer, ceramic, stacking plates, tea service, mug, pan + clatter,
            pots clattering, clattering pans""",
        hints="clatter, kitchen, cup, pot, pan",
        never="plate armour, plate armor, metal plate, frying",
    ),
    Recipe(
        "cutlery",
        cutlery,
        heads="""cutlery, fork, spoon, silverware, knife and fork, knives and forks, spoon stirring, stirring
            a cup, flatware, spoon + cup, teaspoon, butter knife, eating utensils""",
        hints="knife, dinner, utensil, dining",
        never="tuning fork",
    ),
    Recipe(
        "coins",
        coins,
        heads="""coin, money + clink, coin purse, loose change, coins dropping, coin dropped,
            doubloon, pennies, penny""",
        hints="money, purse, change, gold, cash",
    ),
    Recipe(
        "sizzle",
        sizzle,
        heads="""sizzle, sizzling, frying, frying pan, bacon, grill, searing, hot oil, skillet, griddle, deep
            fryer, fry, steak cooking, meat roasting, barbecue""",
        hints="cooking, oil, stove, pan, grease",
        is_texture=True,
    ),
    Recipe(
        "boiling",
        boiling,
        heads="""boiling, boiling pot, boiling water, simmer, pot + bubble, cauldron, water +
            boil, simmering pot, pot + simmer, bubbling pot, saucepan, potion""",
        hints="boil, kitchen pot, brew",
        never="kettle",
        is_texture=True,
    ),
    Recipe(
        "kettle",
        kettle,
        heads="""kettle, tea kettle, whistling kettle, kettle whistle, kettle + boil, teapot whistling, kettle
            + whistle""",
        hints="teapot",
    ),
    Recipe(
        "pouring",
        pouring,
        heads="""pouring, pour + glass, pour + cup, pouring water, pouring wine, pouring tea, wine + pour,
            coffee + pour, water + pour + glass, tea + pour, beer + pour, filling a glass, filling a cup,
            tap + fill, liquid + pour, pour, ale + pour, coffee machine, espresso""",
        hints="liquid, drink",
        never="pouring rain, rain, downpour, smoke",
    ),
)
