"""One person's sounds that are not words: laughter, coughs, breath, and the heart."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, seconds_to_samples
from renderers.procedural import dsp, voices
from renderers.procedural.catalogue import Recipe
from renderers.procedural.modifiers import Modifiers


def laughter(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate ha-ha-ha: breathy vowels five times a second, falling in pitch and level over a bout."""
    is_low = bool(rng.random() < 0.5)
    base_hz = (rng.uniform(150.0, 190.0) if is_low else rng.uniform(260.0, 320.0)) * mods.pitch
    tract = voices.scale_formants(voices.VOWELS["a"], (1.0 if is_low else 1.17) * mods.pitch**0.3)
    bouts = []
    for _ in range(3):
        count = int(rng.integers(5, 9))
        gap_s = rng.uniform(0.18, 0.22) / mods.rate
        bout = np.zeros(seconds_to_samples(count * gap_s + 0.25), dtype=np.float32)
        for k in range(count):
            pitch_hz = base_hz * (1.45 - 0.6 * k / count) * rng.uniform(0.96, 1.04)
            freq_hz = voices.glide(0.13, (0.0, pitch_hz), (0.3, 1.08 * pitch_hz), (1.0, 0.85 * pitch_hz))
            n_ha = len(freq_hz)
            voice = voices.cry(freq_hz, tract, tilt_db=7.0) * voices.hold(n_ha, 0.03, 0.06)
            aspirate = voices.breath(rng, n_ha, tract) * dsp.bump(n_ha, skew=0.2) * np.float32(0.09)
            dsp.add_at(bout, seconds_to_samples(k * gap_s), voice + aspirate, 1.0 - 0.55 * k / count)
        bouts.append(bout)
    at = dsp.regular_times(rng, n_samples, 2.4 / mods.rate, jitter=0.2, tail_s=0.7)
    return dsp.mono(dsp.play(rng, n_samples, at, bouts, 1.5))


def cough(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate coughs in twos: an explosive burst of breath, a short voiced middle, a second puff."""
    coughs = []
    tract = voices.scale_formants(voices.VOWELS["@"], mods.pitch**0.5)
    for _ in range(4):
        freq_hz = voices.glide(rng.uniform(0.26, 0.36), (0.0, 190.0 * mods.pitch), (1.0, 120.0 * mods.pitch))
        n_cough = len(freq_hz)
        burst = voices.breath(rng, n_cough, tract) * dsp.pluck(n_cough, 0.004, 0.2)
        voiced = voices.cry(voices.with_jitter(rng, freq_hz, 0.12, 70.0), tract, tilt_db=6.0)
        middle = 0.5 * voiced * dsp.bump(n_cough, skew=0.2) ** 2
        puff = voices.breath(rng, n_cough, tract) * dsp.bump(n_cough, skew=0.55) ** 2
        coughs.append(burst + middle + np.float32(0.3) * puff)
    at = dsp.grouped_times(rng, n_samples, 2.4 / mods.rate, 0.41, (2, 2), tail_s=0.36, count=mods.count)
    return dsp.mono(dsp.play(rng, n_samples, at, coughs, 2.0))


def breathing(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate breaths.

    In through the nose, out through the mouth, seventeen times a minute; quicker when fast.
    """
    cycle_s = 3.4 / mods.rate**1.6
    out = np.zeros(n_samples, dtype=np.float32)
    start_s = 0.0
    nose: voices.Formants = ((1100.0, 500.0, 0.0), (2600.0, 900.0, -2.0), (5200.0, 1500.0, -8.0))
    mouth: voices.Formants = ((600.0, 300.0, 0.0), (1500.0, 500.0, -5.0), (2800.0, 900.0, -14.0))
    while start_s * SAMPLE_RATE_HZ < n_samples:
        inhale_s, exhale_s = cycle_s * rng.uniform(0.34, 0.4), cycle_s * rng.uniform(0.42, 0.5)
        for at_s, length_s, tract, level, skew in (
            (start_s, inhale_s, nose, 0.55, 0.6),
            (start_s + inhale_s * 1.1, exhale_s, mouth, 1.0, 0.3),
        ):
            n_breath = seconds_to_samples(length_s)
            puff = voices.breath(rng, n_breath, voices.scale_formants(tract, mods.pitch**0.5))
            dsp.add_at(out, seconds_to_samples(at_s), puff * dsp.bump(n_breath, skew=skew), level)
        start_s += cycle_s * rng.uniform(0.97, 1.06)
    return dsp.mono(out)


def heartbeat(rng: np.random.Generator, n_samples: int, mods: Modifiers) -> Audio:
    """Imitate lub-dub: two soft, low thumps a third of a second apart, 66 times a minute; 110 when fast."""
    beats = []
    for _ in range(3):
        beat = np.zeros(seconds_to_samples(0.6), dtype=np.float32)
        gap_s = 0.29 / mods.rate**0.6
        for at_s, hz, level in ((0.0, 56.0, 1.0), (gap_s, 72.0, 0.7)):
            n_thump = seconds_to_samples(0.22)
            thump = dsp.modes(n_thump, [(hz * mods.pitch, 0.16, 1.0), (hz * 1.9 * mods.pitch, 0.12, 0.6)])
            soft = dsp.lowpass(dsp.white(rng, n_thump), 220.0) * np.float32(0.8)
            shape = dsp.pluck(n_thump, 0.012, 0.2)
            dsp.add_at(beat, seconds_to_samples(at_s), dsp.tail_off((thump + soft) * shape, 0.03), level)
        beats.append(beat)
    at = dsp.regular_times(rng, n_samples, 60.0 / 66.0 / mods.rate, jitter=0.03)
    return dsp.mono(dsp.play(rng, n_samples, at, beats, 0.6))


RECIPES = (
    Recipe(
        "laughter",
        laughter,
        heads="""laugh, laughter, giggle, chuckle, chortle, cackle, snicker, guffaw, audience + laugh,
        hearty laugh""",
        hints="mirth",
        never="child",
    ),
    Recipe(
        "cough",
        cough,
        heads="""cough, coughing fit, throat clearing, clear + throat, hack, splutter, wheeze +
        cough""",
        hints="throat",
    ),
    Recipe(
        "breathing",
        breathing,
        heads="""breath, breathe, breathing, inhale, exhale, panting, pant, sigh, gasp, deep
        breath, heavy breathing, sleeper, wheeze + breath""",
        hints="wheeze",
        never="wind",
    ),
    Recipe(
        "heartbeat",
        heartbeat,
        heads="heartbeat, heart + beat, heart + pound, thumping heart, beating heart",
        hints="throb, pulse",
        never="pulse wave, synth, alarm",
    ),
)
