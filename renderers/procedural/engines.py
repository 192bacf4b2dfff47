"""Engines and rotors: what fires, beats or knocks at a rate, each blow a boom with the noise it makes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Decibels, Seconds, seconds_to_samples
from renderers.procedural import dsp
from renderers.procedural.dsp import Positions, Signal

_BLOW_S = 0.2
_JACKET = ((50.0, 0.0), (200.0, 0.0), (1000.0, -6.3), (4000.0, -18.0), (12_000.0, -31.5))


def _fire(rate_hz: Signal) -> Positions:
    turns = np.floor(np.cumsum(rate_hz, dtype=np.float64) / SAMPLE_RATE_HZ)
    return np.flatnonzero(np.diff(turns, prepend=-1.0) > 0)


def firing(
    rng: np.random.Generator,
    rate_hz: Signal,
    uneven: tuple[float, ...],
    exhaust: list[tuple[float, float, Decibels]],
    *,
    edge_hz: float = 420.0,
) -> Signal:
    """Imitate a combustion engine: one pulse for each firing through the resonances of its exhaust, peak 1.

    `rate_hz` has one value a sample. `uneven` gives the force of each cylinder in turn; every pulse is
    also a little early or late and of its own force, so that the harmonics are rough and not a tone. A
    cylinder empties within milliseconds: no pulse is sharper than a low-pass at `edge_hz`.
    """
    n_samples = len(rate_hz)
    at = _fire(rate_hz)
    force = np.resize(np.array(uneven), len(at)) * dsp.lognormal_gains(rng, len(at), 1.2)
    late = rng.normal(0.0, 0.02, len(at)) * SAMPLE_RATE_HZ / rate_hz[at]
    at = np.clip(at + late, 0, n_samples - 1).astype(np.int64)
    train = np.bincount(at, weights=force, minlength=n_samples).astype(np.float32)
    return dsp.unit(dsp.formants(dsp.lowpass(train, edge_hz), exhaust))


def blow(
    rng: np.random.Generator,
    booms: Sequence[tuple[float, Seconds, float]],
    noises: Sequence[tuple[float, float, Seconds, float]],
    *,
    attack_s: Seconds = 0.002,
) -> Signal:
    """Return one blow: booms (Hz, t60 in seconds, gain), each a little off, and noises over them.

    A noise has its lowest and its highest Hz, its t60 in seconds and its gain.
    """
    n_blow = seconds_to_samples(_BLOW_S)
    out = dsp.modes(n_blow, [(hz * float(rng.uniform(0.95, 1.05)), t60_s, gain) for hz, t60_s, gain in booms])
    for low_hz, high_hz, t60_s, gain in noises:
        burst = dsp.noise_burst(rng, n_blow, low_hz, high_hz, attack_s=attack_s, t60_s=t60_s)
        out += burst * np.float32(gain)
    return dsp.tail_off(out, 0.03)


def knocking(
    rng: np.random.Generator,
    rate_hz: Signal,
    uneven: tuple[float, ...],
    pitch: float,
    *,
    knock: float,
    hiss: float,
    ticks: float,
    jacket: float,
) -> Signal:
    """Imitate an engine with its bonnet open: every cylinder booms and knocks in its own way, a valve ticks.

    `rate_hz` and `uneven` as in `firing`. `knock` is the level of the block's noise at each firing, `hiss`
    that of the gas, `ticks` that of the valves between two firings, `jacket` that of fan and belts.
    """
    n_samples = len(rate_hz)
    booms = [(62.0, 0.12, 1.0), (118.0, 0.09, 0.8), (205.0, 0.07, 0.5), (340.0, 0.05, 0.4)]
    booms = [(hz * pitch, t60_s, gain) for hz, t60_s, gain in booms]
    noises = [(300.0 * pitch, 1500.0 * pitch, 0.035, knock), (1500.0 * pitch, 6000.0 * pitch, 0.02, hiss)]
    cylinders = [blow(rng, booms, noises) * np.float32(force) for force in uneven]
    at = _fire(rate_hz)
    kinds = np.arange(len(at), dtype=np.int64) % len(uneven)
    late = rng.normal(0.0, 0.02, len(at)) * SAMPLE_RATE_HZ / rate_hz[at]
    at = np.clip(at + late, 0, n_samples - 1).astype(np.int64)
    sound = dsp.scatter(n_samples, at, dsp.lognormal_gains(rng, len(at), 1.5), cylinders, kinds)
    low_hz, high_hz = 2000.0 * pitch, 9000.0 * pitch
    valves = [dsp.noise_burst(rng, 960, low_hz, high_hz, attack_s=0.0004, t60_s=0.008) for _ in uneven]
    valves_at = (at + 0.4 * SAMPLE_RATE_HZ / rate_hz[at]).astype(np.int64)
    gains = dsp.lognormal_gains(rng, len(at), 2.0) * np.float32(ticks)
    sound += dsp.scatter(n_samples, valves_at, gains, valves, kinds)
    sound += dsp.coloured_noise(rng, n_samples, _JACKET)[0] * np.float32(jacket)
    return sound
