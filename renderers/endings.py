"""Endings of sounds made of events: a short event that the end would cut off is left out."""

from __future__ import annotations

import numpy as np

from copilot.units import Audio, Seconds, db_to_gain, seconds_to_samples

_FRAME_S: Seconds = 0.02
_QUIET_DB = -30.0
_SEARCHED_S: Seconds = 0.6
"""A quiet moment is looked for in so much of the end, or a third of the sound: a longer event is heard."""


def end_in_quiet(audio: Audio, rate_hz: int) -> Audio:
    """Return the sound without the event that its end would cut off: silence after its last quiet moment.

    A moment of 20 ms is quiet if it is 30 dB below the peak. The same array is returned if the sound ends
    quietly already, or has no quiet moment near its end, as a steady sound has none.
    """
    frame = seconds_to_samples(_FRAME_S, rate_hz)
    n_frames = audio.shape[1] // frame
    if n_frames == 0:
        return audio
    # Frames are counted from the end, so that the last one is whole.
    tail = np.abs(audio[:, audio.shape[1] - n_frames * frame :]).max(axis=0).reshape(n_frames, frame)
    peaks = tail.max(axis=1)
    quiet = peaks <= np.abs(audio).max() * db_to_gain(_QUIET_DB)
    quiet[: n_frames - min(round(_SEARCHED_S / _FRAME_S), n_frames // 3)] = False
    if quiet[-1] or not quiet.any():
        return audio
    last = int(np.flatnonzero(quiet)[-1])
    end = audio.shape[1] - (n_frames - last - 1) * frame
    ended = audio.copy()
    ended[:, end:] = 0.0
    ended[:, end - frame : end] *= np.linspace(1.0, 0.0, frame, dtype=np.float32)
    return ended
