"""True peak after ITU-R BS.1770-4, annex 2: the largest value of the signal oversampled four times.

Only the stretches that can hold the peak are oversampled: the output of an interpolation filter is bounded
by its largest input sample times the sum of its coefficients' magnitudes. The result is exact.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import firwin

from copilot.units import Decibels, gain_to_db

_FACTOR = 4
_TAPS = 12
_BLOCK = 32
_STRETCH = 16 * _BLOCK
_AHEAD = _TAPS - 1
"""Samples after a stretch that its filter reads."""


@cache
def _interpolator() -> tuple[NDArray[np.float32], float]:
    """Return the matrix that oversamples a block with its surroundings four times, and its bound."""
    phases = firwin(_FACTOR * _TAPS + 1, 1.0 / _FACTOR, window="hann")[:-1].reshape(_TAPS, _FACTOR) * _FACTOR
    matrix = np.zeros((_BLOCK + _TAPS - 1, _BLOCK, _FACTOR), dtype=np.float32)
    for position in range(_BLOCK):
        matrix[position : position + _TAPS, position] = phases[::-1]
    return matrix.reshape(_BLOCK + _TAPS - 1, -1), float(np.abs(phases).sum(axis=0).max())


def interpolation_bound() -> float:
    """Return the largest ratio of an oversampled signal's peak to that of its samples."""
    return _interpolator()[1]


def true_peak(*signals: NDArray[np.floating]) -> float:
    """Return the highest true peak of signals (channels, samples), in the unit of their samples.

    0 for no samples.
    """
    peak = 0.0
    for signal in signals:
        for channel in signal:
            peak = _peak_above(channel, peak)
    return peak


def _peak_above(channel: NDArray[np.floating], known: float) -> float:
    """Return the true peak of one channel, or `known` if that is higher."""
    n_stretches = -(-channel.size // _STRETCH) + 1
    padded = np.zeros(n_stretches * _STRETCH + _AHEAD, dtype=np.float32)
    padded[_TAPS // 2 : _TAPS // 2 + channel.size] = channel
    stretches = np.lib.stride_tricks.sliding_window_view(padded, _STRETCH + _AHEAD)[::_STRETCH]
    loudest = _magnitude(stretches)
    bound = interpolation_bound()
    peak = max(known, float(loudest.max()))
    # The loudest stretches first: with a high peak known, most of the others can be skipped.
    for least in (0.9 * float(loudest.max()), 0.0):
        peak = _oversampled_peak(stretches[(loudest >= least) & (loudest * bound > peak)], peak)
    return peak


def _oversampled_peak(stretches: NDArray[np.float32], known: float) -> float:
    matrix, bound = _interpolator()
    windows = np.lib.stride_tricks.sliding_window_view(stretches, _BLOCK + _AHEAD, axis=1)[:, ::_BLOCK]
    windows = windows[_magnitude(windows) * bound > known]
    return max(known, float(_magnitude(windows @ matrix).max(initial=0.0)))


def _magnitude(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    highest: NDArray[np.float32] = np.maximum(rows.max(axis=-1), -rows.min(axis=-1))
    return highest


def true_peak_dbtp(samples: NDArray[np.float32]) -> Decibels:
    """Return the true peak of float audio in dBTP, full scale 1.0; `DIGITAL_SILENCE_DB` for silence."""
    return gain_to_db(true_peak(samples))
