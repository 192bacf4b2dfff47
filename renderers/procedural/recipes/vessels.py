"""Things that carry people over water and through the air: boats and their horns, sails, oars, aircraft."""

from __future__ import annotations

import numpy as np

from copilot.units import Audio, seconds_to_samples
from renderers.procedural import dsp, engines, strikes, tones
from renderers.procedural.catalogue import Recipe
from renderers.procedural.dsp import Signal
from renderers.procedural.modifiers import Modifiers
from renderers.procedural.recipes.transport import horn_gate

_JET = ((30.0, -6.0), (120.0, 0.0), (500.0, -5.0), (1500.0, -12.0), (5000.0, -26.0), (14_000.0, -48.0))
_WASH = ((50.0, 0.0), (250.0, 0.0), (1000.0, -6.3), (4000.0, -18.0), (12_000.0, -31.5))
_LAPPING = ((100.0, -12.0), (350.0, 0.0), (900.0, -4.0), (3000.0, -14.0), (9000.0, -32.0))


def airplane(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a jet: a broad low roar and the whine of its fans, both wandering slowly."""
    roar = dsp.coloured_noise(rng, n_samples, _JET, 2) * (0.8 + 0.4 * dsp.drift(rng, n_samples, 0.5))
    wander = 1.0 + 0.015 * dsp.drift(rng, n_samples, 0.3)
    fans = [
        tones.tone(np.float32(hz * mods.pitch) * wander, n_samples, (1.0, 0.4, 0.2))
        for hz in (1130.0, 1148.0)
    ]
    drone = [
        tones.tone(np.float32(hz * mods.pitch) * wander, n_samples, (1.0, 0.7, 0.5, 0.3))
        for hz in (91.0, 93.0)
    ]
    sound = roar * np.float32(0.6) + np.stack(fans) * np.float32(0.06) + np.stack(drone) * np.float32(0.16)
    return np.asarray(sound, dtype=np.float32)


def propeller(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a small aeroplane: the drone of its propeller, two tones that beat, with rough exhaust."""
    base_hz = np.float32(84.0 * mods.pitch) * (1.0 + 0.012 * tones.wobble(rng, n_samples, 1.5))
    pulses = engines.firing(
        rng,
        base_hz,
        (1.0, 0.85, 0.95, 0.8),
        [(95.0, 70.0, 0.0), (210.0, 120.0, -1.0), (520.0, 300.0, -5.0), (1500.0, 900.0, -12.0)],
    )
    drone = tones.tone(base_hz * np.float32(1.013), n_samples, dsp.rolloff(24, 5.0))
    wash = dsp.bandpass(dsp.white(rng, n_samples), 150.0, 2500.0) * np.float32(0.12)
    return dsp.mono(pulses * np.float32(0.8) + drone * np.float32(0.4) + wash)


def helicopter(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a helicopter: a dozen blades a second slap the air and chop the wash; a turbine whines.

    A slap is broad, from the thump of the pressure to the rip of the vortex that the blade meets.
    """
    blades_hz = 12.0 * mods.rate
    booms = [(44.0, 0.14, 1.0), (92.0, 0.1, 0.8), (170.0, 0.08, 0.5), (310.0, 0.06, 0.3)]
    booms = [(hz * mods.pitch, t60_s, gain) for hz, t60_s, gain in booms]
    noises = [(200.0 * mods.pitch, 1200.0 * mods.pitch, 0.08, 1.0), (1200.0, 5000.0, 0.06, 0.4)]
    blades = [engines.blow(rng, booms, noises, attack_s=0.004) for _ in range(4)]
    at = dsp.regular_times(rng, n_samples, 1.0 / blades_hz, jitter=0.005)
    kinds = np.arange(len(at), dtype=np.int64) % len(blades)
    slaps = dsp.scatter(n_samples, at, dsp.lognormal_gains(rng, len(at), 0.8), blades, kinds)
    chop = (0.5 + 0.5 * tones.tone(blades_hz, n_samples, start=0.2)) ** 2
    wash = dsp.coloured_noise(rng, n_samples, _WASH)[0] * (0.4 + 0.6 * chop)
    whine_hz = np.float32(1150.0 * mods.pitch) * (1.0 + 0.004 * tones.wobble(rng, n_samples, 2.0))
    whine = tones.tone(np.asarray(whine_hz, dtype=np.float32), n_samples, (1.0, 0.5, 0.6, 0.2, 0.3))
    return dsp.widen(rng, slaps + wash * np.float32(0.45) + whine * np.float32(0.02), 0.3, 0.004)


def boat_engine(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a fishing boat's diesel: slow firings, putt putt putt, and water around the hull."""
    rate_hz = np.float32(12.0 * mods.rate) * (1.0 + 0.03 * tones.wobble(rng, n_samples, 1.0))
    sound = engines.knocking(rng, rate_hz, (1.0, 0.8), mods.pitch, knock=0.3, hiss=0.4, ticks=0.8, jacket=0.2)
    water = dsp.coloured_noise(rng, n_samples, _LAPPING)[0] * dsp.drift(rng, n_samples, 1.2)
    return dsp.mono(sound + water * np.float32(0.05))


def sail(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate canvas in the wind: it flaps and cracks in bursts, over the breath of the wind in it."""

    def flap() -> Signal:
        n_flap = seconds_to_samples(float(rng.uniform(0.09, 0.16)))
        body = dsp.noise_burst(rng, n_flap, 90.0, 1100.0, attack_s=0.006, t60_s=0.13)
        snap = dsp.noise_burst(rng, n_flap, 900.0, 4500.0, attack_s=0.001, t60_s=0.04)
        return body + snap * np.float32(rng.uniform(0.05, 0.4))

    at = dsp.regular_times(rng, n_samples, 0.15 / mods.rate, jitter=0.45)
    gusts = dsp.drift(rng, n_samples, 0.7, power=2.0) + np.float32(0.08)
    gains = dsp.lognormal_gains(rng, len(at), 3.0) * gusts[np.minimum(at, n_samples - 1)]
    flaps = dsp.scatter(n_samples, at, gains, [flap() for _ in range(8)], rng.integers(0, 8, len(at)))
    wind = dsp.coloured_noise(rng, n_samples, ((80.0, -6.0), (250.0, 0.0), (1200.0, -12.0), (8000.0, -34.0)))[
        0
    ]
    return dsp.mono(flaps + wind * (0.05 + 0.1 * gusts))


def rowing(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate oars.

    The blade goes in, the pull through the water, the rowlock's knock and creak, drops that fall.
    """

    def stroke() -> Signal:
        dip = dsp.noise_burst(rng, 12_000, 350.0, 2800.0, attack_s=0.015, t60_s=0.22)
        n_pull = seconds_to_samples(0.75 / mods.rate)
        pull = dsp.bandpass(dsp.white(rng, n_pull), 200.0, 1400.0) * dsp.bump(n_pull, skew=0.4)
        knock = strikes.strike(rng, strikes.WOOD, float(rng.uniform(230.0, 300.0)) * mods.pitch)
        n_creak = seconds_to_samples(0.4)
        creak = strikes.stick_slip(
            rng, tones.line(n_creak, [35.0, 60.0, 45.0]), [(620.0, 60.0, 0.0), (1180.0, 110.0, -5.0)]
        )
        drops = strikes.cluster(rng, 0.5, 9, drop, n_kinds=5)
        end_s = 0.75 / mods.rate
        return strikes.in_time(
            [
                (0.0, 0.3, dip),
                (0.08, 0.9, pull),
                (0.05, 0.25, knock),
                (0.12, 0.15, creak * dsp.bump(n_creak)),
                (end_s, 0.14, drops),
            ]
        )

    def drop() -> Signal:
        n_drop = seconds_to_samples(0.03)
        hz = float(rng.uniform(900.0, 2200.0)) * np.linspace(1.0, 1.5, n_drop, dtype=np.float32)
        return tones.tone(np.asarray(hz, dtype=np.float32), n_drop) * dsp.pluck(n_drop, 0.001, 0.04)

    at = dsp.regular_times(rng, n_samples, 1.9 / mods.rate, jitter=0.06)
    lapping = dsp.coloured_noise(rng, n_samples, _LAPPING)[0] * (0.3 + 0.7 * dsp.drift(rng, n_samples, 0.8))
    return dsp.mono(strikes.row(rng, n_samples, at, stroke, n_kinds=3) + lapping * np.float32(0.03))


def ship_horn(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a ship's horn: blown air that a diaphragm chops, slow to rise, with the harbour's echo.

    The note sits in the horn's own resonances, sags as the pressure falls, and is rough with air.
    """
    gate = horn_gate(rng, n_samples, 2.4 / mods.rate, 4.4 / mods.rate, 0.35)
    hz = np.float32(rng.uniform(138.0, 162.0) * mods.pitch) * (0.97 + 0.03 * gate)
    hz *= 1.0 + 0.003 * tones.wobble(rng, n_samples, 40.0)
    buzz = tones.tone(np.asarray(hz, dtype=np.float32), n_samples, dsp.rolloff(60, 4.0))
    blown = buzz + np.float32(0.4) * dsp.white(rng, n_samples) * np.abs(buzz)
    horn = [(300.0 * mods.pitch, 150.0, 0.0), (700.0 * mods.pitch, 300.0, 0.0), (1500.0, 700.0, -4.0)]
    sound = dsp.unit(dsp.lowpass(dsp.formants(blown, horn), 2500.0, 1)) * gate**1.5
    sound += dsp.air(rng, n_samples) * np.float32(0.006)
    return tones.room(dsp.mono(sound), size=0.9, wet=0.25)


RECIPES = (
    Recipe(
        "airplane",
        airplane,
        heads="""airplane, aeroplane, plane, jet, jet engine, aircraft, airliner, plane + overhead, airplane
            cabin, jet + overhead, turbine, airport, runway, plane taking off, rocket launch, cabin hum""",
        hints="flight, cockpit, takeoff, fly, overhead",
        never="propeller, biplane, jet ski, helicopter, water jet",
        is_texture=True,
    ),
    Recipe(
        "propeller",
        propeller,
        heads="""propeller, propeller plane, biplane, small plane, propeller aircraft, light aircraft,
            quadcopter, seaplane, bomber, airship, zeppelin, prop plane, fighter plane, crop duster, drone
            flying, flying drone""",
        hints="squadron",
        never="""synth drone, bass drone, drone music, low drone, ambient drone, dark drone, deep drone,
            musical drone""",
    ),
    Recipe(
        "helicopter",
        helicopter,
        heads="""helicopter, chopper, rotor, rotor blades, helicopter + overhead, helicopter blades,
            gyrocopter""",
        hints="hover, blades",
        never="motorcycle",
        is_texture=True,
    ),
    Recipe(
        "boat_engine",
        boat_engine,
        heads="""boat engine, motorboat, boat motor, outboard, outboard motor, fishing boat, tugboat, ferry
            engine, ship engine, boat + putter, speedboat, trawler, steamboat, paddle steamer, boat +
            chug, ferry, boat + engine, ship + engine, steamship, paddle wheel, barge, launch + engine,
            submarine, submarine engine""",
        hints="boat, ship, vessel, putter, chug",
        never="horn, row, rowing, rowboat, creak, sail, sailing, whistle, sonar, bell, rigging, hull",
    ),
    Recipe(
        "sail",
        sail,
        heads="""sail, canvas, flag, sail + flap, flapping canvas, flapping sail, flag + flap, tarp,
            tarpaulin, tent + flap, rigging, banner, canvas tent, laundry + flap, sailcloth, awning,
            pennant, sailing ship, flapping tent""",
        hints="flap, flutter, tent, sailboat",
        never="wing, creak",
    ),
    Recipe(
        "rowing",
        rowing,
        heads="""rowing, oar, rowboat, rowing boat, oars + water, paddle, paddling, canoe, kayak, gondola,
            oarlock, dinghy, oars dipping, row boat, punt""",
        hints="row, boat",
        never="paddle wheel, paddle steamer",
    ),
    Recipe(
        "ship_horn",
        ship_horn,
        heads="""ship horn, foghorn, fog horn, ship + horn, boat horn, ferry horn, steamer horn, harbour horn,
            ship whistle, steamship whistle, boat + horn, vessel + horn, steamboat whistle, liner + horn,
            tugboat horn, fog signal, ferry + horn, steam ship""",
        hints="harbor, harbour, horn, ferry",
        never="car horn, car + horn, french horn, train",
    ),
)
