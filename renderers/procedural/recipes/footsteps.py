"""Footsteps: heel and toe on several grounds, at a walking or a running cadence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, seconds_to_samples
from renderers.procedural import dsp
from renderers.procedural.catalogue import Recipe
from renderers.procedural.modifiers import Modifiers
from renderers.procedural.recipes.water import bubble

WALK_PERIOD_S = 0.54
RUN_PERIOD_S = 0.34

StepMaker = Callable[[np.random.Generator, Modifiers], dsp.Signal]


def _walk(
    rng: np.random.Generator,
    n_samples: int,
    mods: Modifiers,
    step: StepMaker,
    period_s: float = WALK_PERIOD_S,
) -> Audio:
    """Imitate steps of both feet.

    Six recorded variants, the left a little softer, at a slightly uneven pace.
    """
    steps = [step(rng, mods) for _ in range(6)]
    at = dsp.regular_times(rng, n_samples, period_s * mods.size**0.3 / mods.rate, jitter=0.05, tail_s=0.12)
    kinds = rng.integers(0, 3, len(at)) * 2 + np.arange(len(at)) % 2
    gains = dsp.lognormal_gains(rng, len(at), 1.2) * np.where(np.arange(len(at)) % 2, 0.85, 1.0)
    return dsp.mono(dsp.scatter(n_samples, at, gains.astype(np.float32), steps, kinds))


def _thud(n_samples: int, hz: float, t60_s: float) -> dsp.Signal:
    """Imitate the weight of a body coming down: one low mode with a soft start."""
    return dsp.ring(n_samples, hz, t60_s) * dsp.pluck(n_samples, 0.004, 1.0)


def _weight(mods: Modifiers) -> float:
    return float(mods.density**0.6)


def _grains(
    rng: np.random.Generator,
    length_s: float,
    count: int,
    band_hz: tuple[float, float],
    grain_s: tuple[float, float],
) -> dsp.Signal:
    """Imitate a crunch: many small contacts, thickest just after the heel comes down and again at the toe."""
    n_step = seconds_to_samples(length_s)
    grains = []
    for centre_hz in np.geomspace(*band_hz, 8).tolist():
        n_grain = max(seconds_to_samples(float(rng.uniform(*grain_s))), 24)
        noise = dsp.bandpass(dsp.white(rng, n_grain), centre_hz * 0.75, centre_hz * 1.35)
        grains.append(dsp.unit(noise * dsp.pluck(n_grain, 0.0005, n_grain / SAMPLE_RATE_HZ)))
    heel = rng.gamma(2.0, 0.11 * length_s, count * 3 // 5)
    toe = 0.5 * length_s + rng.gamma(2.0, 0.09 * length_s, count - count * 3 // 5)
    at = (np.clip(np.concatenate([heel, toe]), 0.0, length_s * 0.97) * SAMPLE_RATE_HZ).astype(np.int64)
    kinds = rng.integers(0, len(grains), len(at))
    return dsp.scatter(n_step, at, dsp.lognormal_gains(rng, len(at), 5.0), grains, kinds)


def _stone(rng: np.random.Generator, mods: Modifiers) -> dsp.Signal:
    n_step = seconds_to_samples(0.2)
    out = np.zeros(n_step, dtype=np.float32)
    for at_s, level in ((0.0, 1.0), (rng.uniform(0.055, 0.08), 0.4)):
        hz = rng.uniform(1500.0, 2100.0) * mods.pitch
        click = dsp.modes(
            4800, [(hz, 0.03, 0.6), (hz * 1.83, 0.022, 0.45), (hz * 2.9, 0.014, 0.3), (420.0, 0.035, 0.5)]
        )
        scuff = dsp.noise_burst(rng, 4800, 1800.0, 8000.0, attack_s=0.001, t60_s=0.045) * np.float32(0.3)
        dsp.add_at(out, seconds_to_samples(float(at_s)), click + scuff, level)
    dsp.add_at(out, 0, _thud(n_step, 95.0 * mods.pitch, 0.09), 0.5 * _weight(mods))
    return dsp.tail_off(out, 0.02)


def _wood(rng: np.random.Generator, mods: Modifiers) -> dsp.Signal:
    n_step = seconds_to_samples(0.28)
    out = np.zeros(n_step, dtype=np.float32)
    for at_s, level in ((0.0, 1.0), (rng.uniform(0.07, 0.1), 0.45)):
        hz = rng.uniform(135.0, 175.0) * mods.pitch
        board = [(hz, 0.13, 1.0), (hz * 2.1, 0.09, 0.7), (hz * 3.4, 0.06, 0.4), (hz * 5.3, 0.04, 0.22)]
        knock = dsp.modes(9600, board)
        sole = dsp.noise_burst(rng, 9600, 500.0, 3000.0, attack_s=0.001, t60_s=0.03) * np.float32(0.3)
        dsp.add_at(out, seconds_to_samples(float(at_s)), knock + sole, level)
    dsp.add_at(out, 0, _thud(n_step, 75.0 * mods.pitch, 0.12), 0.5 * _weight(mods))
    return dsp.tail_off(out, 0.03)


def _gravel(rng: np.random.Generator, mods: Modifiers) -> dsp.Signal:
    crunch = _grains(rng, 0.3, round(110 * _weight(mods)), (1100.0, 5500.0), (0.002, 0.012))
    dsp.add_at(crunch, 0, _thud(len(crunch), 90.0 * mods.pitch, 0.1), 0.8 * _weight(mods))
    return dsp.tail_off(crunch, 0.04)


def _snow(rng: np.random.Generator, mods: Modifiers) -> dsp.Signal:
    """Imitate compressed crystals: dense crackle of the middle range that squeaks as it gives way."""
    crunch = _grains(rng, 0.34, round(260 * _weight(mods)), (500.0, 2400.0), (0.004, 0.014))
    n_step = len(crunch)
    squeak = dsp.bandpass(dsp.white(rng, n_step), 700.0 * mods.pitch, 1100.0 * mods.pitch) * dsp.bump(
        n_step, skew=0.45
    )
    squeak *= 0.5 + 0.5 * dsp.drift(rng, n_step, 70.0)
    return dsp.tail_off(crunch + squeak * np.float32(3.0), 0.05)


def _leaf_litter(rng: np.random.Generator, mods: Modifiers) -> dsp.Signal:
    rustle = _grains(rng, 0.36, round(150 * _weight(mods)), (2600.0, 9000.0), (0.004, 0.03))
    snap = dsp.modes(960, [(2300.0 * mods.pitch, 0.012, 1.0), (3900.0 * mods.pitch, 0.008, 0.6)])
    if rng.random() < 0.5:
        dsp.add_at(rustle, seconds_to_samples(float(rng.uniform(0.02, 0.12))), snap, 1.2)
    dsp.add_at(rustle, 0, _thud(len(rustle), 85.0 * mods.pitch, 0.08), 0.6 * _weight(mods))
    return dsp.tail_off(rustle, 0.06)


def _puddle(rng: np.random.Generator, mods: Modifiers) -> dsp.Signal:
    n_step = seconds_to_samples(0.42)
    out = dsp.noise_burst(rng, n_step, 250.0, 2200.0, attack_s=0.006, t60_s=0.16)
    out += dsp.noise_burst(rng, n_step, 1800.0, 8000.0, attack_s=0.02, t60_s=0.3) * np.float32(0.4)
    for _ in range(round(14 * _weight(mods))):
        hz = float(np.exp(rng.uniform(np.log(400.0), np.log(2400.0)))) * mods.pitch
        dsp.add_at(
            out,
            seconds_to_samples(float(rng.exponential(0.09)) + 0.02),
            bubble(hz, 0.1),
            rng.uniform(0.2, 0.9),
        )
    return dsp.tail_off(out, 0.08)


def _running_step(rng: np.random.Generator, mods: Modifiers) -> dsp.Signal:
    """Imitate the ball of the foot only: one hard, short slap with more weight and a scuff behind it."""
    n_step = seconds_to_samples(0.2)
    slap = dsp.noise_burst(rng, n_step, 350.0, 3500.0 * mods.pitch, attack_s=0.001, t60_s=0.05) * np.float32(
        0.8
    )
    scuff = dsp.noise_burst(rng, n_step, 2000.0, 7000.0, attack_s=0.03, t60_s=0.1) * np.float32(0.15)
    return dsp.tail_off(
        slap + scuff + _thud(n_step, 88.0 * mods.pitch, 0.11) * np.float32(1.1 * _weight(mods)), 0.03
    )


def footsteps_stone(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate hard soles on stone, tile or concrete: bright clicks of heel and toe."""
    return _walk(rng, n_samples, mods, _stone)


def footsteps_wood(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate soles on floorboards: hollow knocks."""
    return _walk(rng, n_samples, mods, _wood)


def footsteps_gravel(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate gravel: each step a crunch of a hundred small stones."""
    return _walk(rng, n_samples, mods, _gravel)


def footsteps_snow(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate snow: a slow, squeaking crunch."""
    return _walk(rng, n_samples, mods, _snow, 0.64)


def footsteps_leaves(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate dry leaves and twigs: bright rustles, and a snap here and there."""
    return _walk(rng, n_samples, mods, _leaf_litter, 0.6)


def footsteps_water(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate puddles and mud: a small splash at every step."""
    return _walk(rng, n_samples, mods, _puddle, 0.62)


def running(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate running feet: three hard steps a second."""
    return _walk(rng, n_samples, mods, _running_step, RUN_PERIOD_S)


_WAYS = "footstep/step/walk/boot/footfall/tread/shoe/heel/foot/pace/march"
_NO_STEP = "doorstep, horse, hoof"


def _on(grounds: str) -> str:
    """Return a keyword: every way to walk, on each of these grounds."""
    return f"{_WAYS} + {grounds}"


RECIPES = (
    Recipe(
        "footsteps_stone",
        footsteps_stone,
        heads="footstep, footfall, step, heel, high heel, walk, boot, march, tread, "
        + _on(
            "stone/tile/marble/concrete/pavement/cobble/cobblestone/flagstone/corridor/hall/street/hallway"
        ),
        hints="stride, stroll, foot, tiptoe",
        never=f"{_NO_STEP}, drum, brass, band",
    ),
    Recipe(
        "footsteps_wood",
        footsteps_wood,
        heads=_on(
            "wood/wooden/floorboard/board/plank/stair/deck/parquet/staircase/porch/attic/jetty/ladder/boardwalk"
        ),
        never=_NO_STEP,
    ),
    Recipe(
        "footsteps_gravel",
        footsteps_gravel,
        heads="gravel crunch, run + gravel, "
        + _on("gravel/pebble/shingle/crunch/grit/cinder/path/rubble/sand/dirt/earth/rock"),
        hints="crunch",
        never=f"{_NO_STEP}, snow, leaf, ice, frost",
    ),
    Recipe(
        "footsteps_snow",
        footsteps_snow,
        heads="snow + crunch, trudge + snow, run + snow, " + _on("snow/frost/ice/snowy/frozen/icy"),
        hints="trudge",
        never=_NO_STEP,
    ),
    Recipe(
        "footsteps_leaves",
        footsteps_leaves,
        heads="twig + snap, leaf + crunch, leaf + underfoot, run + leaf, "
        + _on("leaf/twig/undergrowth/forest floor/grass/foliage/bracken/straw/hay/needle"),
        hints="underfoot, twig",
        never=_NO_STEP,
    ),
    Recipe(
        "footsteps_water",
        footsteps_water,
        heads="wade, squelch, slosh, run + puddle, "
        + _on("water/puddle/mud/splash/wet/marsh/swamp/shallow/slush/bog/squelch/stream/rain-soaked/muddy"),
        never=_NO_STEP,
    ),
    Recipe(
        "running",
        running,
        heads="""run, running, sprint, jog, foot/footstep/step + run/sprint/hurry/hurried/flee/race, flee,
        runner, fast footstep, rapid footstep, quick footstep,
        hurried footstep""",
        never="""water, engine, motor, tap, machine, horse, stream, brook, river, snow, leaf, gravel, puddle,
        footstep + wooden/plank/floorboard""",
    ),
)
