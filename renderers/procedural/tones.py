"""Pitched sound: cheap steady tones, plucked and struck strings, bars and bells, ensembles, a room.

Every function gives float32 samples at 48 kHz and loops over partials or notes, never over samples. Partials
above `TOP_HZ` are left out, so that nothing folds back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pedalboard import Reverb
from scipy import fft

from copilot.units import SAMPLE_RATE_HZ, Audio, Seconds, seconds_to_samples
from renderers.procedural import dsp
from renderers.procedural.dsp import Signal

TOP_HZ = 18_000.0

# Ratios of partials to the lowest, from the theory of thin bodies (Fletcher and Rossing, The Physics of
# Musical Instruments): a bar free at both ends, a bar clamped at one end, a circular membrane, a plate's rim.
FREE_BAR = (1.0, 2.756, 5.404, 8.933, 13.34)
CLAMPED_BAR = (1.0, 6.267, 17.55)
MEMBRANE = (1.0, 1.594, 2.136, 2.296, 2.653, 2.918, 3.156, 3.501)
GLASS = (1.0, 2.32, 4.25, 6.63, 9.38)
# A church bell by its named partials, from the strike note: hum, prime, tierce, quint, nominal and above.
CHURCH_BELL = (0.5, 1.0, 1.183, 1.506, 2.0, 2.514, 2.662, 3.011, 4.166, 5.433)

_TABLE_BITS = 14


@lru_cache(maxsize=256)
def _table(amplitudes: tuple[float, ...]) -> Signal:
    spectrum = np.zeros((1 << _TABLE_BITS) // 2 + 1, dtype=np.complex128)
    spectrum[1 : len(amplitudes) + 1] = -1j * np.array(amplitudes)
    wave = np.fft.irfft(spectrum)
    return np.asarray(wave / np.max(np.abs(wave)), dtype=np.float32)


def tone(
    hz: float | Signal, n_samples: int, amplitudes: Sequence[float] = (1.0,), start: float = 0.0
) -> Signal:
    """Return a periodic tone with these amplitudes of its harmonics, peak 1; `start` in cycles.

    A table of 16,384 points read without interpolation, for chords of many voices: a third of the cost of
    `dsp.harmonics`, with an error more than 75 dB below a sine.
    """
    highest_hz = float(np.max(hz, initial=1.0)) if isinstance(hz, np.ndarray) else hz
    n_kept = max(min(len(amplitudes), int(TOP_HZ / highest_hz)), 1)
    table = _table(tuple(float(a) for a in amplitudes[:n_kept]))
    if isinstance(hz, np.ndarray):
        cycles = np.cumsum(hz, dtype=np.float64)
        points = (cycles - cycles[0]) * (len(table) / SAMPLE_RATE_HZ) + start * len(table)
        return np.asarray(table[points.astype(np.int64) & (len(table) - 1)], dtype=np.float32)
    # The phase is a 32-bit integer whose overflow is the period: exact, and free of rounding over any length.
    step = np.uint32(round(hz / SAMPLE_RATE_HZ * 2**32) % 2**32)
    turn = np.arange(n_samples, dtype=np.uint32) * step + np.uint32(int(start % 1.0 * 2**32))
    return np.asarray(table[turn >> np.uint32(32 - _TABLE_BITS)], dtype=np.float32)


def line(n_samples: int, values: Sequence[float] | NDArray[np.float64]) -> Signal:
    """Return straight lines through values spread evenly over the length."""
    return dsp.from_control(np.asarray(values, dtype=np.float64), n_samples)


def wobble(rng: np.random.Generator, n_samples: int, rate_hz: float) -> Signal:
    """Return a random curve around 0, RMS about 0.5, in straight lines between `rate_hz` values a second."""
    n_knots = int(np.ceil(n_samples / SAMPLE_RATE_HZ * rate_hz)) + 1
    return line(n_samples, rng.normal(0.0, 0.6, max(n_knots, 2)))


def vibrato(
    rng: np.random.Generator, n_samples: int, hz: float, *, rate_hz: float, cents: float, onset_s: Seconds
) -> Signal:
    """Return a frequency that swings by `cents`.

    Growing in over `onset_s`, with the small unrest of a player.
    """
    swing = tone(rate_hz, n_samples, start=float(rng.random()))
    grow = np.minimum(np.arange(n_samples, dtype=np.float32) / np.float32(onset_s * SAMPLE_RATE_HZ), 1.0)
    unrest = wobble(rng, n_samples, 6.0) * np.float32(3.0)
    return np.asarray(hz * (1.0 + (swing * grow * cents + unrest) * (np.log(2.0) / 1200.0)), dtype=np.float32)


def partials(
    fundamental_hz: float, ratios: Sequence[float], t60_s: Seconds, *, damping: float = 1.0, tilt: float = 0.5
) -> list[tuple[float, Seconds, float]]:
    """Return modes for `dsp.modes`: t60 falls as ratio^-damping and the amplitude as ratio^-tilt."""
    return [
        (fundamental_hz * ratio, t60_s * ratio**-damping, ratio**-tilt)
        for ratio in ratios
        if fundamental_hz * ratio < TOP_HZ
    ]


def plucked(
    hz: float, length_s: Seconds, *, t60_s: Seconds, bright: float = 1.0, at: float = 0.18, stiff: float = 0.0
) -> Signal:
    """Return a string plucked or struck at the share `at` of its length, partials stretched by `stiff`.

    Harmonic k has the amplitude sin(k pi at) / k^(2 - bright) of an ideal string and the t60 of a string
    whose losses grow with frequency; `bright` from 0 (felt) to 1 (nail).
    """
    n_samples = max(seconds_to_samples(length_s), 1)
    count = max(int(min(TOP_HZ * 0.6 / hz, 22)), 1)
    modes = [
        (
            hz * k * float(np.sqrt(1.0 + stiff * k * k)),
            t60_s / (1.0 + 0.18 * (k - 1)),
            float(np.sin(k * np.pi * at)) / k ** (2.0 - bright),
        )
        for k in range(1, count + 1)
    ]
    sound = dsp.modes(n_samples, [mode for mode in modes if mode[0] < TOP_HZ])
    return dsp.tail_off(dsp.unit(sound), min(0.06, length_s / 2))


def hold(n_samples: int, attack_s: Seconds, release_s: Seconds) -> Signal:
    """Return the envelope of a held note: raised-cosine attack and release, full in between."""
    n_attack = max(min(seconds_to_samples(attack_s), n_samples // 2), 1)
    n_release = max(min(seconds_to_samples(release_s), n_samples - n_attack), 1)
    shape = np.ones(n_samples, dtype=np.float32)
    shape[:n_attack] = 0.5 - 0.5 * np.cos(np.pi * np.arange(n_attack) / n_attack)
    shape[n_samples - n_release :] *= 0.5 + 0.5 * np.cos(np.pi * (np.arange(n_release) + 1) / n_release)
    return shape


def ensemble(
    rng: np.random.Generator,
    n_samples: int,
    pitches_hz: Sequence[float],
    gain: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    cents: float,
    n_harmonics: int = 40,
) -> Audio:
    """Return many players on each pitch, in stereo, as one inverse FFT a channel.

    RMS 1, shape (2, n_samples).

    Each harmonic is a narrow band of random phases, as wide as the players' differences in pitch
    (Nasca's PADsynth). `gain` gives the amplitude at frequencies in Hz: instrument, body and vowel in one.
    """
    n_fft = fft.next_fast_len(max(n_samples, SAMPLE_RATE_HZ // 2), real=True)
    bin_hz = SAMPLE_RATE_HZ / n_fft
    power = np.zeros(n_fft // 2 + 1)
    for pitch_hz in pitches_hz:
        harmonics_hz = pitch_hz * np.arange(1.0, int(min(n_harmonics, TOP_HZ / pitch_hz)) + 1.0)
        for hz, amplitude in zip(harmonics_hz.tolist(), gain(harmonics_hz).tolist(), strict=True):
            width_hz = hz * cents * (np.log(2.0) / 1200.0) + 0.4 * bin_hz
            low, high = int((hz - 3 * width_hz) / bin_hz), int((hz + 3 * width_hz) / bin_hz) + 2
            bins_hz = np.arange(low, high) * bin_hz
            power[low:high] += amplitude**2 / width_hz * np.exp(-(((bins_hz - hz) / width_hz) ** 2))
    n_used = min(int(TOP_HZ / bin_hz), len(power))
    angle = rng.random((2, n_used), dtype=np.float32) * np.float32(2.0 * np.pi)
    spectrum = np.zeros((2, len(power)), dtype=np.complex64)
    spectrum[:, :n_used] = np.sqrt(power[:n_used]).astype(np.float32) * (np.cos(angle) + 1j * np.sin(angle))
    sound = fft.irfft(spectrum, n_fft, axis=-1)[:, :n_samples]
    return np.asarray(sound / (dsp.level_rms(sound) + 1e-12), dtype=np.float32)


def room(audio: Audio, *, size: float = 0.5, wet: float = 0.15) -> Audio:
    """Put the sound into a room, same shape; `size` and `wet` from 0 to 1."""
    reverb = Reverb(room_size=size, damping=0.5, wet_level=wet, dry_level=0.5, width=1.0)
    return np.asarray(reverb.process(audio, SAMPLE_RATE_HZ, reset=True), dtype=np.float32)
