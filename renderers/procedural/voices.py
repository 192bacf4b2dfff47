"""Voiced sounds of animals and people: a periodic source and the resonances of a vocal tract.

The tract is applied to the amplitudes of the source's harmonics (source-filter model, Fant 1960), so that a
whole cry costs one look-up in a wavetable. Noise through the same resonances gives whispers and coughs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import fft

from copilot.units import SAMPLE_RATE_HZ, Decibels, Seconds, db_to_gain, seconds_to_samples
from renderers.procedural import dsp

Formants = Sequence[tuple[float, float, Decibels]]
"""Resonances of a tract: (centre Hz, bandwidth Hz, gain dB)."""

VOWELS: dict[str, Formants] = {
    "a": ((730.0, 110.0, 0.0), (1150.0, 120.0, -5.0), (2500.0, 180.0, -18.0), (3500.0, 250.0, -28.0)),
    "e": ((530.0, 90.0, 0.0), (1840.0, 130.0, -10.0), (2480.0, 180.0, -16.0), (3500.0, 250.0, -28.0)),
    "i": ((290.0, 70.0, 0.0), (2250.0, 140.0, -14.0), (3000.0, 200.0, -18.0), (3600.0, 250.0, -28.0)),
    "o": ((540.0, 90.0, 0.0), (860.0, 100.0, -7.0), (2400.0, 180.0, -28.0), (3400.0, 250.0, -36.0)),
    "u": ((320.0, 80.0, 0.0), (800.0, 100.0, -14.0), (2250.0, 180.0, -34.0), (3300.0, 250.0, -42.0)),
    "@": ((500.0, 100.0, 0.0), (1450.0, 130.0, -8.0), (2500.0, 180.0, -18.0), (3500.0, 250.0, -28.0)),
}
"""Formants of an adult's vowels after Peterson and Barney (1952), with rounded levels."""


def scale_formants(formants: Formants, factor: float) -> Formants:
    """Return the formants of a tract that is `factor` times shorter: a child's, a small animal's."""
    return [(hz * factor, bandwidth_hz * factor, gain_db) for hz, bandwidth_hz, gain_db in formants]


def tube(spacing_hz: float, count: int, *, fall_db: Decibels, width_hz: float) -> Formants:
    """Return the formants of a uniform tube, shut at the glottis and open at the mouth.

    They lie at odd multiples of half the spacing, which is the speed of sound over twice the tract's length
    (Fitch 1997); each is `fall_db` weaker and a quarter of `width_hz` wider than the one before.
    """
    return [((k + 0.5) * spacing_hz, width_hz * (1.0 + 0.25 * k), -fall_db * k) for k in range(count)]


def tract_gain(freq_hz: dsp.Signal, formants: Formants) -> dsp.Signal:
    """Return gain of parallel resonances at the frequencies, with a little of the source in between."""
    gain = np.full(len(freq_hz), 0.02, dtype=np.float32)
    for hz, bandwidth_hz, gain_db in formants:
        detune = (freq_hz - hz) / (bandwidth_hz / 2.0)
        gain += np.float32(db_to_gain(gain_db)) / np.sqrt(1.0 + detune**2)
    return gain


def cry(
    freq_hz: dsp.Signal, formants: Formants, *, tilt_db: Decibels = 6.0, onset: float | None = None
) -> dsp.Signal:
    """Return a voiced sound with the pitch curve `freq_hz` through fixed formants.

    Peak about 1, without envelope.

    `tilt_db` is the fall of the source's harmonics per octave: 12 is soft, 6 is strained. `onset` is the
    starting phase in cycles.
    """
    middle_hz = float(np.mean(freq_hz))
    n_harmonics = int(min(12_000.0 / max(middle_hz, 20.0), 150)) + 1
    orders = np.arange(1, n_harmonics + 1, dtype=np.float32)
    amplitudes = tract_gain(orders * np.float32(middle_hz), formants) * orders ** np.float32(
        -tilt_db / 6.0206
    )
    return dsp.harmonics(freq_hz, len(freq_hz), amplitudes.tolist(), onset or 0.0)


def utter(
    rng: np.random.Generator,
    freq_hz: dsp.Signal,
    mouth: Sequence[tuple[float, Formants]],
    *,
    tilt_db: Decibels = 8.0,
    noise: float = 0.2,
    rough: float = 0.05,
    rough_hz: float = 100.0,
) -> dsp.Signal:
    """Return a call as an animal makes it, peak 1, without envelope.

    Glottal pulses and a breath that pulses with them, through formants that stay where they are while the
    pitch moves. `mouth` places its shapes between 0 and 1 of the length. `rough` is the irregularity of the
    pulses, as a share of the pitch, and `rough_hz` its speed; `tilt_db` is as for `cry`.
    """
    n_samples = len(freq_hz)
    freq_hz = with_jitter(rng, freq_hz, rough, rough_hz)
    pulses = dsp.harmonics(freq_hz, n_samples, dsp.rolloff(80, tilt_db))
    source = pulses + np.float32(noise) * dsp.white(rng, n_samples) * (
        np.float32(0.5) + np.float32(0.5) * pulses
    )
    out = np.float32(0.01) * source
    shares = np.linspace(0.0, 1.0, n_samples, dtype=np.float32)
    shapes = list({id(formants): formants for _, formants in mouth}.values())
    for shape in shapes:
        opening = np.interp(shares, [at for at, _ in mouth], [float(held is shape) for _, held in mouth])
        out += dsp.formants(source * opening.astype(np.float32), shape)
    return dsp.unit(out)


def morph(parts: Sequence[dsp.Signal], shape: Sequence[float] | None = None) -> dsp.Signal:
    """Return equally long versions of one cry, crossfaded one after the other: a mouth that opens and closes.

    `shape` places each part's peak between 0 and 1; evenly without it.
    """
    n_samples = len(parts[0])
    at = np.linspace(0.0, 1.0, len(parts)) if shape is None else np.asarray(shape)
    x = np.linspace(0.0, 1.0, n_samples, dtype=np.float32)
    out = np.zeros(n_samples, dtype=np.float32)
    for k, part in enumerate(parts):
        out += part * np.interp(x, at, np.eye(len(parts))[k]).astype(np.float32)
    return out


def breath(rng: np.random.Generator, n_samples: int, formants: Formants) -> dsp.Signal:
    """Return noise through the tract, RMS 1: the voiceless version of a cry."""
    n_fft = fft.next_fast_len(max(n_samples, 64), real=True)
    n_bins = n_fft // 2 + 1
    bins_hz = np.arange(n_bins, dtype=np.float32) * np.float32(SAMPLE_RATE_HZ / n_fft)
    gain = tract_gain(bins_hz, formants) * np.minimum(bins_hz / 150.0, 1.0)
    draws = rng.standard_normal((n_bins, 2), dtype=np.float32).view(np.complex64)[:, 0]
    noise = np.asarray(fft.irfft(draws * gain, n_fft), dtype=np.float32)[:n_samples]
    return np.asarray(noise / (np.std(noise) + 1e-12), dtype=np.float32)


def glide(length_s: Seconds, *points: tuple[float, float]) -> dsp.Signal:
    """Return a pitch curve over `length_s` through (share of the length, Hz), smooth between the points."""
    n_samples = max(seconds_to_samples(length_s), 16)
    shares, hz = np.array(points).T
    x = np.linspace(0.0, 1.0, n_samples // 96 + 8)
    index = np.clip(np.searchsorted(shares, x, side="right") - 1, 0, len(shares) - 2)
    blend = (x - shares[index]) / np.maximum(shares[index + 1] - shares[index], 1e-9)
    blend = 0.5 - 0.5 * np.cos(np.pi * np.clip(blend, 0.0, 1.0))
    return dsp.from_control(hz[index] + (hz[index + 1] - hz[index]) * blend, n_samples)


def with_jitter(
    rng: np.random.Generator, freq_hz: dsp.Signal, amount: float, rate_hz: float = 30.0
) -> dsp.Signal:
    """Return the pitch curve with the small, quick unsteadiness of a living voice; `amount` as a share."""
    curve = dsp.drift(rng, len(freq_hz), rate_hz) - np.float32(0.5)
    return np.asarray(freq_hz * (1.0 + 2.0 * amount * curve), dtype=np.float32)


def hold(n_samples: int, attack_s: Seconds, release_s: Seconds) -> dsp.Signal:
    """Return an envelope that rises.

    Stays at 1 and falls, smooth at both ends and fitted into `n_samples`.
    """
    scale = min(1.0, n_samples / SAMPLE_RATE_HZ / max(attack_s + release_s, 1e-6))
    n_attack, n_release = (max(int(t * scale * SAMPLE_RATE_HZ), 1) for t in (attack_s, release_s))
    out = np.ones(n_samples, dtype=np.float32)
    n_attack, n_release = min(n_attack, n_samples), min(n_release, n_samples)
    out[:n_attack] *= 0.5 - 0.5 * np.cos(np.pi * (np.arange(n_attack) + 0.5) / n_attack)
    out[n_samples - n_release :] *= 0.5 + 0.5 * np.cos(np.pi * (np.arange(n_release) + 0.5) / n_release)
    return out
