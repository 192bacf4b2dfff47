"""Insects and frogs: sounds of a summer's day and night."""

from __future__ import annotations

import numpy as np

from copilot.units import Audio, seconds_to_samples
from renderers.procedural import dsp, voices
from renderers.procedural.catalogue import Recipe
from renderers.procedural.modifiers import Modifiers

_NIGHT_AIR = ((60.0, -6.0), (300.0, 0.0), (1500.0, -14.0), (10_000.0, -36.0))


def crickets(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate chirps of three or four pulses at a nearly pure pitch.

    Two or three a second, from many insects.
    """
    out = np.float32(0.01) * dsp.coloured_noise(rng, n_samples, _NIGHT_AIR, 2)
    for insect in range(max(round(7 * mods.density**0.6), 3)):
        hz = rng.uniform(3900.0, 5200.0) * mods.pitch
        n_pulses, pulse_s = int(rng.integers(3, 5)), rng.uniform(0.014, 0.018)
        pulse = dsp.sine(hz, seconds_to_samples(pulse_s)) * dsp.bump(seconds_to_samples(pulse_s), skew=0.6)
        chirp = np.zeros(seconds_to_samples(n_pulses * pulse_s * 1.7), dtype=np.float32)
        for k in range(n_pulses):
            dsp.add_at(chirp, seconds_to_samples(k * pulse_s * 1.6), pulse, 0.6 + 0.4 * k / n_pulses)
        start_s = 0.005 if insect == 0 else float(rng.uniform(0.0, 0.5))
        period_s = rng.uniform(0.33, 0.46) / mods.rate
        at = dsp.regular_times(rng, n_samples, period_s, jitter=0.04, start_s=start_s)
        song = dsp.play(rng, n_samples, at, [chirp], 0.8) * np.float32(rng.uniform(0.25, 1.0))
        dsp.place(out, song, float(rng.uniform(-0.95, 0.95)))
    return out


def cicadas(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a shimmering wall of noise from 4 to 9 kHz.

    Buzzing at a hundred beats a second, swelling slowly.
    """
    channels = []
    for _ in range(2):
        low_hz, high_hz = 4200.0 * mods.pitch, 7600.0 * mods.pitch
        band = ((low_hz * 0.5, -50.0), (low_hz, -3.0), ((low_hz + high_hz) / 2.0, 0.0), (high_hz, -4.0))
        noise = dsp.coloured_noise(rng, n_samples, (*band, (min(high_hz * 2.0, 20_000.0), -44.0)))[0]
        buzz = 0.5 + 0.5 * dsp.sine(rng.uniform(95.0, 130.0) * mods.rate, n_samples)
        swell = 0.55 + 0.45 * dsp.drift(rng, n_samples, 0.4)
        channels.append(noise * buzz**2 * swell)
    return dsp.stereo(*channels)


def bees(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate wing beats near 230 Hz, rich in harmonics, each insect wavering and passing by."""
    out = np.zeros((2, n_samples), dtype=np.float32)
    wing = [1.0, 0.8, 0.55, 0.5, 0.32, 0.26, 0.18, 0.14, 0.1, 0.07, 0.05, 0.03]
    for _ in range(4):
        base_hz = rng.uniform(190.0, 260.0) * mods.pitch
        freq_hz = base_hz * (0.94 + 0.12 * dsp.drift(rng, n_samples, 1.6 * mods.rate))
        tone = dsp.harmonics(freq_hz.astype(np.float32), n_samples, wing)
        tone *= 0.25 + 0.75 * dsp.drift(rng, n_samples, 0.6 * mods.rate, power=1.5)
        dsp.place(out, tone, float(rng.uniform(-0.9, 0.9)))
    return out + np.float32(0.02) * dsp.coloured_noise(rng, n_samples, _NIGHT_AIR, 2)


def _croak(rng: np.random.Generator, pitch: float) -> dsp.Signal:
    """Imitate a train of throat pulses, quicker towards the end, through two resonances of the sac."""
    length_s, pulse_hz = rng.uniform(0.22, 0.42), rng.uniform(34.0, 62.0)
    n_croak = seconds_to_samples(length_s)
    body_hz = rng.uniform(520.0, 900.0) * pitch
    n_pulse = seconds_to_samples(0.03)
    pulse = dsp.modes(
        n_pulse, [(body_hz, 0.03, 1.0), (body_hz * 2.4, 0.018, 0.5), (body_hz * 3.7, 0.01, 0.2)]
    )
    at_s = np.cumsum(np.linspace(1.15, 0.85, int(length_s * pulse_hz))) / pulse_hz
    out = np.zeros(n_croak + n_pulse, dtype=np.float32)
    for time_s in at_s.tolist():
        dsp.add_at(out, seconds_to_samples(min(time_s, length_s)), pulse)
    return dsp.highpass(out, 300.0 * pitch) * voices.hold(len(out), 0.06, 0.08)


def frogs(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate a pond at night: croaks of several frogs that answer each other."""
    out = np.float32(0.02) * dsp.coloured_noise(rng, n_samples, _NIGHT_AIR, 2)
    for frog in range(max(round(5 * mods.density**0.6), 2)):
        croak = _croak(rng, mods.pitch)
        start_s = 0.01 if frog == 0 else float(rng.uniform(0.05, 0.9))
        at = dsp.regular_times(
            rng, n_samples, rng.uniform(0.75, 1.2) / mods.rate, jitter=0.3, start_s=start_s
        )
        call = dsp.play(rng, n_samples, at, [croak], 2.0) * np.float32(rng.uniform(0.4, 1.0))
        dsp.place(out, call, float(rng.uniform(-0.9, 0.9)))
    return out


RECIPES = (
    Recipe(
        "crickets",
        crickets,
        heads="""cricket, cricket + chirp, katydid, grasshopper, insect, night insect, insect + chirp,
        insect + night""",
        hints="chirp",
        never="cricket bat, cricket ball, bird",
        is_texture=True,
    ),
    Recipe(
        "cicadas",
        cicadas,
        heads="cicada, cicada + drone, cicada + buzz, locust, insect + drone, cicada + summer, summer insect",
        is_texture=True,
    ),
    Recipe(
        "bees",
        bees,
        heads="""bee, honeybee, bumblebee, wasp, hornet, beehive, hive, fly + buzz, swarm, mosquito, bee
        + buzz, insect + buzz, gnat, housefly, flies, bee + hum, insect + hum""",
        hints="buzz, hum",
        never="electric, neon, power line, transformer, fluorescent, phone, alarm, saw, drone, doorbell",
        is_texture=True,
    ),
    Recipe(
        "frogs",
        frogs,
        heads="frog, toad, croak, frog + croak, bullfrog, pond + night, frog chorus, tree frog",
        never="raven, crow",
        is_texture=True,
    ),
)
