"""The single sounds of drums and cymbals, each a grain that starts at once, peak 1."""

from __future__ import annotations

import numpy as np

from copilot.units import Seconds, seconds_to_samples
from renderers.procedural import dsp, tones
from renderers.procedural.dsp import Signal


def kick(rng: np.random.Generator, hz: float = 52.0) -> Signal:
    """Imitate a bass drum: a sine that falls onto `hz` within a few cycles, and the beater's click."""
    n_samples = seconds_to_samples(0.45)
    fall_hz = np.float32(hz) * (1.0 + 2.2 * dsp.decay(n_samples, 0.09))
    body = tones.tone(fall_hz, n_samples) * dsp.pluck(n_samples, 0.001, 0.5)
    click = dsp.noise_burst(rng, n_samples, 1500.0, 5000.0, attack_s=0.0004, t60_s=0.012)
    return dsp.tail_off(dsp.unit(body + click * np.float32(0.12)), 0.03)


def snare(rng: np.random.Generator, hz: float = 185.0) -> Signal:
    """Imitate a snare drum: two modes of its head and the buzz of the wires."""
    n_samples = seconds_to_samples(0.28)
    head = dsp.modes(n_samples, [(hz, 0.16, 1.0), (hz * 1.593, 0.12, 0.7), (hz * 2.14, 0.08, 0.4)])
    wires = dsp.noise_burst(rng, n_samples, 1400.0, 9500.0, attack_s=0.0008, t60_s=0.2)
    return dsp.tail_off(dsp.unit(head + wires * np.float32(0.5)), 0.02)


def hi_hat(rng: np.random.Generator, t60_s: Seconds = 0.06) -> Signal:
    """Imitate a hi-hat: noise above 7 kHz, closed when `t60_s` is short."""
    n_samples = seconds_to_samples(t60_s * 1.2)
    return dsp.tail_off(
        dsp.unit(dsp.noise_burst(rng, n_samples, 6500.0, 15_000.0, attack_s=0.0005, t60_s=t60_s)), 0.005
    )


def ride_cymbal(rng: np.random.Generator) -> Signal:
    """Imitate a ride cymbal: the stick's ping over a wash of close high modes."""
    n_samples = seconds_to_samples(0.9)
    table = [
        (float(hz), float(rng.uniform(0.4, 1.0)), float(rng.uniform(0.3, 1.0)))
        for hz in rng.uniform(2800.0, 11_000.0, 26)
    ]
    wash = dsp.noise_burst(rng, n_samples, 5000.0, 14_000.0, attack_s=0.001, t60_s=0.7)
    ping = dsp.noise_burst(rng, n_samples, 2500.0, 6000.0, attack_s=0.0004, t60_s=0.03)
    return dsp.tail_off(
        dsp.unit(dsp.unit(dsp.modes(n_samples, table)) + dsp.unit(wash) * 0.35 + dsp.unit(ping) * 0.5), 0.05
    )


def skin(
    rng: np.random.Generator,
    hz: float,
    t60_s: Seconds,
    *,
    slap: float = 0.2,
    ratios: tuple[float, ...] = tones.MEMBRANE,
) -> Signal:
    """Imitate a hand or stick on a skin: the modes of a membrane, and the slap of the touch."""
    n_samples = seconds_to_samples(max(t60_s, 0.1) * 1.1)
    body = dsp.unit(dsp.modes(n_samples, tones.partials(hz, ratios, t60_s, damping=1.0, tilt=1.1)))
    touch = dsp.noise_burst(rng, n_samples, hz * 3.0, min(hz * 25.0, 9000.0), attack_s=0.0006, t60_s=0.035)
    return dsp.tail_off(dsp.unit(body + dsp.unit(touch) * np.float32(slap)), 0.02)


def jingles(rng: np.random.Generator, t60_s: Seconds = 0.22) -> Signal:
    """Imitate the small cymbals of a tambourine: a dozen close modes above 5 kHz and their clatter."""
    n_samples = seconds_to_samples(t60_s * 1.2)
    table = [
        (float(hz), t60_s * float(rng.uniform(0.5, 1.0)), float(rng.uniform(0.4, 1.0)))
        for hz in rng.uniform(4800.0, 13_500.0, 16)
    ]
    clatter = dsp.noise_burst(rng, n_samples, 5500.0, 15_000.0, attack_s=0.001, t60_s=t60_s * 0.5)
    return dsp.tail_off(
        dsp.unit(dsp.unit(dsp.modes(n_samples, table)) + dsp.unit(clatter) * np.float32(0.6)), 0.01
    )
