"""The border where sound from outside is converted and checked: 48 kHz, (channels, samples), 24 bits."""

from __future__ import annotations

import math

import numpy as np
import soxr
from numpy.typing import NDArray

from copilot.audio.fades import fade_out
from copilot.audio.pcm import STEM_BITS, Pcm, full_scale, quantise
from copilot.errors import RowFault
from copilot.units import SAMPLE_RATE_HZ, Audio, Seconds, seconds_to_samples

_SILENT_DBFS = -90.0
_SILENT = 10.0 ** (_SILENT_DBFS / 20.0)

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 1_000_000
"""Sample rates of sound: anything below or above is a mistake."""


def conform(audio: NDArray[np.floating], rate_hz: int, longest_s: Seconds | None = None) -> Pcm:
    """Return a backend's sound as 24-bit samples at 48 kHz, cut to `longest_s`, if given, with a fade.

    `audio` is (channels, samples), 1 or 2 channels. A sound that peaks above full scale is scaled down to
    it: the level means nothing before loudness is set. Raises RowFault with reason `stem-layout`,
    `stem-not-finite` or `stem-silent`.
    """
    if fault := _find_layout_fault(audio, rate_hz):
        raise RowFault("stem-layout", fault)
    sound = np.asarray(audio, dtype=np.float32)
    if not math.isfinite(_peak(sound)):
        raise RowFault("stem-not-finite", "the sound holds NaN or infinity")
    if rate_hz != SAMPLE_RATE_HZ:
        sound = np.ascontiguousarray(soxr.resample(sound.T, rate_hz, SAMPLE_RATE_HZ, quality="HQ").T)
    if longest_s is not None and sound.shape[1] > (n_longest := seconds_to_samples(longest_s)):
        sound = fade_out(sound[:, :n_longest])
    peak = _peak(sound)
    if peak <= _SILENT:
        raise RowFault("stem-silent", f"nothing above {_SILENT_DBFS:g} dBFS")
    scale = full_scale(STEM_BITS)
    highest = (scale - 1) / scale
    return quantise(sound if peak <= highest else sound * np.float32(highest / peak), STEM_BITS)


def is_silent(audio: Audio) -> bool:
    """Return whether nothing but a constant level is in the sound, (channels, samples), as in silence."""
    centre = audio.mean(axis=1)
    above, below = audio.max(axis=1) - centre, centre - audio.min(axis=1)
    return bool(max(above.max(), below.max()) <= _SILENT)


def _find_layout_fault(audio: NDArray[np.floating], rate_hz: int) -> str:
    """Return why the array is not a sound; empty if it is."""
    if audio.ndim != 2:
        return f"an array of {audio.ndim} dimensions; expected 2: channels, samples"
    n_channels, n_samples = audio.shape
    if n_samples == 0:
        return "no sample"
    if n_channels not in {1, 2}:
        return f"{n_channels} channels; expected 1 (mono) or 2 (stereo)"
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        return f"a sample rate of {rate_hz} Hz; expected {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ}"
    return ""


def _peak(sound: Audio) -> float:
    """Return the largest magnitude; NaN if the sound holds one."""
    return float(np.maximum(sound.max(initial=0.0), -sound.min(initial=0.0)))
