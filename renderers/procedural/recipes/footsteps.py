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
    """Imitate steps of both feet at an even pace, each as loud as it happens to be, in a quiet place.

    Six recorded variants, the left a little softer.
    """
    steps = [step(rng, mods) for _ in range(6)]
    at = dsp.regular_times(
        rng, n_samples, period_s * mods.size**0.3 / mods.rate, jitter=0.025, tail_s=0.3, count=mods.count
    )
    kinds = rng.integers(0, 3, len(at)) * 2 + np.arange(len(at)) % 2
    gains = dsp.lognormal_gains(rng, len(at), 2.5) * np.where(np.arange(len(at)) % 2, 0.85, 1.0)
    sound = dsp.scatter(n_samples, at, gains.astype(np.float32), steps, kinds)
    return dsp.mono(sound + np.float32(0.008) * dsp.air(rng, n_samples))


def _sole(
    rng: np.random.Generator,
    mods: Modifiers,
    *,
    body_hz: float,
    body_t60_s: float,
    click: float,
    click_hz: float,
    click_s: float,
    toe: float,
) -> dsp.Signal:
    """Imitate a hard sole: heel and toe as dull blows without pitch, and a scuff from one to the other."""
    n_step = seconds_to_samples(0.42)
    out = np.zeros(n_step, dtype=np.float32)
    roll_s = float(rng.uniform(0.09, 0.12)) / mods.rate**0.5

    def contact(brightness: float) -> dsp.Signal:
        n_contact = seconds_to_samples(0.25)
        low_hz = body_hz * mods.pitch
        blow = dsp.noise_burst(rng, n_contact, low_hz, 3.0 * low_hz, attack_s=0.0015, t60_s=body_t60_s)
        tap = dsp.noise_burst(rng, 2400, click_hz, 2.5 * click_hz, attack_s=0.0006, t60_s=click_s)
        blow[:2400] += tap * np.float32(click * brightness)
        return blow

    dsp.add_at(out, 0, contact(1.0))
    dsp.add_at(out, 0, _thud(seconds_to_samples(0.25), 80.0 * mods.pitch, 0.2), 0.25 * _weight(mods))
    dsp.add_at(out, seconds_to_samples(roll_s), contact(1.3), toe * float(rng.uniform(0.7, 1.3)))
    scuff = dsp.bandpass(dsp.white(rng, n_step), 1500.0, 7000.0) * dsp.envelope(
        n_step, [(0.0, 0.0), (0.5 * roll_s, 1.0), (1.5 * roll_s, 0.6), (2.5 * roll_s, 0.0)]
    )
    return dsp.tail_off(dsp.unit(out) + np.float32(0.055) * scuff, 0.05)


def _thud(n_samples: int, hz: float, t60_s: float) -> dsp.Signal:
    """Imitate the weight of a body coming down: one low mode with a soft start."""
    return dsp.ring(n_samples, hz, t60_s) * dsp.pluck(n_samples, 0.004, 1.0)


def _weight(mods: Modifiers) -> float:
    return float(mods.density**0.6)


def _grains(
    rng: np.random.Generator,
    count: int,
    band_hz: tuple[float, float],
    *,
    grain_s: tuple[float, float],
    roll_s: float,
    toe: float,
    hiss: float,
    hiss_hz: float,
    spread_db: float = 8.5,
) -> dsp.Signal:
    """Imitate a crunch: small contacts of very unequal force, thickest under the heel and again at the toe.

    `roll_s` is the time from heel to toe, `toe` the toe's share of weight, `hiss` the level of what rubs.
    """
    n_step = seconds_to_samples(0.6)
    grains = []
    for centre_hz in np.geomspace(*band_hz, 8).tolist():
        grain = dsp.noise_burst(
            rng, 1440, 0.7 * centre_hz, 1.5 * centre_hz, attack_s=0.0003, t60_s=float(rng.uniform(*grain_s))
        )
        grains.append(dsp.unit(grain))
    heel = rng.gamma(2.0, 0.03, count * 3 // 5)
    ball = roll_s + rng.gamma(2.0, 0.042, round(count * 0.4 * toe) + 1)
    at = (np.clip(np.concatenate([[0.0], heel, ball]), 0.0, 0.5) * SAMPLE_RATE_HZ).astype(np.int64)
    kinds = rng.integers(0, len(grains), len(at))
    crunch = dsp.unit(dsp.scatter(n_step, at, dsp.lognormal_gains(rng, len(at), spread_db), grains, kinds))
    press = dsp.envelope(
        n_step,
        [(0.0, 0.0), (0.02, 1.0), (0.09, 0.3), (roll_s, 0.7 * toe), (roll_s + 0.12, 0.1), (0.5, 0.0)],
    )
    return crunch + np.float32(hiss) * dsp.bandpass(dsp.white(rng, n_step), hiss_hz, 9000.0) * press


def _stone(rng: np.random.Generator, mods: Modifiers) -> dsp.Signal:
    return _sole(
        rng, mods, body_hz=330.0, body_t60_s=0.11, click=0.18, click_hz=3000.0, click_s=0.02, toe=0.43
    )


def _wood(rng: np.random.Generator, mods: Modifiers) -> dsp.Signal:
    return _sole(
        rng, mods, body_hz=280.0, body_t60_s=0.12, click=0.04, click_hz=3400.0, click_s=0.06, toe=0.45
    )


def _gravel(rng: np.random.Generator, mods: Modifiers) -> dsp.Signal:
    crunch = _grains(
        rng,
        round(150 * _weight(mods)),
        (670.0, 3500.0),
        grain_s=(0.004, 0.01),
        roll_s=0.18,
        toe=0.55,
        hiss=0.05,
        hiss_hz=3000.0,
    )
    dsp.add_at(crunch, 0, _thud(seconds_to_samples(0.2), 90.0 * mods.pitch, 0.12), 0.3 * _weight(mods))
    return dsp.tail_off(crunch, 0.08)


def _snow(rng: np.random.Generator, mods: Modifiers) -> dsp.Signal:
    """Imitate compressed crystals: dense, soft crackle of the middle range that groans as it gives way."""
    crunch = _grains(
        rng,
        round(300 * _weight(mods)),
        (450.0, 2600.0),
        grain_s=(0.004, 0.014),
        roll_s=0.2,
        toe=0.8,
        hiss=0.07,
        hiss_hz=1200.0,
    )
    n_groan = seconds_to_samples(0.34)
    groan = dsp.bandpass(dsp.white(rng, n_groan), 700.0 * mods.pitch, 1100.0 * mods.pitch)
    groan *= dsp.bump(n_groan, skew=0.45) * (0.5 + 0.5 * dsp.drift(rng, n_groan, 70.0))
    crunch[:n_groan] += np.float32(0.5) * groan
    return dsp.tail_off(crunch, 0.08)


def _leaf_litter(rng: np.random.Generator, mods: Modifiers) -> dsp.Signal:
    rustle = _grains(
        rng,
        round(90 * _weight(mods)),
        (900.0, 5500.0),
        grain_s=(0.004, 0.015),
        roll_s=0.18,
        toe=0.8,
        hiss=0.3,
        hiss_hz=2400.0,
        spread_db=5.5,
    )
    snap = dsp.noise_burst(rng, 960, 1500.0, 5000.0, attack_s=0.0003, t60_s=0.008)
    if rng.random() < 0.5:
        dsp.add_at(rustle, seconds_to_samples(float(rng.uniform(0.02, 0.12))), snap, 0.5)
    dsp.add_at(rustle, 0, _thud(seconds_to_samples(0.2), 85.0 * mods.pitch, 0.1), 0.25 * _weight(mods))
    return dsp.tail_off(rustle, 0.08)


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
