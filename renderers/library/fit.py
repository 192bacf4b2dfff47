"""Recordings fitted to a duration: a texture loops, an event is heard once, a long one gives its best part.

A texture is a steady sound, or one that repeats evenly.

Pure functions on float32 (channels, samples). Levels are those of frames of 50 ms, in dB of their power.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from copilot.units import Audio, Seconds, db_to_gain, seconds_to_samples
from renderers.endings import end_in_quiet
from renderers.library.rhythm import find_beats

Kind = Literal["texture", "event"]

_DIGITAL_SILENCE_DB = -80.0
"""Below the peak: padding with zeros, or with the dither of 16 bits."""

_FRAME_S: Seconds = 0.05
_STEADY_DB = 16.0
"""Range of a steady sound's levels, without the lowest and the highest tenth."""

_STANDS_OUT_DB = 20.0
"""A frame so far above the median is an event on a quiet background."""

_SHORTEST_TEXTURE_S: Seconds = 2.5
"""A single crow or bark is steady too while it lasts; its loop would repeat an event."""

_ONSET_DB = -40.0
_LEAD_S: Seconds = 0.05
_LOSS_DB = 1.0
"""Energy that a stretch may lose for a start in a quieter moment."""

_LONGEST_CROSSFADE_S: Seconds = 1.0
_CROSSFADE_OF_BEATS_S: Seconds = 0.1
"""Short enough for the quiet between two ticks."""

_FADE_S: Seconds = 0.01
_RELEASE_S: Seconds = 0.2
_FLOOR = 1e-12


@dataclass(frozen=True, slots=True)
class Fitted:
    """The sound, the sample of the trimmed recording where it begins, and the kind of the recording.

    The first `n_heard` samples are followed by digital silence.
    """

    audio: Audio
    start: int
    kind: Kind
    n_heard: int


def fit(recording: Audio, rate_hz: int, n_samples: int, kind: Kind | None = None) -> Fitted:
    """Return exactly `n_samples` of a recording without digital silence at its ends; a new array."""
    kind = kind or classify(recording, rate_hz)
    first = find_onset(recording, rate_hz) if kind == "event" else 0
    sound = recording[:, first:]
    if sound.shape[1] >= n_samples:
        start = find_liveliest(sound, rate_hz, n_samples)
        part = sound[:, start : start + n_samples]
        if kind == "event" and sound.shape[1] > start + n_samples:
            part = end_in_quiet(part, rate_hz)
        return Fitted(_fade(part, rate_hz, _FADE_S), first + start, kind, n_samples)
    if kind == "texture":
        loop = make_loop(sound, rate_hz, n_samples)
        return Fitted(_fade(loop, rate_hz, _FADE_S), first, kind, n_samples)
    # The background of an event ends with it, so the fade is longer.
    once = _fade(sound, rate_hz, _RELEASE_S)
    n_heard = once.shape[1]
    return Fitted(np.pad(once, ((0, 0), (0, n_samples - n_heard))), first, kind, n_heard)


def find_heard_span(audio: Audio) -> tuple[int, int]:
    """Return first sample and end of what is not digital silence; equal if there is only silence."""
    levels = np.abs(audio).max(axis=0, initial=0.0)
    heard = np.flatnonzero(levels > levels.max(initial=0.0) * db_to_gain(_DIGITAL_SILENCE_DB))
    return (int(heard[0]), int(heard[-1]) + 1) if heard.size else (0, 0)


def classify(audio: Audio, rate_hz: int) -> Kind:
    """Return `texture` for a sound that is long enough, and steady or evenly repeated."""
    if audio.shape[1] < seconds_to_samples(_SHORTEST_TEXTURE_S, rate_hz):
        return "event"
    return "texture" if _is_steady(audio, rate_hz) or _find_beats(audio, rate_hz) else "event"


def find_onset(audio: Audio, rate_hz: int) -> int:
    """Return the sample where an event begins: 50 ms before the first frame within 40 dB of the loudest."""
    levels = _measure_levels_db(audio, rate_hz)
    first = int(np.argmax(levels >= levels.max() + _ONSET_DB))
    frame = seconds_to_samples(_FRAME_S, rate_hz)
    return max(first * frame - seconds_to_samples(_LEAD_S, rate_hz), 0)


def find_liveliest(audio: Audio, rate_hz: int, n_samples: int) -> int:
    """Return the start of the `n_samples` with the most energy, or 1 dB less if they begin in a quiet moment.

    Of several moments that are about as quiet it is the latest, so that the event comes soon.
    """
    step = max(seconds_to_samples(_FRAME_S, rate_hz) // 5, 1)
    power = np.square(audio, dtype=np.float64).sum(axis=0)
    energy = np.concatenate([[0.0], np.cumsum(power)])
    starts = np.arange(0, audio.shape[1] - n_samples + 1, step)
    inside = energy[starts + n_samples] - energy[starts]
    good = starts[inside >= inside.max() * 10.0 ** (-_LOSS_DB / 10.0)]
    # Level around each start, over 50 ms.
    half = seconds_to_samples(_FRAME_S, rate_hz) // 2
    left, right = np.maximum(good - half, 0), np.minimum(good + half, power.size)
    around = (energy[right] - energy[left]) / np.maximum(right - left, 1)
    return int(good[np.flatnonzero(around <= 2.0 * around.min() + _FLOOR)[-1]])


def make_loop(audio: Audio, rate_hz: int, n_samples: int) -> Audio:
    """Return `n_samples` of a texture, repeated with equal-power cross-fades of a quarter of it, up to 1 s.

    Fades at the recording's start and end are not repeated. A sound that is evenly repeated, and not steady,
    stays in time: the loop has whole periods, cross-faded over 0.1 s in the quiet between two.
    """
    in_time = None if _is_steady(audio, rate_hz) else _find_beats(audio, rate_hz)
    if in_time:
        first, n_periods = in_time
        n_fade = seconds_to_samples(_CROSSFADE_OF_BEATS_S, rate_hz)
        part = audio[:, first : first + n_periods + n_fade]
    else:
        part = _cut_fades(audio, rate_hz)
        n_fade = min(seconds_to_samples(_LONGEST_CROSSFADE_S, rate_hz), part.shape[1] // 4)
    length = part.shape[1]
    angle = (np.arange(n_fade) + 0.5) / max(n_fade, 1) * (np.pi / 2.0)
    out = np.zeros((part.shape[0], n_samples + length), dtype=np.float32)
    for place in range(0, n_samples, length - n_fade):
        piece = part.copy()
        if place:
            piece[:, :n_fade] *= np.sin(angle).astype(np.float32)
        piece[:, length - n_fade :] *= np.cos(angle).astype(np.float32)
        out[:, place : place + length] += piece
    return out[:, :n_samples]


def _is_steady(audio: Audio, rate_hz: int) -> bool:
    """Return whether the levels are close together, and no moment stands out."""
    levels = _measure_levels_db(audio, rate_hz)
    low, median, high = np.percentile(levels, [10, 50, 90])
    return bool(high - low <= _STEADY_DB and levels.max() - median <= _STANDS_OUT_DB)


def _find_beats(audio: Audio, rate_hz: int) -> tuple[int, int] | None:
    return find_beats(audio, rate_hz, seconds_to_samples(_CROSSFADE_OF_BEATS_S, rate_hz))


def _cut_fades(audio: Audio, rate_hz: int) -> Audio:
    """Return the part from the first to the last frame within 6 dB of the median, if it is half or more."""
    levels = _measure_levels_db(audio, rate_hz)
    frame = seconds_to_samples(_FRAME_S, rate_hz)
    full = np.flatnonzero(levels >= np.median(levels) - 6.0)
    first, end = int(full[0]) * frame, int(full[-1] + 1) * frame
    if full[-1] + 1 == levels.size:  # the rest behind the last whole frame belongs to it
        end = audio.shape[1]
    return audio[:, first:end] if 2 * (end - first) >= audio.shape[1] else audio


def _measure_levels_db(audio: Audio, rate_hz: int) -> NDArray[np.float64]:
    """Return the level of each whole frame of 50 ms; of all samples if there is no whole frame."""
    power = np.square(audio, dtype=np.float64).mean(axis=0)
    frame = min(seconds_to_samples(_FRAME_S, rate_hz), power.size)
    n_frames = power.size // frame
    frames = power[: n_frames * frame].reshape(n_frames, frame).mean(axis=1)
    levels: NDArray[np.float64] = 10.0 * np.log10(frames + _FLOOR)
    return levels


def _fade(sound: Audio, rate_hz: int, release_s: Seconds) -> Audio:
    """Return a copy with raised-cosine fades, each up to a quarter of it: 10 ms in, `release_s` out."""
    faded = sound.copy()
    n_in, n_out = (
        min(seconds_to_samples(fade_s, rate_hz), sound.shape[1] // 4) for fade_s in (_FADE_S, release_s)
    )
    faded[:, :n_in] *= _make_rise(n_in)
    faded[:, faded.shape[1] - n_out :] *= _make_rise(n_out)[::-1]
    return faded


def _make_rise(n_samples: int) -> NDArray[np.float32]:
    """Return a curve from silence to full level."""
    rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(n_samples) / max(n_samples, 1))
    return rise.astype(np.float32)
