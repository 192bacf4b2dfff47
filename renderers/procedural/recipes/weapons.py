"""Weapons and blasts: swords, explosions, shots, cannons, fireworks."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, Seconds, seconds_to_samples
from renderers.procedural import dsp, strikes, tones
from renderers.procedural.catalogue import Recipe
from renderers.procedural.dsp import Signal
from renderers.procedural.modifiers import Modifiers


def sword(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate blades: a clash that rings high, and the shriek of edge along edge."""

    def clash() -> Signal:
        blades = [
            strikes.strike(
                rng, strikes.METAL, float(rng.uniform(1500.0, 2600.0)) * mods.pitch, ring=0.55 * mods.size
            )
            for _ in range(2)
        ]
        n_slide = seconds_to_samples(float(rng.uniform(0.16, 0.4)))
        sweep_hz = tones.line(n_slide, rng.uniform(2600.0, 5200.0, 5) * mods.pitch)
        edge = tones.tone(sweep_hz, n_slide, (1.0, 0.7, 0.5)) * dsp.bandpass(
            dsp.white(rng, n_slide), 30.0, 900.0
        )
        slide = (
            dsp.unit(edge) + dsp.noise_burst(rng, n_slide, 4000.0, 12_000.0, t60_s=1.0) * 0.2
        ) * dsp.bump(n_slide)
        return strikes.in_time([(0.0, 1.0, blades[0]), (0.004, 0.7, blades[1]), (0.05, 0.35, slide)])

    at = dsp.regular_times(rng, n_samples, 0.72 / mods.rate, jitter=0.45, tail_s=0.3)
    return tones.room(
        dsp.mono(strikes.row(rng, n_samples, at, clash, n_kinds=5, spread_db=2.5)), size=0.5, wet=0.12
    )


def _blast(
    rng: np.random.Generator, length_s: Seconds, top_hz: float, floor_hz: float, t60_s: Seconds
) -> Signal:
    """Imitate a pressure blast: noise whose treble dies first, from `top_hz` down to `floor_hz`."""
    n_samples = seconds_to_samples(length_s)
    noise = dsp.white(rng, n_samples)
    out = np.zeros(n_samples, dtype=np.float32)
    for index, hz in enumerate(np.geomspace(floor_hz, top_hz, 4).tolist()):
        band = dsp.lowpass(noise, hz) * np.float32(np.sqrt(dsp.NYQUIST_HZ / hz) * 0.5)
        out += band * dsp.pluck(n_samples, 0.0015, t60_s * 0.5**index)
    return dsp.unit(dsp.tail_off(out, 0.05))


def explosion(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a detonation, once.

    A crack, a boom far below 100 Hz, a long rumble, and debris that rains down.
    """

    def debris() -> Signal:
        return strikes.strike(rng, strikes.STONE, float(rng.uniform(500.0, 2500.0)))

    n_boom = seconds_to_samples(2.2 * mods.size)
    boom_hz = np.float32(46.0 * mods.pitch) * (1.0 + 1.2 * dsp.decay(n_boom, 0.5))
    boom = tones.tone(boom_hz, n_boom, (1.0, 0.3)) * dsp.pluck(n_boom, 0.004, 1.8 * mods.size)
    roar = _blast(rng, 4.5 * mods.size, 5000.0, 90.0, 3.6 * mods.size)
    rain = strikes.cluster(rng, 2.0, int(36 * mods.density), debris, n_kinds=8)
    return strikes.once(
        n_samples, [(0.01, 0.8, boom), (0.01, 1.0, roar), (0.45, 0.04, rain)], size=0.85, wet=0.25
    )


def _report(rng: np.random.Generator, pitch: float, size: float) -> Signal:
    """Imitate the report of a gun, peak 1.

    A shock of a millisecond, the muzzle's blast of a third of a second, and a tail of dull noise that rolls
    away among echoes. All is bent as by an overloaded microphone: a shot is far louder than it can take.
    """
    n_samples = seconds_to_samples(2.6 * size)
    muzzle = dsp.coloured_noise(
        rng,
        n_samples,
        [(hz * pitch, db) for hz, db in ((50.0, -12.0), (400.0, 0.0), (3000.0, -6.0), (12e3, -14.0))],
    )[0] * dsp.decay(n_samples, 0.36 * size)
    dull = ((90.0, -18.0), (230.0, 0.0), (660.0, -6.0), (1900.0, -18.0), (16e3, -40.0))
    tail = dsp.coloured_noise(rng, n_samples, dull)[0]
    out = 0.8 * muzzle + tail * (
        0.07 * dsp.decay(n_samples, 0.84 * size) + 0.13 * dsp.decay(n_samples, 1.45 * size)
    )
    dsp.add_at(out, 0, strikes.thump(rng, 90.0 * pitch, 0.22 * size), 0.33)
    dsp.add_at(out, 0, np.linspace(2.4, -2.4, 48, dtype=np.float32))
    direct = dsp.lowpass(out, 2500.0)
    for echo_s in rng.uniform(0.05, 0.2, 5).tolist():
        dsp.add_at(out, seconds_to_samples(echo_s), direct, 0.23 * float(np.exp(-2.0 * echo_s)))
    return dsp.tail_off(np.tanh(np.float32(10.0) * dsp.unit(out)), 0.2)


def gunshot(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a shot, once: its report, and the echo of the surroundings."""
    report = _report(rng, mods.pitch, mods.size)
    return strikes.once(n_samples, [(0.01, 1.0, report)], size=0.35, wet=0.035)


def cannon(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a cannon fired, once: a deep round boom without much crack, rolling away."""
    boom = strikes.thump(rng, 52.0 * mods.pitch, 0.9 * mods.size)
    blast = _blast(rng, 3.2 * mods.size, 2400.0, 110.0, 2.2 * mods.size)
    roll = _blast(rng, 2.6, 600.0, 80.0, 2.2)
    return strikes.once(
        n_samples,
        [(0.01, 1.0, boom), (0.01, 0.7, blast), (0.22, 0.22, roll), (0.5, 0.12, roll)],
        size=0.85,
        wet=0.2,
    )


def fireworks(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate rockets: a thin whistle up, the burst, a shower of crackles; many of them, left and right."""

    def rocket() -> Signal:
        n_rise = seconds_to_samples(float(rng.uniform(0.4, 0.8)))
        hz = tones.line(n_rise, [900.0, 1900.0, 2600.0]) * np.float32(rng.uniform(0.8, 1.3))
        rise = tones.tone(hz, n_rise) * dsp.bump(n_rise, skew=0.7)
        burst = _blast(rng, 1.2, 3500.0, 130.0 * mods.pitch, 0.9 * mods.size)
        snaps = [dsp.noise_burst(rng, 480, 2500.0, 9000.0, attack_s=0.0002, t60_s=0.006) for _ in range(3)]
        crackle = strikes.cluster(rng, 0.9, 70, lambda: snaps[int(rng.integers(3))], n_kinds=3)
        end_s = n_rise / SAMPLE_RATE_HZ
        return strikes.in_time([(0.0, 0.1, rise), (end_s, 1.0, burst), (end_s + 0.25, 0.09, crackle)])

    at = dsp.random_times(rng, n_samples, 1.3 * mods.density, tail_s=0.6)
    at[0] = -seconds_to_samples(0.35)  # the first is on its way up when the sound begins
    rockets = [rocket() for _ in range(min(5, len(at)))]
    gains = dsp.lognormal_gains(rng, len(at), 4.0)
    return dsp.scatter_stereo(rng, n_samples, at, gains, rockets, width=0.8)


RECIPES = (
    Recipe(
        "sword",
        sword,
        heads="""sword, blade, sword fight, steel + clash, sword + clash, swords clashing, sword + draw,
            dagger, sabre, saber, duel, clash of steel, fencing, knife + sharpen, unsheathe, rapier, knife
            + draw, weapons clashing, clashing weapons, axes clashing, spear""",
        hints="clash, battle, knight, scabbard, knife",
        never="rotor blade, fan blade, saw blade",
    ),
    Recipe(
        "explosion",
        explosion,
        heads="""explosion, explode, blast, detonation, bomb, dynamite, grenade, artillery shell, shell +
            explode, mine + explode, detonate, bombardment, missile""",
        hints="boom, eruption, volcano",
        never="blast furnace, blast of wind, horn",
    ),
    Recipe(
        "gunshot",
        gunshot,
        heads="""gunshot, gun + shot, gun, rifle, pistol, rifle shot, shotgun, pistol shot, musket, revolver,
            shot + fire, gunfire, starting pistol, shot rings out, sniper, bullet""",
        hints="shot, shoot, firing",
        never="laser, machine gun, nail gun, spray gun",
    ),
    Recipe(
        "cannon",
        cannon,
        heads="""cannon, cannon fire, artillery, cannonade, cannon shot, broadside, mortar fire, gun salute,
            battleship gun, naval gun, cannon + fire/shoot""",
        hints="siege",
    ),
    Recipe(
        "fireworks",
        fireworks,
        heads="""firework, firecracker, fireworks display, rocket + sky, roman candle, pyrotechnic, fireworks
            + burst, skyrocket""",
        hints="celebration, rocket, sparkler",
        is_texture=True,
    ),
)
