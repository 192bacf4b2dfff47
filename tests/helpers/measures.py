"""Figures of a sound, which tests compare with bands: its energy by frequency, and its course in time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import signal

RATE_HZ = 48_000


def mixdown(audio):
    """Return one channel: the left of two, so that nothing cancels."""
    return np.asarray(audio[0], dtype=np.float64)


def centroid_hz(audio):
    """Return the mean frequency of the power spectrum."""
    hz, power = signal.welch(mixdown(audio), RATE_HZ, nperseg=4096)
    return float(np.sum(hz * power) / np.sum(power))


def band_share(audio, low_hz, high_hz):
    """Return the share of the power between two frequencies."""
    hz, power = signal.welch(mixdown(audio), RATE_HZ, nperseg=8192)
    return float(np.sum(power[(hz >= low_hz) & (hz < high_hz)]) / np.sum(power))


def peak_hz(audio):
    """Return the frequency of the highest point of the spectrum."""
    hz, power = signal.welch(mixdown(audio), RATE_HZ, nperseg=16_384)
    return float(hz[np.argmax(power)])


def flatness(audio):
    """Return the power's geometric over arithmetic mean, 50 Hz to 16 kHz: 1 for noise, near 0 for tones."""
    hz, power = signal.welch(mixdown(audio), RATE_HZ, nperseg=2048)
    power = power[(hz > 50) & (hz < 16_000)]
    return float(np.exp(np.mean(np.log(power + 1e-20))) / np.mean(power))


def crest_db(audio):
    """Return the peak over RMS of the whole."""
    x = mixdown(audio)
    return float(20 * np.log10(np.max(np.abs(x)) / np.sqrt(np.mean(x**2))))


def level_curve(audio, step_s=0.005):
    """Return the RMS in steps."""
    x = mixdown(audio)
    n = int(step_s * RATE_HZ)
    return np.sqrt(np.mean(x[: len(x) // n * n].reshape(-1, n) ** 2, axis=1))


def steadiness_db(audio):
    """Return the standard deviation of the level of half seconds, in dB: near 0 for a steady texture."""
    return float(np.std(20 * np.log10(level_curve(audio, 0.5) + 1e-9)))


def onset_times_s(audio, step_s=0.01, rise_db=10.0, floor_db=-25.0, dead_s=0.06):
    """Return the times at which the level rises by `rise_db` in 30 ms, to `floor_db` of the loudest."""
    level_db = 20 * np.log10(level_curve(audio, step_s) + 1e-7)
    level_db = np.concatenate([np.full(3, -140.0), level_db])
    times, last = [], -1.0
    for k in range(3, len(level_db)):
        time_s = (k - 3) * step_s
        rises = level_db[k] - level_db[k - 3 : k].min() >= rise_db and level_db[k] > level_db[k - 1]
        if rises and level_db[k] > level_db.max() + floor_db and time_s - last >= dead_s:
            times.append(time_s)
            last = time_s
    return times


def onset_rate_hz(audio, **kwargs):
    """Return the onsets a second."""
    return len(onset_times_s(audio, **kwargs)) / (audio.shape[1] / RATE_HZ)


def onset_gap_s(audio, **kwargs):
    """Return the median time between onsets."""
    times = onset_times_s(audio, **kwargs)
    return float(np.median([b - a for a, b in pairwise(times)]))


def silent_share(audio):
    """Return the share of the time that is more than 40 dB below the loudest tenth of a second."""
    level = level_curve(audio, 0.02)
    return float(np.mean(level < 0.01 * level.max()))


def modulation_peak_hz(audio, low_hz, high_hz):
    """Return the strongest rate of amplitude modulation in a range."""
    level = level_curve(audio, 0.001)
    hz, power = signal.welch(level - level.mean(), 1000.0, nperseg=min(len(level), 2048))
    inside = (hz >= low_hz) & (hz <= high_hz)
    return float(hz[inside][np.argmax(power[inside])])


def modulation_depth(audio):
    """Return the standard deviation over mean of the level in steps of 20 ms."""
    level = level_curve(audio, 0.02)
    return float(np.std(level) / np.mean(level))


def harmonicity(audio, low_hz=60.0, high_hz=1500.0):
    """Return the highest normalised autocorrelation in a range, median of loud frames: 1 for a tone."""
    x = mixdown(audio)
    n = 4096
    frames = x[: len(x) // n * n].reshape(-1, n)
    loud = frames[np.sum(frames**2, axis=1) > 0.1 * np.max(np.sum(frames**2, axis=1))]
    spectra = np.abs(np.fft.rfft(loud * np.hanning(n), 2 * n, axis=1)) ** 2
    lags = slice(int(RATE_HZ / high_hz), int(RATE_HZ / low_hz))
    correlation = np.fft.irfft(spectra, axis=1)
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(n), 2 * n)) ** 2)
    normal = correlation[:, lags] / correlation[:, :1] / (window[lags] / window[0])
    return float(np.median(np.max(normal, axis=1)))


def pitch_hz(audio, low_hz=60.0, high_hz=1500.0):
    """Return the median pitch of the louder frames, by autocorrelation."""
    x = mixdown(audio)
    n = 4096
    frames = x[: len(x) // n * n].reshape(-1, n)
    loud = frames[np.sum(frames**2, axis=1) > 0.1 * np.max(np.sum(frames**2, axis=1))]
    spectra = np.abs(np.fft.rfft(loud * np.hanning(n), 2 * n, axis=1)) ** 2
    correlation = np.fft.irfft(spectra, axis=1)[:, :n]
    first, last = int(RATE_HZ / high_hz), int(RATE_HZ / low_hz)
    pitches = []
    for row in correlation:
        peaks, _ = signal.find_peaks(row[first:last], height=0.6 * row[first:last].max())
        if len(peaks):
            pitches.append(RATE_HZ / (peaks[0] + first))
    return float(np.median(pitches)) if pitches else 0.0


def decay_s(audio, drop_db=30.0):
    """Return the time in which the first event falls by `drop_db` from its peak, in steps of 5 ms."""
    level_db = 20 * np.log10(level_curve(audio) + 1e-9)
    top = int(np.argmax(level_db[:400]))
    below = np.nonzero(level_db[top:] < level_db[top] - drop_db)[0]
    return float(below[0] * 0.005) if len(below) else float("inf")


def channel_correlation(audio):
    """Return the correlation of the two channels: 1 for mono, near 0 for independent noise."""
    return float(np.corrcoef(audio[0], audio[1])[0, 1])
