"""Fades, which keep a cut from clicking."""

from __future__ import annotations

import numpy as np

from copilot.units import Audio, Seconds, seconds_to_samples

FADE_S: Seconds = 0.005


def fade_out(sound: Audio) -> Audio:
    """Return a copy of (channels, samples) at 48 kHz with a linear fade of at most 5 ms at its end."""
    n_fade = min(seconds_to_samples(FADE_S), sound.shape[1])
    faded = sound.copy()
    faded[:, sound.shape[1] - n_fade :] *= (np.arange(n_fade, 0, -1) / (n_fade + 1)).astype(np.float32)
    return faded
