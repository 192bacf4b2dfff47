"""Sounds of rooms: doors, locks, keys, paper, cloth, writing, sweeping, switches, curtains."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, seconds_to_samples
from renderers.procedural import dsp, strikes, tones
from renderers.procedural.catalogue import Recipe
from renderers.procedural.dsp import Signal
from renderers.procedural.modifiers import Modifiers


def _brush(rng: np.random.Generator, length_s: float, low_hz: float, high_hz: float, skew: float) -> Signal:
    """Imitate one stroke over a rough surface: band noise with a hill for an envelope, grainy in itself."""
    n_samples = max(seconds_to_samples(length_s), 64)
    noise = dsp.bandpass(dsp.white(rng, n_samples), low_hz, high_hz)
    grain = np.abs(dsp.lowpass(dsp.white(rng, n_samples), 60.0))
    return dsp.unit(noise * (0.3 + dsp.unit(grain)) * dsp.bump(n_samples, skew=skew))


def door_creak(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a door that is opened: the handle, a dry hinge, and a soft bump where it stops."""

    def opening() -> Signal:
        length_s = dsp.fitting_s(float(rng.uniform(0.5, 0.85)) / mods.rate, n_samples)
        hinge = strikes.creak(rng, length_s, rate_hz=28.0, pitch=mods.pitch, wood=0.23)
        handle = dsp.noise_burst(rng, 2400, 900.0, 5000.0, attack_s=0.0005, t60_s=0.03)
        bump = dsp.noise_burst(rng, 14_400, 120.0 * mods.pitch, 800.0, attack_s=0.002, t60_s=0.12)
        return strikes.in_time(
            [(0.0, 0.15, handle), (0.05, 0.09, handle), (0.1, 1.0, hinge), (0.05 + length_s, 0.3, bump)]
        )

    at = dsp.regular_times(rng, n_samples, 1.1 / mods.rate, jitter=0.25, tail_s=0.7)
    doors = strikes.row(rng, n_samples, at, opening, n_kinds=3, spread_db=3.0)
    return dsp.mono(doors + np.float32(0.01) * dsp.air(rng, n_samples))


def door_slam(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a door into its frame, once.

    The air that it pushes, a low and a dull blow that bounce once, the latch, and the room after it.
    """

    def blow() -> Signal:
        n_blow = seconds_to_samples(0.8)
        out = dsp.noise_burst(
            rng, n_blow, 42.0 * mods.pitch, 190.0 * mods.pitch, attack_s=0.004, t60_s=0.16 * mods.size
        )
        low_hz = 490.0 * mods.pitch * float(rng.uniform(0.9, 1.1))
        panel = dsp.noise_burst(rng, n_blow, low_hz, 3.5 * low_hz, attack_s=0.0015, t60_s=0.12 * mods.size)
        slap = dsp.noise_burst(rng, 7200, 1080.0, 3300.0, attack_s=0.0006, t60_s=0.04)
        out += np.float32(0.9) * panel
        out[:7200] += np.float32(0.55) * slap
        return out

    n_push = seconds_to_samples(0.14)
    push = dsp.bandpass(dsp.white(rng, n_push), 200.0, 1800.0) * dsp.bump(n_push, skew=0.8)
    latch = dsp.noise_burst(rng, 2400, 1800.0, 7000.0, attack_s=0.0003, t60_s=0.03)
    parts = [(0.0, 0.12, push), (0.14, 1.0, blow()), (0.19, 0.2, blow()), (0.16, 0.1, latch)]
    return strikes.once(n_samples, parts, size=0.35, wet=0.25)


def knock(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate knuckles on a door: groups of three or four knocks, or one group of as many as stated."""
    hz = float(rng.uniform(170.0, 240.0)) * mods.pitch
    gap_s = float(rng.uniform(0.17, 0.22)) / mods.rate
    knocks = [strikes.strike(rng, strikes.PANEL, hz, ring=0.75 * mods.size, contact=0.7) for _ in range(3)]
    count = mods.count or int(rng.integers(3, 5))

    def group() -> Signal:
        return strikes.in_time(
            [(k * gap_s * rng.uniform(0.95, 1.05), 1.0, knocks[k % 3]) for k in range(count)]
        )

    gap_s = min(gap_s, max(n_samples / SAMPLE_RATE_HZ - 0.3, 0.1) / count)
    n_groups = 1 if mods.count else 0
    at = dsp.regular_times(rng, n_samples, 2.4 / mods.rate, jitter=0.15, tail_s=0.7, count=n_groups)
    return tones.room(dsp.mono(strikes.row(rng, n_samples, at, group, n_kinds=2)), size=0.4, wet=0.12)


def keys(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a bunch of keys: shakes of ten to twenty tiny steel strikes each, bright and short."""

    def key() -> Signal:
        return strikes.strike(rng, strikes.STEEL, float(rng.uniform(2600.0, 6200.0)) * mods.pitch, ring=0.8)

    def shake() -> Signal:
        return strikes.cluster(rng, 0.28, int(rng.integers(9, 17)), key, n_kinds=7, early=1.3)

    at = dsp.regular_times(rng, n_samples, 0.42 / mods.rate, jitter=0.5)
    return dsp.mono(strikes.row(rng, n_samples, at, shake, n_kinds=5, spread_db=4.0))


def lock(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a key turned in a lock: pins that tick, the bolt that scrapes, and the clack where it lands."""

    def turn() -> Signal:
        pins = strikes.cluster(
            rng,
            0.22,
            6,
            lambda: strikes.strike(rng, strikes.STEEL, float(rng.uniform(2500, 4200)), ring=0.12),
        )
        scrape = _brush(rng, 0.2, 1800.0, 6000.0, 0.7)
        bolt = strikes.strike(rng, strikes.STEEL, 850.0 * mods.pitch, ring=0.35, contact=1.5)
        wood = strikes.strike(rng, strikes.PANEL, 260.0 * mods.pitch, ring=0.5)
        return strikes.in_time(
            [(0.0, 0.3, pins), (0.18, 0.12, scrape), (0.36, 1.0, bolt), (0.362, 0.6, wood)]
        )

    at = dsp.regular_times(rng, n_samples, 1.5 / mods.rate, jitter=0.2, tail_s=0.5)
    return dsp.mono(strikes.row(rng, n_samples, at, turn, n_kinds=3))


def paper(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate paper in the hands: thousands of creases that snap, in handfuls, over a soft rustle."""
    snaps = [
        dsp.noise_burst(rng, 480, low_hz, low_hz * 3.5, attack_s=0.0002, t60_s=0.004)
        for low_hz in (1200.0, 2000.0, 3200.0, 4200.0)
    ]
    at = dsp.random_times(rng, n_samples, 260.0 * mods.density)
    vigour = dsp.drift(rng, n_samples, 2.2 * mods.rate, power=2.0) + np.float32(0.04)
    gains = dsp.lognormal_gains(rng, len(at), 4.0) * vigour[np.minimum(at, n_samples - 1)]
    snap = dsp.scatter(n_samples, at, np.asarray(gains, dtype=np.float32), snaps, rng.integers(0, 4, len(at)))
    rustle = dsp.bandpass(dsp.white(rng, n_samples), 1500.0, 9000.0) * vigour
    return dsp.mono(np.asarray(snap + rustle * np.float32(0.16), dtype=np.float32))


def page_turn(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a page taken, swept over and laid down: a rising rustle, a flick, a soft landing."""

    def turn() -> Signal:
        sweep = _brush(rng, 0.36 / mods.rate, 1100.0, 7500.0, 0.7)
        flick = dsp.noise_burst(rng, 3600, 700.0, 6000.0, attack_s=0.001, t60_s=0.045)
        landing = dsp.noise_burst(rng, 6000, 250.0, 2500.0, attack_s=0.006, t60_s=0.09)
        end_s = 0.3 / mods.rate
        return strikes.in_time([(0.0, 0.8, sweep), (end_s, 0.3, flick), (end_s + 0.09, 0.16, landing)])

    at = dsp.regular_times(rng, n_samples, 1.7 / mods.rate, jitter=0.35, tail_s=0.4)
    return dsp.mono(strikes.row(rng, n_samples, at, turn))


def writing(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a pen or pencil: short scratchy strokes in words of several, with a gap between the words."""
    strokes = [
        _brush(rng, float(rng.uniform(0.05, 0.13)), 1900.0 * mods.pitch, 7000.0, float(rng.uniform(0.2, 0.6)))
        for _ in range(8)
    ]
    at = dsp.regular_times(rng, n_samples, 0.125 / mods.rate, jitter=0.35)
    is_gap = rng.random(len(at)) < 0.18
    is_gap[0] = False
    gains = dsp.lognormal_gains(rng, len(at), 3.0) * np.where(is_gap, np.float32(0), np.float32(1))
    return dsp.mono(dsp.scatter(n_samples, at, gains, strokes, rng.integers(0, len(strokes), len(at))))


def cloth(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate cloth against cloth: soft, dull swishes without any edge."""
    n_strokes = 6
    strokes = [_brush(rng, float(rng.uniform(0.25, 0.6)), 350.0, 3800.0, 0.45) for _ in range(n_strokes)]
    at = dsp.regular_times(rng, n_samples, 0.38 / mods.rate, jitter=0.5)
    gains = dsp.lognormal_gains(rng, len(at), 4.0)
    swish = dsp.scatter(n_samples, at, gains, strokes, rng.integers(0, n_strokes, len(at)))
    return dsp.mono(dsp.lowpass(swish, 3200.0 * mods.pitch, 1))


def broom(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate bristles over a floor: one long stroke after the other, about one a second."""

    def stroke() -> Signal:
        length_s = float(rng.uniform(0.5, 0.65)) / mods.rate
        bristles = _brush(rng, length_s, 900.0, 7500.0, 0.4)
        dust = _brush(rng, length_s, 250.0, 1200.0, 0.25)
        return bristles + dust * np.float32(0.35)

    at = dsp.regular_times(rng, n_samples, 0.85 / mods.rate, jitter=0.08)
    return dsp.mono(strikes.row(rng, n_samples, at, stroke))


def switch_click(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a switch thrown: the lever's snap and, an instant later, its stop; then off again."""
    hz = float(rng.uniform(1500.0, 2300.0)) * mods.pitch

    def click() -> Signal:
        snap = strikes.strike(rng, strikes.PLASTIC, hz * 1.5, contact=1.5)
        stop = strikes.strike(rng, strikes.PLASTIC, hz, ring=1.3)
        return strikes.in_time([(0.0, 0.6, snap), (float(rng.uniform(0.012, 0.022)), 1.0, stop)])

    at = dsp.regular_times(rng, n_samples, 1.4 / mods.rate, jitter=0.25, count=mods.count)
    return tones.room(dsp.mono(strikes.row(rng, n_samples, at, click, n_kinds=3)), size=0.2, wet=0.06)


def curtain(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a curtain drawn: the swish of heavy cloth, and its rings that rattle along the rail."""

    def draw() -> Signal:
        length_s = dsp.fitting_s(0.8 / mods.rate, n_samples)
        swish = _brush(rng, length_s, 300.0, 3500.0, 0.55)
        rings = strikes.cluster(
            rng,
            length_s * 0.9,
            16,
            lambda: strikes.strike(rng, strikes.STEEL, float(rng.uniform(2200, 4800)), ring=0.3),
        )
        return strikes.in_time([(0.0, 1.0, swish), (0.03, 0.5, rings)])

    at = dsp.regular_times(rng, n_samples, 2.2 / mods.rate, jitter=0.2, tail_s=0.5)
    return dsp.mono(strikes.row(rng, n_samples, at, draw, n_kinds=3))


RECIPES = (
    Recipe(
        "door_creak",
        door_creak,
        heads="""door creak, creaking door, creaky door, squeaky door, squeaking door, door + creak,
            door + squeak, hinge, gate + creak, gate + squeak, shutter + creak, rusty gate, trapdoor +
            creak, hatch + creak, lid + creak""",
        hints="door, squeak, gate, hatch",
    ),
    Recipe(
        "door_slam",
        door_slam,
        heads="""door slam, slamming door, slammed door, door + slam, door + bang, door closing, door
            shutting, door closed, door shut, door + thud, slam, gate + slam, gate clanging shut, lid
            slamming, door + shut, door + close""",
        hints="door, shut",
    ),
    Recipe(
        "knock",
        knock,
        heads="""knock, knocking, knock on the door, door + knock, rapping, rap at the door, knuckle, pounding
            on a door""",
        hints="tap, tapping, rap",
        never="engine knock",
    ),
    Recipe(
        "keys",
        keys,
        heads="""key + jingle, key + jangle, bunch of keys, ring of keys, keyring, key chain, keys, keychain,
            jailer keys, key + rattle""",
        hints="jingle, jangle",
        never="""piano key, piano keys, typewriter key, typewriter keys, keyboard, typewriter, key + lock, key
            turning""",
    ),
    Recipe(
        "lock",
        lock,
        heads="""lock, key + lock, key turning, padlock, deadbolt, door bolt, bolt + sliding, latch, door
            unlocking, unlock, door locking, bolt + door, safe dial, handcuffs, key in the lock, handle +
            turn""",
        hints="bolt, key, clasp, buckle",
        never="canal lock, clock",
    ),
    Recipe(
        "paper",
        paper,
        heads="""paper, crumpling paper, paper + rustle, paper + shuffle, parchment, newspaper, wrapping
            paper, letter + unfold, letter + tear, envelope, map + unfold, document, tearing paper, pages
            rustling, letter + open, scroll""",
        hints="crumple, crinkle, rustle, shuffle, map, letter, foil",
    ),
    Recipe(
        "page_turn",
        page_turn,
        heads="""page turn, turning page, turning of a page, page + flip, page + turn, book + page, flipping
            pages, book + flip, book + leaf through, ledger + page, thumbing through""",
        hints="page, book, ledger, magazine",
        never="torn, tear, rip",
    ),
    Recipe(
        "writing",
        writing,
        heads="""writing, pencil, quill, fountain pen, pen + scratch, pen + paper, pencil + paper, quill +
            scratch, chalk, scribble, scribbling, scratching pen, pen scribbling, handwriting,
            pen + write, charcoal + draw""",
        hints="pen, scratch, write",
    ),
    Recipe(
        "cloth",
        cloth,
        heads="""cloth, clothing, clothes, fabric, silk, skirt, garment, coat, dress + rustle, sheet + rustle,
            bedsheet, blanket, jacket, linen, robe, gown, uniform, towel, cloth + flap/unroll/pull, cloak""",
        hints="dress, rustle, velvet, shirt",
        never="curtain, drape",
    ),
    Recipe(
        "broom",
        broom,
        heads="""broom, sweeping floor, sweep + floor, bristle, floor being swept, brush + floor, sweeping,
            scrubbing, swept, scrubbing brush, mop + floor""",
        hints="sweep, brush, scrub",
        never="sweeping wind, sweeping strings",
    ),
    Recipe(
        "switch_click",
        switch_click,
        heads="""light switch, switch + click, switch, toggle, click of a switch, button click, button press,
            button + press, mouse click, lamp + click, pen click, click, lever + click""",
        hints="button, lever, snap",
        never="camera, keyboard, typing, clock, heel",
    ),
    Recipe(
        "curtain",
        curtain,
        heads="""curtain, drape, curtain drawn, curtain rings, curtain rail, tapestry
            pulled, velvet curtain""",
        hints="drawn, rail",
    ),
)
