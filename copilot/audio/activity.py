"""The active span of a recording: the first and the last moment that stand out from its background."""

from __future__ import annotations

import numpy as np

from copilot.units import SAMPLE_RATE_HZ, Audio, Seconds, samples_to_seconds

_FRAME = SAMPLE_RATE_HZ // 100
_BELOW_LOUDEST_DB = -40.0


def active_span(audio: Audio) -> tuple[Seconds, Seconds]:
    """Return the start and end of the activity, in seconds from the start of (channels, samples).

    A frame of 10 ms is active if its power is within 40 dB of the loudest frame's. (0, 0) for silence.
    """
    n_channels, n_samples = audio.shape
    n_whole = n_samples // _FRAME
    whole = audio[:, : n_whole * _FRAME].reshape(n_channels, n_whole, _FRAME)
    rest = audio[:, n_whole * _FRAME :]
    frames = np.append(np.einsum("cfs,cfs->f", whole, whole), np.einsum("cs,cs->", rest, rest))
    loudest = float(frames.max(initial=0.0))
    if loudest == 0.0:
        return 0.0, 0.0
    active = np.flatnonzero(frames > loudest * 10.0 ** (_BELOW_LOUDEST_DB / 10.0))
    end = min(int(active[-1] + 1) * _FRAME, n_samples)
    return samples_to_seconds(int(active[0]) * _FRAME), samples_to_seconds(end)
