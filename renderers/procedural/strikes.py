"""Things that are struck: materials as mode tables, one strike, strikes in a row and in a cluster.

A strike is a grain that starts at once and has died away at its end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, Decibels, Seconds, seconds_to_samples
from renderers.procedural import dsp, tones
from renderers.procedural.dsp import Positions, Signal


@dataclass(frozen=True, slots=True)
class Material:
    """The ringing of a solid: ratios of its modes, t60 of the lowest, fall of t60 and amplitude by ratio.

    `contact` is the level of the noise of the touch itself, `contact_hz` where that noise lies.
    """

    ratios: tuple[float, ...]
    t60_s: Seconds
    damping: float
    tilt: float
    contact: float
    contact_hz: float


WOOD = Material((1.0, 1.52, 2.13, 2.76, 3.41, 4.6, 5.9), 0.13, 0.7, 0.7, 0.35, 1800.0)
PANEL = Material((1.0, 1.37, 1.81, 2.36, 2.93, 3.77, 5.2), 0.22, 0.8, 0.9, 0.3, 900.0)
METAL = Material((1.0, 1.47, 2.09, 2.56, 3.39, 4.08, 5.22, 6.61), 1.3, 0.7, 0.25, 0.25, 5000.0)
STEEL = Material((1.0, 1.61, 2.43, 3.17, 4.2), 0.35, 0.6, 0.2, 0.3, 7000.0)
GLASS = Material(tones.GLASS, 0.9, 0.8, 0.4, 0.15, 6000.0)
CERAMIC = Material((1.0, 1.68, 2.41, 3.53, 4.4), 0.2, 0.6, 0.4, 0.4, 5000.0)
STONE = Material((1.0, 1.73, 2.6, 3.2, 4.45), 0.05, 0.3, 0.2, 0.9, 2400.0)
PLASTIC = Material((1.0, 1.9, 2.7, 3.6), 0.03, 0.4, 0.3, 0.6, 3500.0)


def strike(
    rng: np.random.Generator, material: Material, hz: float, *, ring: float = 1.0, contact: float = 1.0
) -> Signal:
    """Make one strike, peak 1.

    The modes from `hz` up, each a little off and unequally hit, and the touch's noise.

    `ring` is a factor on the decay times, `contact` on the level of the touch.
    """
    ratios = np.array(material.ratios) * (1.0 + rng.normal(0.0, 0.02, len(material.ratios)))
    ratios[0] = 1.0
    table = [
        (mode_hz, t60_s, amplitude * float(rng.uniform(0.5, 1.0)))
        for mode_hz, t60_s, amplitude in tones.partials(
            hz, ratios.tolist(), material.t60_s * ring, damping=material.damping, tilt=material.tilt
        )
    ]
    n_samples = seconds_to_samples(max(material.t60_s * ring, 0.04) * 1.1)
    body = dsp.unit(dsp.modes(n_samples, table))
    n_touch = min(n_samples, seconds_to_samples(0.03))
    low_hz = min(material.contact_hz * 0.5, 8000.0)
    touch = dsp.noise_burst(rng, n_touch, low_hz, low_hz * 5, attack_s=0.0003, t60_s=0.018)
    body[:n_touch] += touch * np.float32(material.contact * contact * 0.5)
    return dsp.tail_off(dsp.unit(body), 0.01)


def row(
    rng: np.random.Generator,
    n_samples: int,
    at: Positions,
    make: Callable[[], Signal],
    *,
    n_kinds: int = 4,
    spread_db: Decibels = 1.5,
) -> Signal:
    """Make a grain at each position.

    Drawn from `n_kinds` that `make` gives, with levels that differ a little.
    """
    return dsp.play(rng, n_samples, at, [make() for _ in range(min(n_kinds, len(at)))], spread_db)


def cluster(
    rng: np.random.Generator,
    length_s: Seconds,
    n_hits: int,
    make: Callable[[], Signal],
    *,
    early: float = 1.0,
    n_kinds: int = 6,
    spread_db: Decibels = 4.0,
) -> Signal:
    """Make `n_hits` grains within `length_s`, the first at once; `early` above 1 crowds them to the front."""
    when = np.sort(rng.random(n_hits) ** early * length_s * SAMPLE_RATE_HZ)
    when[0] = 0.0
    at = when.astype(np.int64)
    grains = [make() for _ in range(min(n_kinds, n_hits))]
    longest = max(len(grain) for grain in grains)
    kinds = np.asarray(rng.integers(0, len(grains), n_hits), dtype=np.int64)
    gains = dsp.lognormal_gains(rng, n_hits, spread_db)
    return dsp.scatter(int(at[-1]) + longest, at, gains, grains, kinds)


def bounces(first_s: Seconds, count: int, shrink: float = 0.75) -> list[Seconds]:
    """Return times of a thing that falls and bounces: each interval is `shrink` times the one before."""
    return [float(first_s * (1.0 - shrink**k) / (1.0 - shrink)) for k in range(count)]


def in_time(grains: list[tuple[Seconds, float, Signal]]) -> Signal:
    """Make one gesture from its parts: (seconds after its start, gain, grain)."""
    ends = [seconds_to_samples(start_s) + len(grain) for start_s, _, grain in grains]
    out = np.zeros(max(ends), dtype=np.float32)
    for start_s, gain, grain in grains:
        dsp.add_at(out, seconds_to_samples(start_s), grain, gain)
    return out


def once(n_samples: int, parts: list[tuple[Seconds, float, Signal]], *, size: float, wet: float) -> Audio:
    """Make a gesture that happens once, at the start, in its room (see `tones.room`); one channel."""
    out = np.zeros(n_samples, dtype=np.float32)
    dsp.add_at(out, 0, in_time(parts))
    return tones.room(dsp.mono(out), size=size, wet=wet)


def thump(rng: np.random.Generator, hz: float, t60_s: Seconds) -> Signal:
    """Make a soft heavy body: two low modes whose pitch drops at the start, and a dull slap."""
    n_samples = seconds_to_samples(t60_s * 1.2)
    fall_hz = np.float32(hz) * (1.0 + 0.8 * dsp.decay(n_samples, 0.12))
    body = tones.tone(fall_hz, n_samples, (1.0, 0.25)) * dsp.pluck(n_samples, 0.003, t60_s)
    body += dsp.noise_burst(rng, n_samples, 60.0, 700.0, attack_s=0.002, t60_s=t60_s * 0.4) * np.float32(0.3)
    return dsp.unit(dsp.tail_off(body, 0.02))


def stick_slip(
    rng: np.random.Generator,
    rate_hz: Signal,
    formants: list[tuple[float, float, Decibels]],
    *,
    late_s: Seconds = 0.0008,
    spread_db: Decibels = 2.5,
) -> Signal:
    """Make friction that sticks and slips: jerks at a changing rate through the body's resonances.

    `rate_hz` has one value a sample; each jerk comes early or late by about `late_s` and with its own force.
    """
    n_samples = len(rate_hz)
    turns = np.floor(np.cumsum(rate_hz, dtype=np.float64) / SAMPLE_RATE_HZ)
    at = np.flatnonzero(np.diff(turns, prepend=-1.0) > 0)
    at = np.clip(at + rng.normal(0.0, late_s, len(at)) * SAMPLE_RATE_HZ, 0, n_samples - 1).astype(np.int64)
    train = np.bincount(at, weights=dsp.lognormal_gains(rng, len(at), spread_db), minlength=n_samples)
    return dsp.unit(dsp.formants(train.astype(np.float32), formants))


def creak(
    rng: np.random.Generator, length_s: Seconds, *, rate_hz: float, pitch: float, wood: float
) -> Signal:
    """Make a dry creak, peak 1: `rate_hz` jerks a second that ring high in the joint and low in the wood."""
    n_samples = max(seconds_to_samples(length_s), 64)
    knots = rate_hz * np.exp(rng.normal(0.0, 0.33, 3))
    curve_hz = tones.line(n_samples, knots)
    joint = [
        (hz, hz / 26.0, -0.36 * k)
        for k, hz in enumerate((1540.0 * pitch * 1.35 ** np.arange(4) * rng.uniform(0.93, 1.07, 4)).tolist())
    ]
    body_hz = 363.0 * pitch * float(rng.uniform(0.9, 1.1))
    panel = [(body_hz * ratio, body_hz * ratio / 5.0, -3.0 * k) for k, ratio in enumerate((1.0, 1.6, 2.5))]
    jerks = stick_slip(rng, curve_hz, joint, late_s=0.3 / rate_hz, spread_db=5.0)
    jerks += np.float32(wood) * stick_slip(rng, curve_hz, panel, late_s=0.3 / rate_hz, spread_db=5.0)
    swell = np.float32(0.5) + np.float32(0.5) * dsp.drift(rng, n_samples, 3.0)
    return dsp.unit(jerks * swell * tones.hold(n_samples, 0.03, 0.15))
