"""The border where sound becomes what a listener takes: mono, finite, at the listener's rate.

Stereo becomes the mean of its channels. Loudness stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import soxr
from numpy.typing import NDArray

from copilot.errors import RowFault
from listeners.contract import Clip, HearingFailure

if TYPE_CHECKING:
    from listeners.contract import Mono

A = TypeVar("A")

PREPARATION = "mean,soxr-hq"
"""How sound is prepared, for fingerprints."""


def prepare_audio(audio: NDArray[np.floating], rate_hz: int, listener_rate_hz: int) -> Mono:
    """Return a sound, (channels, samples), in mono at the listener's rate.

    Raises RowFault with reason `audio-layout`, `audio-empty` or `audio-not-finite`.
    """
    if audio.ndim != 2 or rate_hz <= 0:
        raise RowFault(
            "audio-layout", f"an array of shape {audio.shape} at {rate_hz} Hz; expected (channels, samples)"
        )
    if not audio.size:
        raise RowFault("audio-empty", "no sample")
    mono = audio.mean(axis=0, dtype=np.float32)
    if not np.isfinite(mono).all():
        raise RowFault("audio-not-finite", "the sound holds NaN or infinity")
    if rate_hz != listener_rate_hz:
        mono = soxr.resample(mono, rate_hz, listener_rate_hz, quality="HQ")
    if not mono.size:
        raise RowFault("audio-empty", f"too short for one sample at {listener_rate_hz} Hz")
    return np.ascontiguousarray(mono, dtype=np.float32)


def hear_sound_clips(
    clips: Sequence[Clip], hear: Callable[[Sequence[Clip]], Sequence[A]]
) -> list[A | HearingFailure]:
    """Return the answers of `hear` to the clips that hold sound, and a failure for each of the others.

    A clip without samples fails with `audio-empty`, one with NaN or infinity with `audio-not-finite`, one
    that is not mono with `audio-layout`.
    """
    faults = [_find_fault(clip) for clip in clips]
    sound = [clip for clip, fault in zip(clips, faults, strict=True) if fault is None]
    answers = iter(hear(sound) if sound else ())
    return [next(answers) if fault is None else fault for fault in faults]


def _find_fault(clip: Clip) -> HearingFailure | None:
    audio = clip.audio
    if audio.ndim != 1:
        return HearingFailure("audio-layout", f"an array of shape {audio.shape}; expected (samples,)")
    if not audio.size:
        return HearingFailure("audio-empty", "no sample")
    if not np.isfinite(audio).all():
        return HearingFailure("audio-not-finite", "the sound holds NaN or infinity")
    return None
