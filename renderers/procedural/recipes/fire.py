"""Fire: crackling hearths and camp fires, and the flutter of a torch."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, seconds_to_samples
from renderers.procedural import dsp
from renderers.procedural.catalogue import Recipe
from renderers.procedural.modifiers import Modifiers

_ROAR = ((30.0, -3.0), (60.0, 0.0), (260.0, -8.0), (1040.0, -26.0), (4000.0, -46.0), (16_000.0, -70.0))
_HISS = ((500.0, -24.0), (2500.0, -4.0), (7000.0, 0.0), (16_000.0, -10.0))


def _crackles(rng: np.random.Generator, n_kinds: int, pitch: float) -> list[dsp.Signal]:
    """Imitate snaps of wood: bursts of noise of a few milliseconds, without any pitch."""
    grains = []
    for _ in range(n_kinds):
        t60_s = 0.005 * float(np.exp(rng.uniform(-0.8, 0.8)))
        n_grain = seconds_to_samples(2.5 * t60_s)
        low_hz = float(np.exp(rng.uniform(np.log(350.0), np.log(1200.0)))) * pitch
        snap = dsp.white(rng, n_grain) * dsp.decay(n_grain, t60_s)
        grains.append(dsp.tail_off(dsp.lowpass(dsp.highpass(snap, low_hz), 14_000.0, 1), 0.001))
    return grains


def _bursts(rng: np.random.Generator, n_samples: int, rate_hz: float) -> dsp.Positions:
    """Return snaps in clusters: each one of a random process brings another one or two shortly after it."""
    parents = dsp.random_times(rng, n_samples, rate_hz)
    n_children = rng.poisson(1.0, len(parents))
    delays = rng.exponential(0.05, int(n_children.sum())) * SAMPLE_RATE_HZ
    children = np.repeat(parents, n_children) + delays.astype(np.int64)
    return np.asarray(np.sort(np.concatenate([parents, children[children < n_samples]])), dtype=np.int64)


def fire(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate snaps without pitch in clusters, over a low, flickering roar and a breath of hiss.

    Their levels spread over some 40 dB, as those of breaking fibres do: many ticks, few loud pops.
    """
    at = _bursts(rng, n_samples, 14.0 * mods.density)
    gains = dsp.lognormal_gains(rng, len(at), 10.5)
    snaps = dsp.scatter_stereo(rng, n_samples, at, gains, _crackles(rng, 16, mods.pitch), width=0.8)
    flicker = 0.5 + 0.5 * dsp.drift(rng, n_samples, 4.0 * mods.rate)
    roar = dsp.coloured_noise(rng, n_samples, _ROAR, 2) * flicker
    hiss = dsp.coloured_noise(rng, n_samples, _HISS, 2) * (0.3 + 0.7 * dsp.drift(rng, n_samples, 2.0))
    body = np.float32(0.4 * mods.size * mods.density**0.5) * roar + np.float32(0.005) * hiss
    return np.asarray(snaps + body, dtype=np.float32)


def torch(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a flame that flutters in its own draught about ten times a second, with few snaps."""
    flutter = dsp.drift(rng, n_samples, 5.5 * mods.rate, power=1.7)
    sway = 0.5 + 0.5 * dsp.drift(rng, n_samples, 0.7)
    body = ((30.0, -10.0), (120.0, 0.0), (400.0, -3.0), (1500.0, -15.0), (6000.0, -32.0))
    flame = dsp.coloured_noise(rng, n_samples, body)[0] * (0.12 + 0.88 * flutter) * sway
    at = dsp.random_times(rng, n_samples, 2.5 * mods.density)
    return dsp.mono(flame + 0.8 * dsp.play(rng, n_samples, at, _crackles(rng, 8, mods.pitch), 5.0))


RECIPES = (
    Recipe(
        "fire",
        fire,
        heads="""fire, campfire, fireplace, bonfire, hearth, fire + crackle, flame, log fire, log +
        crackle, ember, wood fire, burning wood, wood + burn, burning log, blaze, kindling, hearth +
        crackle, fire + roar, stove fire, wildfire, wood stove""",
        hints="crackle, burn, brazier, smoulder",
        never="""fire alarm, fire engine, fire truck, fire brigade, gunfire, fireworks, firework,
        firecracker, cannon, torch""",
        is_texture=True,
    ),
    Recipe(
        "torch",
        torch,
        heads="""torch, torch + flame, burning torch, flaming torch, torch + flicker, torchlight""",
        hints="flicker, flutter",
    ),
)
