"""Things that carry people over water and through the air: boats and their horns, sails, oars, aircraft."""

from __future__ import annotations

import numpy as np

from copilot.units import Audio, seconds_to_samples
from renderers.procedural import dsp, strikes, tones
from renderers.procedural.catalogue import Recipe
from renderers.procedural.dsp import Signal
from renderers.procedural.modifiers import Modifiers
from renderers.procedural.recipes.transport import firing, horn_gate

_JET = ((30.0, -6.0), (120.0, 0.0), (500.0, -5.0), (1500.0, -12.0), (5000.0, -26.0), (14_000.0, -48.0))
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
    pulses = firing(
        rng,
        base_hz,
        (1.0, 0.85, 0.95, 0.8),
        [(95.0, 70.0, 0.0), (210.0, 120.0, -1.0), (520.0, 300.0, -5.0), (1500.0, 900.0, -12.0)],
    )
    drone = tones.tone(base_hz * np.float32(1.013), n_samples, dsp.rolloff(24, 5.0))
    wash = dsp.bandpass(dsp.white(rng, n_samples), 150.0, 2500.0) * np.float32(0.12)
    return dsp.mono(pulses * np.float32(0.8) + drone * np.float32(0.4) + wash)


def helicopter(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a helicopter.

    A dozen blade slaps a second, chopped air between them, the turbine's whine above.
    """
    blades_hz = 12.0 * mods.rate
    n_slap = seconds_to_samples(0.11)
    slap = strikes.thump(rng, 48.0 * mods.pitch, 0.09)[:n_slap]
    slap = dsp.unit(slap[:n_slap]) + dsp.noise_burst(
        rng, len(slap), 150.0, 1400.0, attack_s=0.012, t60_s=0.07
    ) * np.float32(0.35)
    at = dsp.regular_times(rng, n_samples, 1.0 / blades_hz, jitter=0.01)
    slaps = strikes.row(rng, n_samples, at, lambda: slap, n_kinds=1, spread_db=0.8)
    chopped = dsp.bandpass(dsp.white(rng, n_samples), 120.0, 2200.0)
    chopped *= np.float32(0.35) + np.float32(0.3) * tones.tone(blades_hz, n_samples, start=0.1)
    whine = tones.tone(
        np.float32(2150.0 * mods.pitch) * (1.0 + 0.004 * tones.wobble(rng, n_samples, 2.0)), n_samples
    )
    return dsp.widen(rng, slaps + chopped * np.float32(0.5) + whine * np.float32(0.03), 0.4)


def boat_engine(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a fishing boat's diesel: slow single firings, putt putt putt, and water around the hull."""
    rate_hz = np.float32(7.5 * mods.rate) * (1.0 + 0.03 * tones.wobble(rng, n_samples, 1.0))
    exhaust = [
        (78.0 * mods.pitch, 22.0, 0.0),
        (165.0 * mods.pitch, 50.0, -3.0),
        (420.0, 130.0, -9.0),
        (1100.0, 500.0, -16.0),
    ]
    pulses = firing(rng, rate_hz, (1.0, 0.8), exhaust)
    water = dsp.coloured_noise(rng, n_samples, _LAPPING)[0] * (0.4 + 0.8 * dsp.drift(rng, n_samples, 1.2))
    hum = tones.tone(31.0 * mods.pitch, n_samples, dsp.rolloff(10, 5.0))
    return dsp.mono(pulses + water * np.float32(0.07) + hum * np.float32(0.06))


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
    """Imitate a ship's horn: two deep reeds of many harmonics, blasts of two seconds, the harbour's echo."""
    hz = float(rng.uniform(86.0, 118.0)) * mods.pitch
    sound = (
        tones.tone(hz, n_samples, dsp.rolloff(40, 4.5))
        + tones.tone(hz * 1.26, n_samples, dsp.rolloff(40, 5.0)) * 0.6
    )
    gate = horn_gate(rng, n_samples, 2.4 / mods.rate, 4.4 / mods.rate, 0.12)
    air = dsp.bandpass(dsp.white(rng, n_samples), 300.0, 2500.0) * np.float32(0.06)
    return tones.room(dsp.mono(dsp.lowpass(sound + air, 1300.0) * gate), size=0.9, wet=0.3)


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
