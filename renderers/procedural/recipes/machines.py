"""Machines and rooms full of them: hums, motors, tools, presses, keyboards, pumps, steam."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, seconds_to_samples
from renderers.procedural import dsp, strikes, tones
from renderers.procedural.catalogue import Recipe
from renderers.procedural.dsp import Signal
from renderers.procedural.modifiers import Modifiers
from renderers.procedural.recipes import water

_AIR = ((40.0, -10.0), (150.0, 0.0), (600.0, -6.0), (2500.0, -16.0), (9000.0, -34.0), (18_000.0, -50.0))
_ROOM = ((25.0, -2.0), (60.0, 0.0), (200.0, -8.0), (800.0, -20.0), (4000.0, -36.0), (16_000.0, -54.0))


def machine_hum(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a large machine at rest in its work.

    Mains harmonics that beat between two motors, and moving air.
    """
    hums = [
        tones.tone(
            hz * mods.pitch,
            n_samples,
            (1.0, 0.9, 0.35, 0.5, 0.12, 0.25, 0.06, 0.12),
            start=float(rng.random()),
        )
        for hz in (49.6, 50.3)
    ]
    air = dsp.coloured_noise(rng, n_samples, _AIR, 2)
    cross = np.float32(0.25)
    both = np.stack([hums[0] + cross * hums[1], hums[1] + cross * hums[0]])
    tremble = 1.0 + 0.06 * tones.wobble(rng, n_samples, 3.0)
    return np.asarray(both * tremble + air * np.float32(0.18), dtype=np.float32)


def electric_buzz(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a faulty lamp or transformer: a harsh buzz at twice the mains, with sputters."""
    buzz = tones.tone(100.0 * mods.pitch, n_samples, dsp.rolloff(70, 2.5))
    sputter = 0.8 + 0.2 * np.sign(tones.wobble(rng, n_samples, 9.0) + np.float32(0.35))
    level = dsp.lowpass(np.asarray(sputter, dtype=np.float32), 90.0) * (
        0.85 + 0.3 * dsp.drift(rng, n_samples, 2.0)
    )
    arc = dsp.highpass(dsp.white(rng, n_samples), 3000.0) * np.maximum(buzz, np.float32(0.0))
    return dsp.mono((dsp.highpass(buzz, 150.0) + arc * np.float32(0.4)) * level)


def room_tone(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a quiet room: very soft low noise, a trace of ventilation, nothing that moves."""
    tone = tones.tone(60.0 * mods.pitch, n_samples, (1.0, 0.5, 0.2), start=float(rng.random())) * np.float32(
        0.06
    )
    return dsp.coloured_noise(rng, n_samples, _ROOM, 2) + tone


def fan(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a fan: smooth air, a soft tone where its blades pass, a slow throb."""
    blades_hz = float(rng.uniform(72.0, 96.0)) * mods.pitch * mods.rate
    throb = 1.0 + 0.12 * tones.tone(blades_hz / 18.0, n_samples)
    tone = tones.tone(blades_hz, n_samples, (1.0, 0.5, 0.25, 0.15)) * np.float32(0.35)
    return np.asarray((dsp.coloured_noise(rng, n_samples, _AIR, 2) + tone) * throb, dtype=np.float32)


def factory(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a factory hall: machines that hum, presses that stamp in time, clanks from all sides."""
    hall = dsp.coloured_noise(rng, n_samples, _AIR, 2) * np.float32(0.1)
    hum = tones.tone(50.0 * mods.pitch, n_samples, dsp.rolloff(10, 4.0)) * np.float32(0.08)
    beat_s = float(rng.uniform(0.85, 1.05)) / mods.rate

    def press() -> Signal:
        stamp = strikes.thump(rng, 64.0 * mods.pitch, 0.22)
        plate = strikes.strike(rng, strikes.METAL, float(rng.uniform(300.0, 420.0)) * mods.pitch, ring=0.35)
        hiss = dsp.noise_burst(rng, 16_800, 1500.0, 9000.0, attack_s=0.02, t60_s=0.3)
        return strikes.in_time([(0.0, 1.0, stamp), (0.0, 0.4, plate), (beat_s * 0.45, 0.07, hiss)])

    def clank() -> Signal:
        return strikes.strike(rng, strikes.METAL, float(rng.uniform(500.0, 1500.0)) * mods.pitch, ring=0.35)

    stamps = strikes.row(
        rng, n_samples, dsp.regular_times(rng, n_samples, beat_s, jitter=0.01), press, n_kinds=2
    )
    at = dsp.random_times(rng, n_samples, 2.2 * mods.density)
    clanks = dsp.scatter_stereo(
        rng, n_samples, at, dsp.lognormal_gains(rng, len(at), 4.0), [clank() for _ in range(8)]
    )
    return np.asarray(
        hall + hum + dsp.widen(rng, stamps, 0.4, 0.06) + clanks * np.float32(0.4), dtype=np.float32
    )


def drill(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a power drill: the motor runs up, bites and labours, and runs down; then again."""
    n_run = seconds_to_samples(dsp.fitting_s(2.3 / mods.rate, n_samples))

    def run() -> Signal:
        # Idle speed, then slower under load, then out.
        speed = tones.line(n_run, [0.15, 1.0, 1.02, 0.8, 0.76, 0.79, 0.75, 0.8, 1.0, 1.0, 0.2])
        load = tones.line(n_run, [0.2, 0.3, 0.3, 1.0, 1.0, 0.9, 1.0, 0.9, 0.3, 0.3, 0.2])
        hz = np.float32(310.0 * mods.pitch) * speed * (1.0 + 0.012 * tones.wobble(rng, n_run, 40.0))
        motor = tones.tone(hz, n_run, (1.0, 0.8, 0.5, 0.6, 0.4, 0.3, 0.35, 0.25, 0.2, 0.2))
        grind = dsp.bandpass(dsp.white(rng, n_run), 1200.0, 7000.0) * load
        sound = (motor * (0.4 + 0.4 * load) + grind * np.float32(0.3)) * tones.hold(n_run, 0.03, 0.15)
        return np.asarray(sound, dtype=np.float32)

    at = dsp.regular_times(rng, n_samples, 2.9 / mods.rate, jitter=0.06)
    return dsp.mono(strikes.row(rng, n_samples, at, run, n_kinds=3))


def saw(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a hand saw.

    Push and pull, about a stroke and a half a second, teeth that rasp over the grain.
    """

    def stroke(teeth_hz: float, length_s: float) -> Signal:
        n_stroke = seconds_to_samples(length_s)
        speed = dsp.bump(n_stroke, skew=0.45)
        teeth = tones.tone(np.float32(teeth_hz) * (0.4 + 0.6 * speed), n_stroke, dsp.rolloff(30, 2.0))
        wood = dsp.bandpass(dsp.white(rng, n_stroke), 500.0 * mods.pitch, 5200.0)
        return np.asarray(wood * (0.35 + 0.65 * np.abs(teeth)) * speed, dtype=np.float32)

    at = dsp.regular_times(rng, n_samples, 0.36 / mods.rate, jitter=0.05)
    length_s = 0.34 / mods.rate
    strokes = [stroke(hz * mods.pitch, length_s) for hz in (150.0, 105.0, 158.0, 110.0)]
    kinds = np.arange(len(at), dtype=np.int64) % 2 + 2 * rng.integers(0, 2, len(at))
    gains = dsp.lognormal_gains(rng, len(at), 1.0) * np.where(kinds % 2, np.float32(0.6), np.float32(1.0))
    return dsp.mono(dsp.scatter(n_samples, at, gains.astype(np.float32), strokes, kinds))


def chainsaw(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a power saw: a two-stroke buzz or a whining disc that screams free and growls in the wood."""
    load = dsp.drift(rng, n_samples, 0.7 * mods.rate)
    hz = np.float32(mods.pitch) * (165.0 - 45.0 * load) * (1.0 + 0.02 * tones.wobble(rng, n_samples, 60.0))
    buzz = tones.tone(np.asarray(hz, dtype=np.float32), n_samples, dsp.rolloff(60, 3.0))
    teeth = dsp.bandpass(dsp.white(rng, n_samples), 1500.0, 8000.0) * (0.2 + np.abs(buzz) * load)
    return dsp.mono(np.tanh(buzz * 1.5) * np.float32(0.6) + teeth * np.float32(0.5))


def sewing_machine(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a sewing machine.

    A dozen stitches a second, each a needle and a hook, over its little motor.
    """
    stitches_hz = 11.0 * mods.rate
    needle = strikes.strike(rng, strikes.STEEL, 1500.0 * mods.pitch, ring=0.14)
    hook = strikes.strike(rng, strikes.PLASTIC, 640.0 * mods.pitch, ring=1.4)
    stitch = strikes.in_time([(0.0, 0.8, needle), (0.42 / stitches_hz, 0.7, hook)])
    seam = seconds_to_samples(2.6 / mods.rate)
    turns = np.arange(n_samples) % (seam + seconds_to_samples(0.35))
    runs = np.clip((seam - turns) / 2400.0, 0.0, 1.0).astype(np.float32)
    at = dsp.regular_times(rng, n_samples, 1.0 / stitches_hz, jitter=0.03)
    at = at[runs[np.minimum(at, n_samples - 1)] > 0.5]
    sound = strikes.row(rng, n_samples, at, lambda: stitch, n_kinds=1, spread_db=1.0)
    motor = tones.tone(stitches_hz * 8.0, n_samples, (1.0, 0.7, 0.6, 0.3, 0.2, 0.2)) * runs
    return dsp.mono(sound + dsp.lowpass(motor, 1500.0, 1) * np.float32(0.12))


def printing_press(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a printing press.

    A cycle of bed, roller and paper (clunk, swish, clack) under a second long.
    """
    cycle_s = 0.78 / mods.rate
    clunk = strikes.thump(rng, 82.0 * mods.pitch, 0.16)
    frame = strikes.strike(rng, strikes.METAL, 270.0 * mods.pitch, ring=0.22)
    clack = strikes.strike(rng, strikes.STEEL, 950.0 * mods.pitch, ring=0.3)
    n_roll = seconds_to_samples(cycle_s * 0.4)
    roll = dsp.bandpass(dsp.white(rng, n_roll), 400.0, 4500.0) * dsp.bump(n_roll, skew=0.6)
    cycle = strikes.in_time(
        [
            (0.0, 1.0, clunk),
            (0.0, 0.35, frame),
            (cycle_s * 0.2, 0.3, roll),
            (cycle_s * 0.55, 0.5, clack),
            (cycle_s * 0.66, 0.3, clack),
        ]
    )
    at = dsp.regular_times(rng, n_samples, cycle_s, jitter=0.01)
    rumble = dsp.coloured_noise(rng, n_samples, _AIR)[0] * np.float32(0.05)
    sound = strikes.row(rng, n_samples, at, lambda: cycle, n_kinds=1, spread_db=0.6) + rumble
    return tones.room(dsp.mono(sound), size=0.5, wet=0.12)


def elevator(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a lift: a ding, doors that slide, then the hum of its motor with the cabin's soft rattle."""
    ding = dsp.unit(
        dsp.modes(
            seconds_to_samples(1.4), tones.partials(980.0 * mods.pitch, (1.0, 2.76, 5.4), 1.3, tilt=1.2)
        )
    )
    n_doors = seconds_to_samples(1.1)
    doors = dsp.bandpass(dsp.white(rng, n_doors), 150.0, 2200.0) * dsp.bump(n_doors, skew=0.4)
    stop = strikes.thump(rng, 90.0, 0.18)
    start = np.clip(
        np.arange(n_samples, dtype=np.float32) / np.float32(1.8 * SAMPLE_RATE_HZ) - 0.3, 0.15, 1.0
    )
    hum = (
        tones.tone(np.float32(52.0 * mods.pitch) * (1.0 + 0.9 * start), n_samples, dsp.rolloff(14, 5.0))
        * start
    )
    rattle = dsp.lowpass(dsp.white(rng, n_samples), 500.0) * np.float32(0.2) * start
    out = hum * np.float32(0.35) + rattle
    dsp.add_at(out, 480, strikes.in_time([(0.0, 0.45, ding), (0.25, 0.5, doors), (1.35, 0.4, stop)]))
    return dsp.mono(out)


def pump(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a pump with a handle: a creak down, the valve's clank, a gush of bubbling water, a creak up."""
    cycle_s = 1.15 / mods.rate
    gush_hz = (500.0 * mods.pitch, 5000.0)

    def stroke() -> Signal:
        down = strikes.creak(rng, 0.4 / mods.rate, rate_hz=28.0 * mods.rate, pitch=mods.pitch, wood=0.15)
        up = strikes.creak(
            rng, 0.32 / mods.rate, rate_hz=36.0 * mods.rate, pitch=1.15 * mods.pitch, wood=0.15
        )
        n_gush = seconds_to_samples(0.6 * cycle_s)
        gush = dsp.bandpass(dsp.white(rng, n_gush), *gush_hz) * dsp.bump(n_gush, skew=0.3)
        valve = strikes.strike(rng, strikes.STEEL, 900.0 * mods.pitch, ring=0.2)
        piston = strikes.thump(rng, 90.0 * mods.pitch, 0.12)
        parts = [
            (0.0, 1.6, down),
            (0.52, 1.0, up),
            (0.31, 0.15, valve),
            (0.31, 0.15, piston),
            (0.21, 0.3, gush),
        ]
        return strikes.in_time([(share * cycle_s, gain, part) for share, gain, part in parts])

    at = dsp.regular_times(rng, n_samples, cycle_s, jitter=0.04)
    strokes = strikes.row(rng, n_samples, at, stroke, n_kinds=2, spread_db=1.0)
    flow = np.zeros(n_samples, dtype=np.float32)
    for start in at.tolist():
        dsp.add_at(
            flow, start + seconds_to_samples(0.2 * cycle_s), dsp.bump(seconds_to_samples(0.8 * cycle_s))
        )
    bubbles_at = dsp.thin(rng, dsp.random_times(rng, n_samples, 160.0 * mods.rate), 0.2 + 0.8 * flow)
    bubbles = [water.bubble(float(hz)) for hz in rng.uniform(400.0, 2400.0, 20) * mods.pitch]
    return dsp.mono(strokes + np.float32(0.4) * dsp.play(rng, n_samples, bubbles_at, bubbles, 5.0))


def windmill(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a windmill: sails that sweep by, a gear of wooden teeth, the groan of the shaft each turn."""
    sweep_hz = 0.8 * mods.rate
    wind = dsp.coloured_noise(rng, n_samples, _AIR)[0]
    sails = wind * (0.18 + 0.82 * (0.5 + 0.5 * tones.tone(sweep_hz, n_samples, start=0.25)) ** 2)

    def tooth() -> Signal:
        return strikes.strike(rng, strikes.WOOD, float(rng.uniform(210.0, 260.0)) * mods.pitch, ring=0.9)

    n_groan = seconds_to_samples(0.9)
    body = [(310.0 * mods.pitch, 35.0, 0.0), (640.0 * mods.pitch, 60.0, -3.0), (1150.0, 120.0, -9.0)]
    groan = strikes.stick_slip(rng, tones.line(n_groan, [22.0, 48.0, 35.0, 26.0]), body) * dsp.bump(
        n_groan, skew=0.4
    )
    teeth = strikes.row(
        rng, n_samples, dsp.regular_times(rng, n_samples, 0.25 / sweep_hz, jitter=0.03), tooth
    )
    at = dsp.regular_times(rng, n_samples, 2.0 / sweep_hz, jitter=0.08, start_s=0.2, tail_s=0.4)
    groans = strikes.row(rng, n_samples, at, lambda: groan, n_kinds=1)
    return dsp.mono(sails * np.float32(0.13) + teeth * np.float32(0.45) + groans * np.float32(0.8))


def steam(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate steam let off: a jet of high hiss that bursts from the valve and keeps blowing."""
    hiss = dsp.coloured_noise(
        rng, n_samples, ((200.0, -34.0), (1500.0, -10.0), (5000.0, 0.0), (16_000.0, -6.0))
    )[0]
    period = seconds_to_samples(2.7 / mods.rate)
    turn = (np.arange(n_samples) % period).astype(np.float32) / np.float32(SAMPLE_RATE_HZ)
    puff = np.minimum(turn / np.float32(0.04), 1.0) * (0.25 + 0.75 * np.exp(-turn * np.float32(1.7)))
    return dsp.mono(hiss * puff * (0.9 + 0.2 * tones.wobble(rng, n_samples, 25.0)))


RECIPES = (
    Recipe(
        "machine_hum",
        machine_hum,
        heads="""machine + hum, machinery hum, hum, server, refrigerator, fridge, generator hum, low hum,
            computer hum, transformer hum, reactor, machinery, server room, data centre, data center,
            power plant, engine hum, mains hum, laboratory, electronics hum, lab equipment, machine room,
            engine room, life support, freezer, boiler, boiler room, power station, starship engine,
            console hum, computer fans, turbine hall, electric hum, electrical hum, air conditioning +
            hum, ventilation + hum""",
        hints="machine, drone, humming, equipment, device",
        never="""man, woman, boy, girl, male, female, baby, infant, someone, insect, bee, room tone, choir,
            bass, people, factory, crowd, elevator, lift, song""",
        is_texture=True,
    ),
    Recipe(
        "electric_buzz",
        electric_buzz,
        heads="""electric + buzz, electrical + buzz, neon, fluorescent, electric spark, spark, power
            line, transformer, electricity, neon sign, electric arc, arcing, electrical arcing,
            fluorescent light, light + buzz, lamp + buzz, static electricity, short circuit, tesla coil,
            amplifier hum, street lamp, streetlight, lamppost, power lines""",
        hints="electric, electrical, buzz, lamp, bulb, current",
        never="train, guitar, bee, fly, piano, kettle, insect, drill",
    ),
    Recipe(
        "room_tone",
        room_tone,
        heads="""room tone, empty room, quiet room, indoor ambience, room ambience, interior, office ambience,
            silence, quiet interior, silent room, still room, bedroom, stillness, hush, indoor quiet,
            library ambience, quiet library, reading room, museum, empty hall, attic, cellar, basement,
            corridor, quiet house, study, quiet office, empty church, living room, cabin interior,
            hallway, quiet hall, vault, art gallery""",
        hints="room, indoor, ambience, quiet, house, hall, library, office, apartment, background",
        never="outdoor, forest, street, music",
        is_texture=True,
    ),
    Recipe(
        "fan",
        fan,
        heads="""fan, ceiling fan, ventilation, air conditioner, air conditioning, ventilator, extractor, air
            vent, exhaust fan, blower, air duct, fan +
            whir""",
        hints="vent, whir, whirr, cooling, heater",
        never="sports fan, fans cheering",
        is_texture=True,
    ),
    Recipe(
        "factory",
        factory,
        heads="""factory, industrial, assembly line, machine shop, factory floor, mill machinery, heavy
            machinery, steelworks, foundry, workshop machinery, conveyor belt, textile mill, conveyor,
            machine hall, power loom, shipyard, sawmill, production line, factory machinery, industrial
            machinery, cotton mill, mechanical clanking, gears, cogs, clockwork machinery""",
        hints="machinery, machines, plant, mine, industrial, mechanical",
        never="clock",
        is_texture=True,
    ),
    Recipe(
        "drill",
        drill,
        heads="""drill, power drill, electric drill, drilling, screwdriver, impact driver, pneumatic
            drill, dental drill""",
        hints="construction, tool, whirr",
        never="fire drill, drill sergeant, military drill",
    ),
    Recipe(
        "saw",
        saw,
        heads="""saw, hand saw, handsaw, sawing, saw + wood, hacksaw, wood saw, sawing wood, bow saw,
            carpenter saw""",
        hints="carpenter, timber",
        never="chainsaw, chain saw, circular saw, power saw, buzz saw, table saw",
    ),
    Recipe(
        "chainsaw",
        chainsaw,
        heads="""chainsaw, chain saw""",
        hints="lumber",
    ),
    Recipe(
        "sewing_machine",
        sewing_machine,
        heads="""sewing machine, sewing, stitching machine, sewing + stitch, seamstress, tailor machine,
            treadle""",
        hints="stitch, tailor",
    ),
    Recipe(
        "printing_press",
        printing_press,
        heads="""printing press, press + print, newspaper press, printing machine, print shop,
            letterpress, presses, printing""",
        hints="print",
    ),
    Recipe(
        "elevator",
        elevator,
        heads="""elevator, elevator door, lift door, elevator + ding, elevator + hum, lift + hum,
            elevator shaft, freight elevator, lift shaft, elevator + arrive""",
        hints="lift, floor, hydraulic",
        never="grain elevator, floorboard, dance floor, wooden floor, footstep",
    ),
    Recipe(
        "pump",
        pump,
        heads="""pump, water pump, hand pump, oil pump, pump + handle, pumping, compressor, hydraulic
            pump, bilge pump, piston, bicycle pump, pistons""",
        hints="well, hydraulic",
        never="heart, steam train, train",
    ),
    Recipe(
        "windmill",
        windmill,
        heads="""windmill, mill + wheel, water mill, watermill, mill + sails, wind turbine, millstone,
            gristmill, wooden gears, spinning wheel, waterwheel, water wheel, winch, capstan, well winch,
            windlass, mill wheel""",
        hints="mill, crank",
        never="steel mill, cotton mill, textile mill, sawmill",
    ),
    Recipe(
        "steam",
        steam,
        heads="""steam, steam hiss, steam + hiss, hiss, steam valve, steam burst, pressure valve, steam
            release, gas leak, air hiss, escaping steam, hissing, air brake,
            pressure release, steam vent, steam pipe, hissing pipe, espresso steam, gas lamp, soda
            + fizz, pipe + leak""",
        hints="valve, pressure, pipe, vent, gas",
        never="""steam train, steam locomotive, steam whistle, steam engine, snake, steamship, steamboat, cat,
            organ pipe, pipe organ, static, rain""",
    ),
)
