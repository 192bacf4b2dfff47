"""The pitch of speech, measured."""

from __future__ import annotations

import numpy as np

from renderers.contract import RenderedSound


def periodicity(sound: RenderedSound) -> tuple[float, float]:
    """The median fundamental frequency in Hz of the voiced frames, and their share of the loud ones."""
    signal_, n_frame = sound.audio[0].astype(float), 1024
    shortest, longest = sound.rate_hz // 400, sound.rate_hz // 60
    periods, n_loud = [], 0
    for start in range(0, signal_.size - n_frame, n_frame // 2):
        frame = signal_[start : start + n_frame]
        if np.sqrt(np.mean(frame**2)) < 0.02:
            continue
        n_loud += 1
        correlation = np.correlate(frame, frame, "full")[n_frame - 1 :] / np.sum(frame**2)
        peaks = [
            lag
            for lag in range(shortest, longest)
            if correlation[lag - 1] <= correlation[lag] >= correlation[lag + 1]
        ]
        best = max((correlation[lag] for lag in peaks), default=0.0)
        if best > 0.5:
            periods.append(next(lag for lag in peaks if correlation[lag] > 0.9 * best))
    return (sound.rate_hz / float(np.median(periods)) if periods else 0.0), len(periods) / n_loud
