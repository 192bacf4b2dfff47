"""Things that carry people over land, and their horns: engines, cars, trains, trams, carts, cycles."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, Seconds, seconds_to_samples
from renderers.procedural import dsp, engines, strikes, tones
from renderers.procedural.catalogue import Recipe
from renderers.procedural.dsp import Signal
from renderers.procedural.modifiers import Modifiers

_ROAD = ((30.0, -8.0), (90.0, 0.0), (400.0, -6.0), (1200.0, -9.0), (4000.0, -24.0), (12_000.0, -44.0))
_RAIL = ((30.0, -4.0), (70.0, 0.0), (300.0, -8.0), (1000.0, -16.0), (5000.0, -30.0), (12_000.0, -46.0))
_ROAR = (
    (30.0, -6.0),
    (80.0, 0.0),
    (250.0, -2.0),
    (600.0, 2.0),
    (3000.0, -8.0),
    (6000.0, -18.0),
    (12_000.0, -40.0),
)


def engine(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate an idling engine: four uneven cylinders, thirty firings a second, with the knock of metal."""
    rate_hz = np.float32(30.0 * mods.rate * mods.pitch) * (1.0 + 0.03 * tones.wobble(rng, n_samples, 2.0))
    uneven = (1.0, 0.8, 0.95, 0.7)
    sound = engines.knocking(rng, rate_hz, uneven, mods.pitch, knock=0.7, hiss=0.25, ticks=1.0, jacket=0.1)
    return dsp.mono(sound)


def motorcycle(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a twin with its uneven beat, the throttle opened and closed every few seconds."""
    throttle = dsp.drift(rng, n_samples, 0.6 * mods.rate, power=1.6)
    rate_hz = np.float32(mods.pitch) * (32.0 + 62.0 * throttle)
    body = [
        (110.0 * mods.pitch, 60.0, 0.0),
        (240.0 * mods.pitch, 110.0, 0.0),
        (620.0, 260.0, -4.0),
        (1700.0, 900.0, -10.0),
    ]
    pulses = engines.firing(rng, rate_hz, (1.0, 0.45), body, edge_hz=1600.0)
    rasp = np.tanh(pulses * (2.0 + 3.0 * throttle)) * (0.5 + 0.5 * throttle)
    return dsp.mono(np.asarray(rasp, dtype=np.float32))


def car_pass(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a car that drives by: tyres and engine swell and fade, the pitch drops at the nearest point."""
    period = seconds_to_samples(6.5 / mods.rate)
    noise = dsp.coloured_noise(rng, n_samples, _ROAD)[0]
    out = noise * np.float32(0.03)
    first = min(seconds_to_samples(2.4 / mods.rate), n_samples // 2)
    bright = dsp.highpass(noise, 600.0, 1)
    for at in range(first, n_samples + period // 2, period):
        part = slice(max(at - period, 0), min(at + period, n_samples))
        # The way along the road in units of the distance from it; loudness goes with the distance squared.
        way = np.arange(part.start - at, part.stop - at, dtype=np.float32)
        x = way / np.float32(0.55 * SAMPLE_RATE_HZ / mods.rate)
        near = np.maximum(1.0 / (1.0 + x * x) - np.float32(0.008), 0.0)
        hz = np.asarray(82.0 * mods.pitch * (1.0 - 0.075 * x / np.sqrt(1.0 + x * x)), dtype=np.float32)
        motor = tones.tone(hz, len(x), dsp.rolloff(20, 5.0))
        sound = noise[part] * near + bright[part] * near * near * np.float32(1.2)
        out[part] += sound + motor * near * np.float32(0.35)
    return dsp.mono(out)


def traffic(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a busy road: a steady bed of tyres and motors on both sides, over which cars keep passing."""
    bed = dsp.coloured_noise(rng, n_samples, _ROAD, 2)
    at = dsp.random_times(rng, n_samples + SAMPLE_RATE_HZ, 0.75 * mods.density * mods.rate, start_s=0.0)
    swells = [dsp.bump(seconds_to_samples(length_s)) ** 2 for length_s in (1.6, 2.4, 3.2)]
    gains = dsp.lognormal_gains(rng, len(at), 2.5)
    passing = dsp.scatter_stereo(rng, n_samples, at - SAMPLE_RATE_HZ, gains, swells)
    hum = np.stack([tones.tone(hz * mods.pitch, n_samples, dsp.rolloff(12, 6.0)) for hz in (54.0, 61.0)])
    level = np.float32(0.55) + passing * np.float32(0.8)
    return bed * level + hum * np.float32(0.16) * level


def _joints(rng: np.random.Generator, n_samples: int, period_s: float, hz: float, ring: float) -> Signal:
    """Imitate wheels over rail joints.

    The four axles of two bogies, ta-tack, ta-tack, once every rail's length.
    """

    def tack() -> Signal:
        rail = strikes.strike(rng, strikes.STEEL, hz * 5.5 * float(rng.uniform(0.95, 1.05)), ring=0.3 * ring)
        weight = strikes.thump(rng, hz * float(rng.uniform(0.92, 1.08)), 0.16 * ring)
        return strikes.in_time([(0.0, 0.35, rail), (0.0, 1.0, weight)])

    tacks = [tack() for _ in range(4)]
    bogie_s, axle_s = period_s * 0.4, period_s * 0.13
    rail = strikes.in_time(
        [
            (0.0, 1.0, tacks[0]),
            (axle_s, 0.85, tacks[1]),
            (bogie_s, 0.7, tacks[2]),
            (bogie_s + axle_s, 0.6, tacks[3]),
        ]
    )
    at = dsp.regular_times(rng, n_samples, period_s, jitter=0.01)
    return strikes.row(rng, n_samples, at, lambda: rail, n_kinds=1, spread_db=0.8)


def train(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a train under way: wheels that roar over sleepers, a motor's hum, the joints' double beat.

    The roar is rough, since every sleeper and every flat of a wheel shakes it; the two axles of the two
    bogies beat softly in it, ta-tack, ta-tack, once every rail's length.
    """
    rough = (
        0.8 + 0.15 * tones.wobble(rng, n_samples, 5.0) + 0.3 * tones.wobble(rng, n_samples, 25.0 * mods.rate)
    )
    roar = dsp.coloured_noise(rng, n_samples, _ROAR)[0] * rough
    hum_hz = np.float32(180.0 * mods.pitch) * (1.0 + 0.02 * tones.wobble(rng, n_samples, 3.0))
    hum = tones.tone(np.asarray(hum_hz, dtype=np.float32), n_samples, dsp.rolloff(20, 5.0))
    booms = [(70.0 * mods.pitch, 0.12, 1.0), (135.0 * mods.pitch, 0.1, 0.7), (260.0 * mods.pitch, 0.08, 0.5)]
    noises = [(300.0, 2200.0, 0.09, 1.0), (1800.0, 6500.0, 0.05, 0.4)]
    tacks = [engines.blow(rng, booms, noises) for _ in range(8)]
    rail_s = 1.05 / mods.rate
    rails = dsp.regular_times(rng, n_samples, rail_s, jitter=0.01)
    axles = np.array([0.0, 0.13, 0.4, 0.53]) * rail_s * SAMPLE_RATE_HZ
    at = (rails[:, np.newaxis] + axles).ravel().astype(np.int64)
    joints = dsp.play(rng, n_samples, at, tacks, 2.0)
    squeal = dsp.bandpass(dsp.white(rng, n_samples), 2300.0, 3100.0) * dsp.drift(
        rng, n_samples, 0.7, power=3.0
    )
    sound = joints * 0.55 + roar * 0.35 + hum * 0.2 + squeal * np.float32(0.02)
    return dsp.widen(rng, np.asarray(sound, dtype=np.float32), 0.4)


def tram(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a tram.

    The whine of its motors, wheels that sing in the curve, light joints, now and then its bell.
    """
    rumble = dsp.coloured_noise(rng, n_samples, _RAIL, 2) * np.float32(0.1)
    speed = 1.0 + 0.12 * dsp.drift(rng, n_samples, 0.3)
    whine = tones.tone(np.float32(196.0 * mods.pitch) * speed, n_samples, (1.0, 0.6, 0.2, 0.35, 0.1, 0.12))
    sing_hz = np.float32(1750.0 * mods.pitch) * (1.0 + 0.01 * tones.wobble(rng, n_samples, 10.0))
    sing = tones.tone(sing_hz, n_samples, (1.0, 0.5, 0.3)) * dsp.drift(rng, n_samples, 0.5, power=2.5)
    joints = _joints(rng, n_samples, 1.5 / mods.rate, 120.0 * mods.pitch, 0.7)
    bell = dsp.unit(dsp.modes(36_000, tones.partials(1320.0 * mods.pitch, (1.0, 2.4, 3.9), 0.7)))
    at = dsp.regular_times(rng, n_samples, 4.6, jitter=0.2, start_s=0.9, tail_s=0.5)
    bells = strikes.row(
        rng, n_samples, at, lambda: strikes.in_time([(0.0, 1.0, bell), (0.24, 0.9, bell)]), n_kinds=1
    )
    return rumble + dsp.widen(rng, whine * 0.16 + sing * 0.12 + joints * 0.5 + bells * np.float32(0.4), 0.35)


def cart(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a wooden cart.

    Wheels that grind over stones, boards that rattle, an axle that creaks each turn.
    """
    grind = dsp.coloured_noise(
        rng, n_samples, ((50.0, -6.0), (150.0, 0.0), (700.0, -8.0), (3000.0, -18.0), (9000.0, -36.0))
    )[0]
    shake = np.abs(tones.wobble(rng, n_samples, 16.0 * mods.rate)) + np.float32(0.25)
    rattles = dsp.random_times(rng, n_samples, 9.0 * mods.density * mods.rate)

    def rattle() -> Signal:
        return strikes.strike(rng, strikes.WOOD, float(rng.uniform(160.0, 620.0)) * mods.pitch, ring=0.8)

    def creak() -> Signal:
        return strikes.creak(rng, 0.45 / mods.rate, rate_hz=24.0, pitch=mods.pitch, wood=0.23)

    turns = dsp.regular_times(rng, n_samples, 0.8 / mods.rate, jitter=0.1)
    sound = grind * shake * np.float32(0.05) + strikes.row(
        rng, n_samples, rattles, rattle, n_kinds=8, spread_db=4.0
    ) * np.float32(0.15)
    return dsp.mono(sound + strikes.row(rng, n_samples, turns, creak, n_kinds=4))


def bicycle(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a bicycle.

    The freewheel's fast ticks while it coasts, the chain while it is pedalled, soft tyres.
    """
    tick = strikes.strike(rng, strikes.STEEL, 3100.0 * mods.pitch, ring=0.1)
    ticks = dsp.regular_times(rng, n_samples, 1.0 / (17.0 * mods.rate), jitter=0.04)
    coasting = 0.35 + 0.65 * dsp.drift(rng, n_samples, 0.5)
    gains = dsp.lognormal_gains(rng, len(ticks), 1.0) * coasting[np.minimum(ticks, n_samples - 1)]
    wheel = dsp.scatter(n_samples, ticks, gains, [tick], np.zeros(len(ticks), dtype=np.int64))
    chain = dsp.bandpass(dsp.white(rng, n_samples), 2500.0, 8000.0)
    chain *= np.maximum(tones.tone(1.3 * mods.rate, n_samples), np.float32(0.1)) * (1.1 - coasting)
    tyres = dsp.bandpass(dsp.white(rng, n_samples), 180.0, 1500.0) * np.float32(0.13)
    return dsp.mono(wheel + chain * np.float32(0.12) + tyres)


def horn_gate(
    rng: np.random.Generator, n_samples: int, on_s: Seconds, period_s: Seconds, ramp_s: Seconds
) -> Signal:
    """Return the gate of a horn: on for about `on_s` every `period_s`, first at once, with soft ends."""

    def blast() -> Signal:
        return tones.hold(seconds_to_samples(on_s * float(rng.uniform(0.85, 1.15))), ramp_s, ramp_s * 1.5)

    at = dsp.regular_times(rng, n_samples, period_s, jitter=0.1, start_s=0.0)
    return np.minimum(strikes.row(rng, n_samples, at, blast, n_kinds=4, spread_db=0.5), np.float32(1.2))


def car_horn(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a car's horn: two harsh tones a third apart, short honks in ones and twos."""
    hz = float(rng.uniform(380.0, 430.0)) * mods.pitch
    both = tones.tone(hz, n_samples, dsp.rolloff(24, 3.0)) + tones.tone(
        hz * 1.235, n_samples, dsp.rolloff(20, 3.0)
    )

    def honk() -> Signal:
        short, long = (
            tones.hold(seconds_to_samples(0.17), 0.008, 0.03),
            tones.hold(seconds_to_samples(0.5), 0.008, 0.03),
        )
        return strikes.in_time(
            [(0.0, 1.0, short), (0.26, 1.0, long)] if rng.random() < 0.6 else [(0.0, 1.0, long)]
        )

    at = dsp.regular_times(rng, n_samples, 1.7 / mods.rate, jitter=0.3, tail_s=0.3)
    gate = strikes.row(rng, n_samples, at, honk, n_kinds=4, spread_db=0.3)
    return tones.room(dsp.mono(dsp.bandpass(both, 350.0, 4500.0, 1) * gate), size=0.6, wet=0.15)


def train_whistle(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a steam locomotive's chime whistle.

    A chord of overblown pipes, breathy, that droops at its end.
    """
    root_hz = float(rng.uniform(300.0, 370.0)) * mods.pitch
    gate = horn_gate(rng, n_samples, 1.5 / mods.rate, 2.3 / mods.rate, 0.09)
    hz = (
        np.float32(root_hz)
        * (0.96 + 0.04 * np.minimum(gate, 1.0))
        * (1.0 + 0.003 * tones.wobble(rng, n_samples, 8.0))
    )
    chord = np.zeros(n_samples, dtype=np.float32)
    for ratio, gain in ((1.0, 1.0), (1.26, 0.9), (1.5, 0.8), (1.78, 0.6)):
        chord += tones.tone(hz * np.float32(ratio), n_samples, (1.0, 0.3, 0.28, 0.1)) * np.float32(gain)
    steam = dsp.bandpass(dsp.white(rng, n_samples), 700.0, 6500.0)
    return tones.room(dsp.mono((chord * np.float32(0.4) + steam * np.float32(0.3)) * gate), size=0.8, wet=0.2)


RECIPES = (
    Recipe(
        "engine",
        engine,
        heads="""engine, car engine, engine + idle, motor, truck, diesel engine, tractor, generator, engine +
            rev, lorry, bus, car + idle, diesel generator, jeep, automobile, engine + start, bulldozer,
            excavator, idling, tank engine, car starting, vehicle, taxi, combine harvester""",
        hints="car, van, idle, rev, diesel, drive",
        never="""ice cream, steam engine, jet engine, boat engine, motorboat, train engine, motor boat, fire
            engine, outboard, sewing, propeller, engine room, motorcycle, motorbike, airplane, plane,
            aircraft, horn, outboard motor, siren, search engine, ship engine""",
    ),
    Recipe(
        "motorcycle",
        motorcycle,
        heads="motorcycle, motorbike, moped, scooter, dirt bike, vespa, chopper motorcycle, motor scooter",
        hints="biker, throttle, rev",
    ),
    Recipe(
        "car_pass",
        car_pass,
        heads="""car + pass, car passing, passing car, car driving by, car drives by, car drives past, vehicle
            + pass, truck + pass, car speeding by, car + whoosh, car + drive past, car + drive by, car +
            rush by, car + speed past, bus + pass, lorry + pass, taxi + pass, car + wet road, tyres +
            road, tires + road, passing cars, cars passing""",
        hints="car, tyre, tire, whoosh, swoosh, drive, pass",
        never="gravel, traffic",
    ),
    Recipe(
        "traffic",
        traffic,
        heads="""traffic, road traffic, city traffic, highway, motorway, busy street, rush hour, street noise,
            urban, city street, freeway, city ambience, busy road, city + hum, street traffic, downtown,
            city noise, intersection, boulevard, avenue, cars + street, city + rumble, city soundscape""",
        hints="city, street, cars, road, town",
        is_texture=True,
    ),
    Recipe(
        "train",
        train,
        heads="""train, railway, rail, locomotive, steam train, train + track, train carriage, subway, metro,
            underground train, freight train, wheels on rails, railroad, train wheels, train + rumble,
            railway carriage, railcar, train compartment, steam locomotive, train + pass, passenger train,
            train journey""",
        hints="carriage, track, tunnel, platform, station",
        never="whistle, horn",
        is_texture=True,
    ),
    Recipe(
        "tram",
        tram,
        heads="""tram, streetcar, trolley, trolleybus, cable car, tramway, tram + rail, monorail, light rail,
            funicular""",
        never="trolley cart, luggage trolley",
        is_texture=True,
    ),
    Recipe(
        "cart",
        cart,
        heads="""cart, wagon, wooden cart, cart wheels, carriage wheels, horse-drawn carriage, stagecoach,
            wheelbarrow, coach + cobble, carriage + cobble, wagon wheels, horse cart, handcart, oxcart, ox
            cart, carriage + rattle, carriage + roll, chariot, pushcart, trolley wheels, coach wheels,
            wooden wheel, luggage cart, sled, sledge, sleigh, mine cart, trolley cart, cart + rail,
            shopping cart, luggage trolley, cart + creak, hay cart, wheel + creak""",
        hints="carriage, wheel, coach",
        never="train, go-kart, hooves, cartwheel, railway carriage, train carriage",
    ),
    Recipe(
        "bicycle",
        bicycle,
        heads="""bicycle, bike, cycling, bicycle + wheel, bicycle + chain, freewheel, bicycle + pass, cyclist,
            tricycle, spokes, bike chain, bicycle freewheel, pedal""",
        hints="wheel",
        never="motorbike, dirt bike, bicycle bell, bike bell, bell, horn, piano pedal",
    ),
    Recipe(
        "car_horn",
        car_horn,
        heads="""car horn, horn + honk, honk, honking, taxi horn, car + horn, truck + horn, vehicle horn, bus
            horn, motor horn, horn + traffic, taxi + horn, horn + blare, beeping horn, toot, klaxon horn,
            bicycle horn""",
        hints="horn, taxi",
        never="boat, goose, geese, ship, foghorn, hunting",
    ),
    Recipe(
        "train_whistle",
        train_whistle,
        heads="""train whistle, train horn, locomotive whistle, steam whistle, train + whistle, locomotive +
            whistle, train + horn, railway whistle, steam train whistle, engine whistle,
            whistle + blast, station whistle""",
        hints="toot, railway",
        never="kettle, teapot, wind, bird, whistled tune",
    ),
)
