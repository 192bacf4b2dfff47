"""The last step of every sound: no offset, no click at an edge, one peak level."""

from __future__ import annotations

import numpy as np
from pedalboard import HighpassFilter

from copilot.units import SAMPLE_RATE_HZ, Audio, db_to_gain, seconds_to_samples
from renderers.procedural.dsp.base import Signal

PEAK_DB = -3.0
FADE_S = 0.003
KNEE_DB = 11.0


def level_rms(x: Audio) -> float:
    """Return the root mean square over all samples and channels."""
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


def unit(x: Signal) -> Signal:
    """Return `x` scaled to a peak of 1; silence stays silence."""
    peak = float(np.max(np.abs(x), initial=0.0))
    return x / np.float32(peak) if peak > 0 else x.copy()


def tame(audio: Audio) -> Audio:
    """Saturate softly the peaks of more than `KNEE_DB` above the level of the sounding parts.

    No sample ends more than 6 dB above that knee, so that a rare click does not push a whole sound down when
    its loudness is set. Everything below the knee is left as it is.
    """
    n_block = min(seconds_to_samples(0.4), audio.shape[1])
    n_whole = audio.shape[1] // n_block * n_block
    energy = np.mean(np.square(audio[:, :n_whole]).reshape(audio.shape[0], -1, n_block), axis=(0, 2))
    level = np.sqrt(np.sum(energy**2) / max(float(np.sum(energy)), 1e-20))
    knee = np.float32(level * db_to_gain(KNEE_DB))
    out = audio.copy()
    beyond = np.abs(out) > knee
    peaks = out[beyond]
    out[beyond] = np.sign(peaks) * knee * (1.0 + np.tanh(np.abs(peaks) / knee - 1.0)) if knee > 0 else peaks
    return out


def finish(audio: Audio) -> Audio:
    """Finish a sound: no offset, no click at either edge, equal channels, peak at -3 dBFS.

    A 12 Hz high-pass removes the offset, `tame` rounds rare peaks, raised-cosine fades of 3 ms close the
    edges, and two channels are brought to equal energy. Raises ValueError for a sound that is not finite or
    is silent.
    """
    if audio.ndim != 2 or audio.shape[0] not in (1, 2):
        raise ValueError(f"audio: shape {audio.shape} is not (1 or 2, n_samples)")
    if not np.isfinite(audio).all():
        raise ValueError("audio: not finite")
    steady = HighpassFilter(12.0).process(np.asarray(audio, dtype=np.float32), SAMPLE_RATE_HZ)
    out = tame(np.asarray(steady, dtype=np.float32))
    n_fade = min(seconds_to_samples(FADE_S), out.shape[1] // 2)
    fade = (0.5 - 0.5 * np.cos(np.pi * np.arange(n_fade) / max(n_fade, 1))).astype(np.float32)
    out[:, :n_fade] *= fade
    out[:, out.shape[1] - n_fade :] *= fade[::-1]
    if out.shape[0] == 2:
        energy = np.sqrt(np.mean(np.square(out), axis=1, keepdims=True))
        out *= np.sqrt(np.prod(energy)) / np.maximum(energy, np.float32(1e-9))
    peak = float(np.max(np.abs(out), initial=0.0))
    if peak < 1e-6:
        raise ValueError("audio: silent")
    return out * np.float32(db_to_gain(PEAK_DB) / peak)
