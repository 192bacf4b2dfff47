"""Impacts and breakages: wood, metal, stone, tools, weapons, blasts."""

from __future__ import annotations

import numpy as np

from copilot.units import Audio, seconds_to_samples
from renderers.procedural import dsp, strikes, tones
from renderers.procedural.catalogue import Recipe
from renderers.procedural.dsp import Signal
from renderers.procedural.modifiers import Modifiers


def wood_impact(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate wood struck by wood: short dull modes with a hollow body; again after a while."""
    hz = float(rng.uniform(260.0, 420.0)) * mods.pitch

    def hit() -> Signal:
        return strikes.strike(rng, strikes.WOOD, hz * float(rng.uniform(0.94, 1.06)), ring=1.2 * mods.size)

    at = dsp.regular_times(rng, n_samples, 1.3 / mods.rate, jitter=0.4, tail_s=0.3)
    return tones.room(
        dsp.mono(strikes.row(rng, n_samples, at, hit, n_kinds=3, spread_db=3.0)), size=0.4, wet=0.12
    )


def metal_impact(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a metal thing struck: many inharmonic modes that ring for a second."""
    hz = float(rng.uniform(380.0, 640.0)) * mods.pitch

    def hit() -> Signal:
        return strikes.strike(rng, strikes.METAL, hz * float(rng.uniform(0.99, 1.01)), ring=mods.size)

    at = dsp.regular_times(rng, n_samples, 1.9 / mods.rate, jitter=0.35, tail_s=0.5)
    return tones.room(
        dsp.mono(strikes.row(rng, n_samples, at, hit, n_kinds=3, spread_db=2.5)), size=0.5, wet=0.15
    )


def thud(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate the fall of a heavy, soft thing: a low, quickly damped blow with nothing bright in it."""

    def fall() -> Signal:
        return strikes.thump(rng, float(rng.uniform(62.0, 84.0)) * mods.pitch, 0.3 * mods.size)

    at = dsp.regular_times(rng, n_samples, 1.8 / mods.rate, jitter=0.35, tail_s=0.4, count=mods.count)
    return tones.room(
        dsp.mono(strikes.row(rng, n_samples, at, fall, n_kinds=3, spread_db=3.0)), size=0.4, wet=0.1
    )


def stone_impact(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate stone on stone: a hard dry knock, a low body, a little gravel that follows."""

    def grit() -> Signal:
        return strikes.strike(rng, strikes.STONE, float(rng.uniform(1400.0, 3800.0)) * mods.pitch)

    def hit() -> Signal:
        knock = strikes.strike(
            rng, strikes.STONE, float(rng.uniform(520.0, 800.0)) * mods.pitch, ring=1.4 * mods.size
        )
        body = strikes.thump(rng, 110.0 * mods.pitch, 0.14 * mods.size)
        debris = strikes.cluster(rng, 0.4, int(7 * mods.density) + 2, grit, early=1.6)
        return strikes.in_time([(0.0, 1.0, knock), (0.0, 0.5, body), (0.05, 0.16, debris)])

    at = dsp.regular_times(rng, n_samples, 1.5 / mods.rate, jitter=0.4, tail_s=0.4)
    return tones.room(
        dsp.mono(strikes.row(rng, n_samples, at, hit, n_kinds=3, spread_db=2.5)), size=0.4, wet=0.12
    )


# Ratios of the modes of a fixed board and of a nail to their lowest.
_BOARD = (1.0, 1.43, 2.1, 2.9, 3.8, 5.1, 6.7)
_NAIL = (1.0, 1.58, 2.31, 3.17, 4.2)


def _blow(rng: np.random.Generator, pitch: float) -> Signal:
    """Imitate a hammer that drives a nail into a board, peak 1.

    The crack of steel on steel outweighs all else; nail and board ring for a tenth of a second.
    """
    n_samples = seconds_to_samples(0.2)
    board = tones.partials(345.0 * pitch, _BOARD, 0.075, damping=0.5, tilt=0.6)
    nail = tones.partials(3200.0 * pitch, _NAIL, 0.176, damping=0.5, tilt=0.3)
    table = [
        (hz * float(rng.uniform(0.97, 1.03)), t60_s, level * amplitude * float(rng.uniform(0.5, 1.0)))
        for level, modes in ((0.75, board), (0.39, nail))
        for hz, t60_s, amplitude in modes
    ]
    crack = dsp.noise_burst(rng, n_samples, 700.0 * pitch, 5800.0 * pitch, attack_s=0.0003, t60_s=0.11)
    bench = dsp.noise_burst(rng, n_samples, 60.0, 220.0, attack_s=0.002, t60_s=0.1)
    blow = dsp.modes(n_samples, table) + np.float32(0.9) * crack + np.float32(0.24) * bench
    return dsp.unit(dsp.tail_off(blow, 0.05))


def hammer(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a hammer on nails: two blows and more a second, no two equally hard, in a workshop."""
    at = dsp.regular_times(rng, n_samples, 0.45 / mods.rate, jitter=0.07)
    blows = strikes.row(rng, n_samples, at, lambda: _blow(rng, mods.pitch), n_kinds=5, spread_db=3.5)
    sound = tones.room(dsp.mono(blows), size=0.36, wet=0.2)
    return np.asarray(sound + np.float32(0.004) * dsp.air(rng, n_samples), dtype=np.float32)


def anvil(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a smith at the anvil.

    A bright long ring at each blow, and the hammer's small bounce after it.
    """
    hz = float(rng.uniform(760.0, 980.0)) * mods.pitch

    def blow() -> Signal:
        strong = strikes.strike(rng, strikes.METAL, hz, ring=1.1 * mods.size, contact=1.4)
        bounce = strikes.strike(rng, strikes.METAL, hz * 1.02, ring=0.6)
        return strikes.in_time([(0.0, 1.0, strong), (0.19 / mods.rate, 0.28, bounce)])

    at = dsp.regular_times(rng, n_samples, 0.86 / mods.rate, jitter=0.06, tail_s=0.2)
    return tones.room(dsp.mono(strikes.row(rng, n_samples, at, blow, n_kinds=3)), size=0.5, wet=0.12)


def chains(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate chains moved: iron links in rattling pulls, heavier and duller than keys."""

    def link() -> Signal:
        return strikes.strike(
            rng, strikes.STEEL, float(rng.uniform(900.0, 2300.0)) * mods.pitch, ring=0.6, contact=1.4
        )

    def pull() -> Signal:
        return strikes.cluster(rng, float(rng.uniform(0.4, 0.8)), int(rng.integers(14, 26)), link, n_kinds=9)

    at = dsp.regular_times(rng, n_samples, 0.95 / mods.rate, jitter=0.3)
    return tones.room(
        dsp.mono(strikes.row(rng, n_samples, at, pull, n_kinds=4, spread_db=2.5)), size=0.4, wet=0.1
    )


def wood_creak(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate timber under load: short, dry creaks of stick-slip, one after the other, as a floor gives."""

    def groan() -> Signal:
        length_s = dsp.fitting_s(float(rng.uniform(0.4, 0.7)) / mods.rate, n_samples)
        return strikes.creak(rng, length_s, rate_hz=20.0, pitch=1.2 * mods.pitch, wood=0.3)

    at = dsp.regular_times(rng, n_samples, 0.9 / mods.rate, jitter=0.35, tail_s=0.5)
    creaks = strikes.row(rng, n_samples, at, groan, n_kinds=4, spread_db=3.0)
    return dsp.mono(creaks + np.float32(0.006) * dsp.air(rng, n_samples))


def wood_chop(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate an axe into a log: a deep thunk, the split's crack, chips that fall."""

    def chop() -> Signal:
        thunk = strikes.thump(rng, 105.0 * mods.pitch, 0.16)
        log = strikes.strike(rng, strikes.WOOD, 320.0 * mods.pitch, ring=1.1)
        crack = dsp.noise_burst(rng, 3600, 900.0, 7000.0, attack_s=0.0004, t60_s=0.05)
        chips = strikes.cluster(
            rng, 0.35, 4, lambda: strikes.strike(rng, strikes.WOOD, float(rng.uniform(700, 1500)))
        )
        return strikes.in_time(
            [(0.0, 0.8, thunk), (0.0, 0.9, log), (0.002, 0.35, crack), (0.22, 0.12, chips)]
        )

    at = dsp.regular_times(rng, n_samples, 1.45 / mods.rate, jitter=0.12, tail_s=0.3)
    return tones.room(dsp.mono(strikes.row(rng, n_samples, at, chop, n_kinds=3)), size=0.5, wet=0.14)


def crash(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a crash: a blow, wood, metal and crockery in a heap at once, then the last pieces."""
    materials = (strikes.WOOD, strikes.METAL, strikes.STEEL, strikes.CERAMIC, strikes.PANEL)

    def piece() -> Signal:
        material = materials[int(rng.integers(len(materials)))]
        return strikes.strike(
            rng, material, float(rng.uniform(250.0, 2200.0)) * mods.pitch, ring=float(rng.uniform(0.3, 0.9))
        )

    blow = strikes.thump(rng, 70.0 * mods.pitch, 0.5 * mods.size)
    burst = dsp.noise_burst(rng, seconds_to_samples(0.6), 200.0, 6000.0, attack_s=0.001, t60_s=0.45)
    heap = strikes.cluster(rng, 1.1 * mods.size, 45, piece, early=2.0, n_kinds=14)
    rest = strikes.cluster(rng, 1.6 * mods.size, 9, piece, n_kinds=6)
    return strikes.once(
        n_samples,
        [(0.01, 1.0, blow), (0.01, 0.35, burst), (0.01, 0.45, heap), (0.8, 0.16, rest)],
        size=0.6,
        wet=0.2,
    )


RECIPES = (
    Recipe(
        "wood_impact",
        wood_impact,
        heads="""wood + impact, wooden + impact, wood + hit, wood + thump, wooden + thunk, wood + clunk, plank
            + drop, wooden knock, log + drop, crate, wooden box, wood + clack, wooden clack, board + drop,
            chair + scrape, wood + drop, barrel, wooden + thud, wood + clatter, chess piece, gavel, table
            + hit, wood block, wooden clatter, wooden mug, wooden bowl, wooden spoon, mug +
            bang""",
        hints="wood, wooden, plank, table, chest, chair, clack, clunk",
    ),
    Recipe(
        "metal_impact",
        metal_impact,
        heads="""metal + impact, metal + hit, metal + clang, metal + bang, metal + clank, metal +
            clatter, iron + clang, metallic clang, pipe + hit, metal + drop/fall, clang, clank, metal +
            clunk, steel + clang, tin + clatter, iron + clank, iron + hit, metal + scrape, metallic
            impact, metal + door, metal tools, metal sheet, pickaxe + clang, tray/bucket/lid/bar/hook +
            clang/drop/clatter""",
        hints="metal, metallic, iron, steel, tin, tool",
    ),
    Recipe(
        "thud",
        thud,
        heads="""thud, thump, body fall, body + fall, falling body, sack + drop, heavy bag, heavy fall,
            body blow, sack, heavy object falling, dull blow, stomp, body + hit, heavy
            trunk, snow falling from roof, suitcase, canvas/drop/land/fall + thud, landing with a thud""",
        hints="fall, drop, blow, bump, hit, impact",
        never="fiddle, boot",
    ),
    Recipe(
        "stone_impact",
        stone_impact,
        heads="""stone + impact, rock + impact, stone + hit, stone/rock/pebble + fall/tumble/skitter,
            pebble + drop, rockfall, boulder, rubble, falling rocks, stone + drop, stone + scrape, brick,
            stone + slab, stone + throw, stone + grind, rock slide, pickaxe, chisel, stone mason, mason,
            stone + crack, stone + crumble, debris, millstone + knock, chisel + knock/stone""",
        hints="stone, rock, pebble, marble",
        never="pond, lake, water, river, footstep, hoof",
    ),
    Recipe(
        "hammer",
        hammer,
        heads="""hammer, nail + hammer, hammering nails, mallet, carpenter + nail, hammer blow, construction
            hammering, nail being driven, carpentry""",
        hints="nail, carpenter, workshop, construction",
        never="anvil, blacksmith, piano hammer, jackhammer, smith, forge",
    ),
    Recipe(
        "anvil",
        anvil,
        heads="""anvil, blacksmith, hammer + anvil, smithy, forge + hammer, blacksmith hammering, hammer +
            forge, smith, farrier, horseshoe + hammer""",
        hints="forge",
    ),
    Recipe(
        "chains",
        chains,
        heads="""chain, chain + rattle, chain + drag, shackle, anchor chain, iron chain, chains clinking,
            manacle, fetters, drawbridge, prisoner chains, portcullis""",
        hints="rattle, anchor, drag",
        never="bicycle, chainsaw, key chain",
    ),
    Recipe(
        "wood_creak",
        wood_creak,
        heads="""wood + creak, timber + creak, ship + creak, hull + creak, floorboard, creaking floor,
            creaking floorboard, deck + creak, creaking wood, creaking timber, stair + creak, creaking
            stairs, rocking chair, mast + creak, beam + creak, tree + creak, rope + creak, timber + groan,
            wood + groan, branch + creak, creaking rope, creaking boat, creaking hull, bed + creak,
            rigging + creak, trunk + creak, floor + creak""",
        hints="creak, groan, timber, hull, deck",
        never="door, hinge, gate",
    ),
    Recipe(
        "wood_chop",
        wood_chop,
        heads="""chopping wood, wood + chop, axe, axe + wood, wood splitting, log + split, firewood + split,
            chop, lumberjack, axe + tree, hatchet, woodcutter, wood + split, cleaver, cutting board,
            chopping board, knife + chop""",
        hints="log, firewood",
    ),
    Recipe(
        "crash",
        crash,
        heads="""crash, loud crash, car crash, collision, collapse, collapsing, crashing down, wreck, shelf +
            fall, building collapse, shipwreck, furniture + fall, smash into, crash of, scaffold + fall,
            pile-up, toppling,
            barrel/crate/cargo/timber/beam/mast/tree/furniture/car/wagon/cart/rock/boat/train + crash""",
        hints="smash, demolish, topple",
        never="wave, surf, cymbal, thunder, breaker, sea, ocean, glass, window",
    ),
)
