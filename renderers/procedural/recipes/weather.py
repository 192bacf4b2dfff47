"""Weather, and leaves that it moves: textures that are steady over their whole length, and thunder."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio
from renderers.procedural import dsp
from renderers.procedural.catalogue import Recipe
from renderers.procedural.modifiers import Modifiers

_RAIN_HISS = (
    (60.0, -30.0),
    (300.0, -16.0),
    (1200.0, -4.0),
    (5000.0, 0.0),
    (12_000.0, -8.0),
    (20_000.0, -22.0),
)
_WIND_BODY = ((25.0, -12.0), (90.0, 0.0), (300.0, -5.0), (900.0, -20.0), (4000.0, -42.0), (16_000.0, -70.0))
_SNOW_HISS = ((200.0, -30.0), (1500.0, -8.0), (5000.0, 0.0), (14_000.0, -8.0))


def _drops(rng: np.random.Generator, low_hz: float, high_hz: float, n_kinds: int) -> list[dsp.Signal]:
    """Imitate drop impacts: a click through one short resonance each."""
    grains = []
    for hz in np.geomspace(low_hz, high_hz, n_kinds) * rng.uniform(0.9, 1.1, n_kinds):
        t60_s = rng.uniform(0.004, 0.012) * (3000.0 / hz) ** 0.4
        n_grain = int(t60_s * 1.2 * SAMPLE_RATE_HZ)
        tone = dsp.ring(n_grain, float(hz), t60_s) * np.float32((hz / 3000.0) ** 0.3)
        click = np.float32(0.35) * dsp.white(rng, n_grain) * dsp.decay(n_grain, t60_s * 0.4)
        grains.append(dsp.tail_off(dsp.highpass(tone + click, 450.0), 0.001))
    return grains


def _drop_channel(
    rng: np.random.Generator, n_samples: int, rate_hz: float, grains: list[dsp.Signal], spread_db: float
) -> dsp.Signal:
    at = dsp.random_times(rng, n_samples, rate_hz)
    return dsp.play(rng, n_samples, at, grains, spread_db)


def rain(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate hundreds of drops a second, each a short resonance, over the hiss of thousands more."""
    density = mods.density
    grains = _drops(rng, 1300.0 * mods.pitch, 6500.0 * mods.pitch, 14)
    drops = dsp.stereo(*(_drop_channel(rng, n_samples, 420.0 * density, grains, 4.5) for _ in range(2)))
    hiss = dsp.coloured_noise(rng, n_samples, _RAIN_HISS, 2)
    hiss *= np.float32(0.16 * density) * (0.85 + 0.3 * dsp.drift(rng, n_samples, 0.25))
    return drops + hiss


def drizzle(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate fine, sparse drops with little hiss, and now and then a fuller one."""
    fine = _drops(rng, 3000.0, 8000.0, 8)
    full = _drops(rng, 900.0, 2200.0, 5)
    channels = [
        0.5 * _drop_channel(rng, n_samples, 70.0 * mods.density, fine, 6.0)
        + _drop_channel(rng, n_samples, 4.0 * mods.density, full, 4.0)
        for _ in range(2)
    ]
    return dsp.stereo(*channels) + np.float32(0.02) * dsp.coloured_noise(rng, n_samples, _RAIN_HISS, 2)


def thunder(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a crack (unless far away), then low rolls that overlap and die away; again after a while."""
    starts = dsp.regular_times(rng, n_samples, 11.0 / mods.density**0.4, jitter=0.3, tail_s=4.0)
    brightness = np.zeros(n_samples, dtype=np.float32)
    rumble = np.zeros(n_samples, dtype=np.float32)
    for start in starts.tolist():
        length_s = dsp.fitting_s(rng.uniform(6.5, 9.0), n_samples - start)
        n_roll = int(length_s * SAMPLE_RATE_HZ)
        if mods.distance <= 0:
            for delay_s in (0.0, *rng.uniform(0.04, 0.35, 3)):
                n_crack = min(int(0.9 * SAMPLE_RATE_HZ), n_roll)
                crack = dsp.pluck(n_crack, 0.002, rng.uniform(0.25, 0.8))
                dsp.add_at(brightness, start + int(delay_s * SAMPLE_RATE_HZ), crack, rng.uniform(0.4, 1.0))
        for _ in range(6):
            delay_s = rng.uniform(0.0, 0.45) ** 1.5 * length_s
            swell = dsp.pluck(n_roll, rng.uniform(0.08, 0.5), rng.uniform(0.9, 1.6) * length_s)
            dsp.add_at(
                rumble, start + int(delay_s * SAMPLE_RATE_HZ), dsp.tail_off(swell, 0.5), rng.uniform(0.4, 1.0)
            )
        dsp.add_at(rumble, start, dsp.tail_off(dsp.pluck(n_roll, 0.05, length_s * 1.3), 0.5))
    corner_hz = 110.0 * mods.pitch
    low = ((20.0, -8.0), (45.0, 0.0), (corner_hz, -3.0), (4.0 * corner_hz, -24.0), (4000.0, -60.0))
    bright = ((60.0, -6.0), (300.0, 0.0), (1500.0, -5.0), (6000.0, -16.0), (16_000.0, -34.0))
    rolls = (
        dsp.coloured_noise(rng, n_samples, low, 2)
        * (0.45 + dsp.drift(rng, n_samples, 2.5, power=1.5))
        * rumble
    )
    return rolls + np.float32(0.9) * dsp.coloured_noise(rng, n_samples, bright, 2) * brightness


def _whistle(rng: np.random.Generator, n_samples: int, hz: float, gust: dsp.Signal) -> dsp.Signal:
    """Imitate air over an edge: narrow noise whose pitch and level follow the gust."""
    width = dsp.coloured_noise(rng, n_samples, ((10.0, 0.0), (35.0, -3.0), (90.0, -30.0), (250.0, -70.0)))[0]
    tone = dsp.sine((hz * (0.75 + 0.5 * gust)).astype(np.float32), n_samples)
    return np.asarray(width * tone * gust**2, dtype=np.float32)


def wind(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate low broadband air that comes in gusts, and a whistle that rises with them."""
    gust = dsp.drift(rng, n_samples, 0.35 * mods.rate)
    body = dsp.coloured_noise(rng, n_samples, _WIND_BODY, 2)
    sides = np.stack([gust, 0.6 * gust + 0.4 * dsp.drift(rng, n_samples, 0.5 * mods.rate)])
    whistle = _whistle(rng, n_samples, 480.0 * mods.pitch, gust)
    depth = 0.65 + 0.2 * mods.intensity
    return body * (1.0 - depth + depth * sides) + np.float32(0.22 * mods.density**0.5) * dsp.widen(
        rng, whistle
    )


def snowstorm(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a howling wind with the dry hiss of driven snow."""
    gust = 0.35 + 0.65 * dsp.drift(rng, n_samples, 0.6 * mods.rate)
    body = dsp.coloured_noise(rng, n_samples, _WIND_BODY, 2) * gust
    hiss = dsp.coloured_noise(rng, n_samples, _SNOW_HISS, 2) * (
        gust**2 * np.float32(0.35 * mods.density**0.5)
    )
    howl = _whistle(rng, n_samples, 640.0 * mods.pitch, gust)
    return np.asarray(body + hiss + np.float32(0.35) * dsp.widen(rng, howl), dtype=np.float32)


def leaves(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate thousands of dry contacts, thicker and brighter as the breeze comes through."""
    gust = 0.4 + 0.6 * dsp.drift(rng, n_samples, 0.8 * mods.rate)
    grains = []
    for low_hz in np.geomspace(1800.0, 4200.0, 8).tolist():
        n_grain = int(rng.uniform(0.004, 0.018) * SAMPLE_RATE_HZ)
        noise = dsp.bandpass(dsp.white(rng, n_grain), low_hz, low_hz * 2.6)
        grains.append(noise * dsp.bump(n_grain, skew=0.25))
    channels = []
    for _ in range(2):
        at = dsp.thin(rng, dsp.random_times(rng, n_samples, 420.0 * mods.density), gust)
        channels.append(dsp.play(rng, n_samples, at, grains, 6.0))
    hiss = dsp.coloured_noise(rng, n_samples, _SNOW_HISS, 2) * (np.float32(0.07) * gust**2)
    return dsp.stereo(*channels) * gust + hiss


RECIPES = (
    Recipe(
        "rain",
        rain,
        heads="""rain, rainfall, rainstorm, downpour, raindrop, rain shower, cloudburst, monsoon, rainy,
        rain + roof, rain + window, sheet of rain""",
        hints="patter, shower",
        never="rain stick, rainstick",
        is_texture=True,
    ),
    Recipe(
        "drizzle",
        drizzle,
        heads="""drizzle, light rain, fine rain, sparse rain, gentle rain, misty rain, rain mist,
        sprinkle of rain""",
        is_texture=True,
    ),
    Recipe(
        "thunder",
        thunder,
        heads="""thunder, thunderclap, thunderstorm, lightning, thunder + roll, thunder + rumble,
        thunder + crack, lightning strike, peal of thunder""",
        hints="storm rumble",
    ),
    Recipe(
        "wind",
        wind,
        heads="""wind, breeze, gust, gale, draught, draft, windy, wind + howl, wind + whistle, wind +
        moan, squall, air + whistle, wind + blow, wind + tree, wind + grass""",
        hints="howl, blustery, blow, moan, air",
        never="wind chime, windmill, snow, blizzard, chime",
        is_texture=True,
    ),
    Recipe(
        "snowstorm",
        snowstorm,
        heads="""snowstorm, blizzard, snow storm, snow + wind, snow + blow, arctic wind, icy wind, ice
        storm, polar wind, wind-driven snow, driving snow""",
        never="footstep, boot, walk, crunch, step",
        is_texture=True,
    ),
    Recipe(
        "leaves",
        leaves,
        heads="""leaf, foliage, leaf + rustle, rustling foliage, bush, rustle, leaf + wind, tree +
        rustle, undergrowth, branch + rustle, grass + rustle, reed, tree + sway, tree + whisper, corn +
        rustle""",
        never="footstep, boot, paper, page, walk, step, fabric, cloth, curtain, silk, skirt, dress",
        is_texture=True,
    ),
)
