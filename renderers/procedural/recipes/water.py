"""Water: surf, running and falling water, drops and bubbles.

A bubble is a sine whose pitch rises as it decays, with the damping of van den Doel, "Physically based models
for liquid sounds" (ACM TAP, 2005).
"""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio
from renderers.procedural import dsp
from renderers.procedural.catalogue import Recipe
from renderers.procedural.modifiers import Modifiers

_SURF_ROAR = ((30.0, -14.0), (80.0, -2.0), (250.0, 0.0), (900.0, -6.0), (3000.0, -18.0), (12_000.0, -44.0))
_SURF_FOAM = ((200.0, -34.0), (900.0, -14.0), (3000.0, 0.0), (9000.0, -6.0), (18_000.0, -24.0))
_FALL = ((40.0, -10.0), (150.0, -2.0), (600.0, 0.0), (2500.0, -3.0), (8000.0, -12.0), (18_000.0, -30.0))
_STREAM_HISS = ((100.0, -30.0), (500.0, -8.0), (1500.0, 0.0), (5000.0, -9.0), (14_000.0, -28.0))
_DEPTHS = ((20.0, -6.0), (60.0, 0.0), (180.0, -5.0), (420.0, -22.0), (1200.0, -52.0), (8000.0, -90.0))


def bubble(hz: float, rise: float = 0.1) -> dsp.Signal:
    """Imitate one bubble of resonance `hz`; `rise` is how quickly its pitch climbs (0 for a bubble at depth).

    Mitate one bubble of resonance `hz`; `rise` is how quickly its pitch climbs (0 for a bubble at depth).
    """
    damping = 0.13 * hz + 0.0072 * hz**1.5
    n_grain = int(min(6.0 / damping, 0.25) * SAMPLE_RATE_HZ)
    time_s = np.arange(n_grain, dtype=np.float32) / SAMPLE_RATE_HZ
    freq_hz = np.minimum(hz * (1.0 + rise * damping * time_s), hz * 3.0).astype(np.float32)
    return dsp.tail_off(dsp.sine(freq_hz, n_grain) * np.exp(-damping * time_s), 0.002)


def _bubbles(
    rng: np.random.Generator, low_hz: float, high_hz: float, n_kinds: int, rise: float
) -> list[dsp.Signal]:
    centres = np.exp(rng.uniform(np.log(low_hz), np.log(high_hz), n_kinds))
    # Small bubbles carry less energy than large ones.
    return [
        bubble(float(hz), rise * rng.uniform(0.3, 1.0)) * np.float32((low_hz / hz) ** 0.4) for hz in centres
    ]


def surf(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate waves.

    A roar that swells, breaks into foam and draws back; the next follows before it is gone.
    """
    roar_level = np.full((2, n_samples), 0.16, dtype=np.float32)
    foam_level = np.full((2, n_samples), 0.10, dtype=np.float32)
    period_s = 5.2 / mods.rate
    first_s = -rng.uniform(0.2, 0.7) * period_s
    n_waves = int(n_samples / SAMPLE_RATE_HZ / period_s) + 2
    starts_s = first_s + period_s * (np.arange(n_waves) + rng.uniform(-0.18, 0.18, n_waves))
    for start_s in starts_s.tolist():
        rise_s, fall_s = period_s * rng.uniform(0.3, 0.42), period_s * rng.uniform(0.9, 1.2)
        n_wave = int((rise_s + fall_s) * SAMPLE_RATE_HZ)
        swell = dsp.bump(n_wave, skew=rise_s / (rise_s + fall_s))
        foam = dsp.bump(n_wave, skew=min(rise_s * 1.35 / (rise_s + fall_s), 0.8)) ** 1.6
        strength = rng.uniform(0.65, 1.0)
        for side in range(2):
            at = int((start_s + rng.uniform(0.0, 0.35)) * SAMPLE_RATE_HZ)
            dsp.add_at(roar_level[side], at, swell, strength)
            dsp.add_at(foam_level[side], at, foam, strength)
    roar = dsp.coloured_noise(rng, n_samples, _SURF_ROAR, 2) * roar_level
    foam_noise = dsp.coloured_noise(rng, n_samples, _SURF_FOAM, 2) * foam_level
    return roar * np.float32(0.8 * mods.density**0.5) + foam_noise * np.float32(0.5)


def stream(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a hundred bubbles a second, of all sizes, over the wash of the current."""
    grains = _bubbles(rng, 380.0 * mods.pitch, 2600.0 * mods.pitch, 24, 0.12)
    flow = 0.6 + 0.4 * dsp.drift(rng, n_samples, 1.2 * mods.rate)
    channels = []
    for _ in range(2):
        at = dsp.thin(rng, dsp.random_times(rng, n_samples, 130.0 * mods.density), flow)
        channels.append(dsp.play(rng, n_samples, at, grains, 5.0))
    wash = dsp.coloured_noise(rng, n_samples, _STREAM_HISS, 2) * (np.float32(0.13 * mods.density**0.5) * flow)
    return dsp.stereo(*channels) + wash


def waterfall(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a dense, unbroken roar with a fine flutter of falling sheets."""
    noise = dsp.coloured_noise(rng, n_samples, _FALL, 2)
    flutter = np.stack([dsp.drift(rng, n_samples, 9.0) for _ in range(2)])
    spray = dsp.coloured_noise(rng, n_samples, _SURF_FOAM, 2) * np.float32(0.4)
    return noise * (0.8 + 0.3 * flutter) * np.float32(mods.density**0.3) + spray


def drips(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate single drops into a pool: a tick, and the bubble that it leaves."""
    grains = []
    for hz in rng.uniform(900.0, 2300.0, 6) * mods.pitch:
        grain = np.zeros(int(0.16 * SAMPLE_RATE_HZ), dtype=np.float32)
        dsp.add_at(grain, 0, dsp.modes(480, [(4200.0, 0.004, 0.35), (7600.0, 0.003, 0.2)]))
        gap = int(rng.uniform(0.006, 0.018) * SAMPLE_RATE_HZ)
        tone = bubble(float(hz) * 0.7, 0.09)
        dsp.add_at(grain, gap, np.asarray(tone, dtype=np.float32))
        dsp.add_at(grain, gap + int(0.045 * SAMPLE_RATE_HZ), bubble(float(hz), 0.05), 0.3)
        grains.append(grain)
    period_s = 0.62 / mods.rate / mods.density**0.5
    at = dsp.regular_times(rng, n_samples, period_s, jitter=0.45, tail_s=0.1)
    return dsp.mono(dsp.play(rng, n_samples, at, grains, 3.0))


def splash(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a fall into water.

    A soft blow, a curtain of spray that rises and rains down, and hundreds of bubbles; again after a while.
    """
    n_splash = int(2.2 * mods.size**0.5 * SAMPLE_RATE_HZ)
    at = dsp.regular_times(rng, n_samples, 3.1 / mods.rate, jitter=0.3, tail_s=1.0, count=mods.count)
    splashes = []
    for _ in range(min(3, len(at))):
        low_hz = 140.0 * mods.pitch
        slap = dsp.noise_burst(rng, n_splash, low_hz, 10.0 * low_hz, attack_s=0.025, t60_s=0.58 * mods.size)
        spray = dsp.noise_burst(rng, n_splash, 1400.0, 9000.0, attack_s=0.1, t60_s=1.9 * mods.size**0.5)
        grains = _bubbles(rng, 260.0 * mods.pitch, 3100.0 * mods.pitch, 24, 0.14)
        rise_s = 0.02 + 0.28 * mods.size**0.5 * rng.gamma(1.5, 1.0, 600)
        bubbling = dsp.play(rng, n_splash, (rise_s * SAMPLE_RATE_HZ).astype(np.int64), grains, 8.0)
        sound = 0.27 * dsp.unit(slap) + 1.5 * dsp.unit(spray) + dsp.unit(bubbling)
        splashes.append(dsp.tail_off(dsp.unit(sound), 0.5))
    return dsp.mono(dsp.play(rng, n_samples, at, splashes, 2.0) + np.float32(0.008) * dsp.air(rng, n_samples))


def bubbles(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate air that rises through a liquid: round, low blips in quick, uneven runs."""
    grains = [
        dsp.tail_off(bubble(float(hz), 0.22), 0.004) for hz in rng.uniform(240.0, 850.0, 14) * mods.pitch
    ]
    at = dsp.regular_times(rng, n_samples, 0.075 / mods.rate / mods.density**0.5, jitter=0.85, tail_s=0.05)
    gains = dsp.lognormal_gains(rng, len(at), 3.5)
    return dsp.scatter_stereo(rng, n_samples, at, gains, grains, width=0.9)


def underwater(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate the rumble under water, with soft groups of bubbles that pass."""
    rumble = dsp.coloured_noise(rng, n_samples, _DEPTHS, 2)
    rumble *= 0.6 + 0.5 * np.stack([dsp.drift(rng, n_samples, 0.6 * mods.rate) for _ in range(2)])
    grains = [bubble(float(hz), 0.12) for hz in rng.uniform(150.0, 480.0, 10) * mods.pitch]
    groups = dsp.random_times(rng, n_samples, 0.9 * mods.density, tail_s=0.3)
    offsets = np.cumsum(rng.uniform(0.025, 0.11, (len(groups), 7)), axis=1) * SAMPLE_RATE_HZ
    at = (groups[:, np.newaxis] + offsets.astype(np.int64)).ravel()
    gains = dsp.lognormal_gains(rng, len(at), 4.0) * np.float32(3.0)
    return rumble + dsp.scatter_stereo(rng, n_samples, at, gains, grains)


RECIPES = (
    Recipe(
        "surf",
        surf,
        heads="""surf, sea, ocean, wave, shore, beach, tide, sea + wave, wave + crash, wave + break,
        wave + lap, wave + roll, water + lap, breaker, seashore, shoreline, wave + shore, wave + hull,
        sea swell, ocean swell, lake + lap, harbour water, harbor water, water + lap + hull""",
        hints="lap, swash, foam, swell",
        never="sea bird, seabird, gull, radio wave, sound wave, sine wave, heat wave, ocean liner",
        is_texture=True,
    ),
    Recipe(
        "stream",
        stream,
        heads="""stream, brook, creek, river, rivulet, babbling brook, running water, flowing water,
        water + flow, water + trickle, fountain, burbling, rushing water, water + run, spring water,
        water + babble, gutter, canal""",
        hints="babble, trickle, flow, gurgle, water, rill, current",
        never="faucet, tap, sink, bath, shower, hose, toilet, drain, bottle, steam, streamer",
        is_texture=True,
    ),
    Recipe(
        "waterfall",
        waterfall,
        heads="waterfall, cascade, cataract, rapids, white water, weir, torrent, dam, mill race, millrace",
        hints="plunge",
        is_texture=True,
    ),
    Recipe(
        "drips",
        drips,
        heads="""drip, water drop, water droplet, droplet, dripping water, drip + water, dripping tap,
        dripping faucet, leaking tap, leaky faucet, leak, drop + bucket, drop + puddle""",
        hints="tap, faucet, plink",
    ),
    Recipe(
        "splash",
        splash,
        heads="""splash, plunge, dive, plop, fish + jump, swim, swimmer,
        splash/jump/fall/leap/drop/dive/throw/stone + water""",
        hints="slosh, spatter",
        never="swimming pool, footstep, step, boot",
    ),
    Recipe(
        "bubbles",
        bubbles,
        heads="""bubble, gurgle, bubbling liquid, bubbling potion, aquarium, gurgling pipe, air bubble,
        fizzing, cauldron""",
        hints="potion, blub, fizz, glug",
        never="spring, boil, pot",
    ),
    Recipe(
        "underwater",
        underwater,
        heads="""underwater, submerged, deep sea, undersea, submarine interior, ocean floor, seabed, sea
        floor, underwater + rumble""",
        never="sonar, ping",
        is_texture=True,
    ),
)
