"""Events in time: their positions, and the sum of their grains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from copilot.units import SAMPLE_RATE_HZ, Audio, Decibels, Seconds
from renderers.procedural.dsp.base import Positions, Signal
from renderers.procedural.dsp.channels import pan_delays, pan_gains, stereo


def regular_times(
    rng: np.random.Generator,
    n_samples: int,
    period_s: Seconds,
    *,
    jitter: float = 0.1,
    tail_s: Seconds = 0.0,
    start_s: Seconds = 0.01,
    count: int = 0,
) -> Positions:
    """Return positions about `period_s` apart, each interval off by up to `jitter` (a share of the period).

    The first is at `start_s`; none but the first starts in the last `tail_s`, so that none is cut off. With a
    `count` there are as many as it says, closer together if they would not fit.
    """
    length_s = n_samples / SAMPLE_RATE_HZ
    if count:
        steps = period_s * (1.0 + jitter * rng.uniform(-1.0, 1.0, count - 1))
        steps *= min(1.0, max(length_s - tail_s - start_s, 0.0) / max(float(steps.sum()), 1e-9))
        times = start_s + np.concatenate(([0.0], np.cumsum(steps)))
        return np.floor(times * SAMPLE_RATE_HZ).astype(np.int64)
    n_events = max(int(length_s / period_s / max(1.0 - jitter, 0.1)) + 2, 1)
    steps = period_s * (1.0 + jitter * rng.uniform(-1.0, 1.0, n_events))
    times = start_s + np.concatenate(([0.0], np.cumsum(steps)))
    return _within(times, length_s - tail_s)


def grouped_times(
    rng: np.random.Generator,
    n_samples: int,
    group_s: Seconds,
    gap_s: Seconds,
    sizes: tuple[int, int],
    *,
    tail_s: Seconds,
    count: int = 0,
) -> Positions:
    """Return positions in groups about `group_s` apart, of `sizes` (fewest, most) events `gap_s` apart.

    None but the first starts in the last `tail_s`. With a `count` there is one group, of as many.
    """
    if count:
        return regular_times(rng, n_samples, gap_s, jitter=0.08, tail_s=tail_s, count=count)
    groups = regular_times(rng, n_samples, group_s, jitter=0.3, tail_s=tail_s)
    lengths = rng.integers(sizes[0], sizes[1] + 1, len(groups))
    gaps = gap_s * rng.uniform(0.9, 1.1, len(groups)) * SAMPLE_RATE_HZ
    at = np.concatenate([g + np.arange(n) * gap for g, n, gap in zip(groups, lengths, gaps, strict=True)])
    return np.sort(at[(at == at[0]) | (at < n_samples - tail_s * SAMPLE_RATE_HZ)]).astype(np.int64)


def random_times(
    rng: np.random.Generator,
    n_samples: int,
    rate_hz: float,
    *,
    tail_s: Seconds = 0.0,
    start_s: Seconds = 0.01,
) -> Positions:
    """Return positions of a Poisson process of `rate_hz` events a second, ascending.

    The first one is at `start_s`.
    """
    length_s = n_samples / SAMPLE_RATE_HZ
    n_events = int(rng.poisson(max(length_s - start_s, 0.0) * rate_hz))
    times = np.concatenate(([start_s], np.sort(rng.uniform(start_s, max(length_s, start_s), n_events))))
    return _within(times, length_s - tail_s)


def _within(times: NDArray[np.float64], limit_s: Seconds) -> Positions:
    keep = times < limit_s
    keep[0] = True
    return np.floor(times[keep] * SAMPLE_RATE_HZ).astype(np.int64)


def add_at(out: Signal, at: int, grain: Signal, gain: float = 1.0) -> None:
    """Add a grain into `out` at a position; what falls outside is cut. Changes `out`."""
    start, skip = max(int(at), 0), max(-int(at), 0)
    n = min(len(grain) - skip, len(out) - start)
    if n > 0:
        out[start : start + n] += grain[skip : skip + n] * np.float32(gain)


def scatter(
    n_samples: int, at: Positions, gains: Signal, grains: Sequence[Signal], kinds: Positions
) -> Signal:
    """Sum grains: event i is `grains[kinds[i]]` at `at[i]`, times `gains[i]`.

    Few events are added one by one; many as impulse trains through one FFT convolution for each grain.
    """
    if len(at) <= 4000 * len(grains):
        out = np.zeros(n_samples, dtype=np.float32)
        for position, gain, kind in zip(at.tolist(), gains.tolist(), kinds.tolist(), strict=True):
            stop = position + len(grains[kind])
            if position >= 0 and stop <= n_samples:
                out[position:stop] += gain * grains[kind]
            else:
                add_at(out, position, grains[kind], gain)
        return out
    longest = max(len(grain) for grain in grains)
    n_fft = fft.next_fast_len(n_samples + longest, real=True)
    spectrum = np.zeros(n_fft // 2 + 1, dtype=np.complex64)
    for kind, grain in enumerate(grains):
        chosen = (kinds == kind) & (at >= 0) & (at < n_samples)
        train = np.bincount(at[chosen], weights=gains[chosen], minlength=n_samples).astype(np.float32)
        spectrum += fft.rfft(train, n_fft) * fft.rfft(grain, n_fft)
    return np.asarray(fft.irfft(spectrum, n_fft), dtype=np.float32)[:n_samples]


def play(
    rng: np.random.Generator,
    n_samples: int,
    at: Positions,
    grains: Sequence[Signal],
    spread_db: Decibels = 1.5,
) -> Signal:
    """Return one of the grains at each position, drawn, no two alike in a row; levels vary by `spread_db`."""
    steps = rng.integers(1, max(len(grains), 2), len(at))
    kinds = np.cumsum(steps) % len(grains)
    return scatter(n_samples, at, lognormal_gains(rng, len(at), spread_db), grains, kinds)


def scatter_stereo(
    rng: np.random.Generator,
    n_samples: int,
    at: Positions,
    gains: Signal,
    grains: Sequence[Signal],
    *,
    width: float = 1.0,
) -> Audio:
    """Scatter grains into two channels, each event with a drawn grain and place, by level and delay.

    `width` from 0 (all in the centre) to 1 (from hard left to hard right).
    """
    kinds = rng.integers(0, len(grains), len(at))
    pan = rng.uniform(-width, width, len(at))
    return scatter_panned(n_samples, at, gains, grains, kinds, pan=pan)


def scatter_panned(
    n_samples: int,
    at: Positions,
    gains: Signal,
    grains: Sequence[Signal],
    kinds: Positions,
    *,
    pan: NDArray[np.float64],
) -> Audio:
    """Scatter grains into two channels, each event at its position in [-1, 1], by level and delay."""
    left, right = (
        scatter(n_samples, at + delay, (gains * level).astype(np.float32), grains, kinds)
        for level, delay in zip(pan_gains(pan), pan_delays(pan), strict=True)
    )
    return stereo(left, right)


def thin(rng: np.random.Generator, at: Positions, chance: Signal) -> Positions:
    """Return the positions kept with the probability that the curve `chance` has there; the first always."""
    kept = rng.random(len(at)) < chance[np.minimum(at, len(chance) - 1)]
    kept[:1] = True
    return at[kept]


def fitting_s(natural_s: Seconds, n_samples: int, least: float = 0.35) -> Seconds:
    """Return the length of a call that fits into `n_samples`.

    It is shorter than natural if needed, within reason.
    """
    room_s = n_samples / SAMPLE_RATE_HZ - 0.03
    return max(min(natural_s, room_s), natural_s * least)


def lognormal_gains(rng: np.random.Generator, n_events: int, spread_db: Decibels) -> Signal:
    """Return levels of events: normal in decibels, with this standard deviation, around 0 dB."""
    return np.asarray(10.0 ** (rng.normal(0.0, spread_db, n_events) / 20.0), dtype=np.float32)
