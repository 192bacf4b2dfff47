"""The edges of a placed sound: how it begins and ends where it does not do so of itself.

A sound that is still loud where its slot ends was not made to end there. Inside the scene it fades out; at
the end of the scene it is cut, as everything is in a recording. An ambience that comes in later fades in.

Levels are compared in whole numbers, and curves are made of products and sums alone: every machine makes the
same edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from copilot.audio.fades import FADE_S
from copilot.audio.pcm import Pcm
from copilot.scene import Element
from copilot.stem import Stem
from copilot.units import Seconds, samples_to_seconds, seconds_to_samples

MIX_VERSION = 2
"""The version of the mix. In version 1, cut sounds have a linear fade of 5 ms, and others none."""

N_EDGE = seconds_to_samples(0.005)
"""Samples at either end of a sound that tell whether it is loud there."""

AT_END_S: Seconds = 0.01
"""A sound that ends so close to the end of the scene ends with it."""

_LOUD = 10.0 ** (-30.0 / 20.0)
"""Of a sound's peak: what ends below has died away."""

_SHARE = 0.1
_FADE_S: tuple[Seconds, Seconds] = (0.05, 0.1)
_BED_FADE_S: tuple[Seconds, Seconds] = (0.3, 1.0)
_BED_S: Seconds = 4.0
"""An effect that lasts so long and is loud at its end is a bed, as an ambience and music are."""


@dataclass(frozen=True, slots=True)
class Edges:
    """The number of samples in which a sound fades in, and out, and the curve of the fades."""

    n_in: int = 0
    n_out: int = 0
    curve: Literal["linear", "smooth"] = "smooth"

    def apply(self, sound: Pcm) -> Pcm:
        """Return (channels, samples) with the fades; the same array if there are none."""
        if not (self.n_in or self.n_out):
            return sound
        faded = sound.copy()
        n_samples = sound.shape[1]
        faded[:, : self.n_in] *= self._rise(self.n_in)
        faded[:, n_samples - self.n_out :] *= self._rise(self.n_out)[::-1]
        return faded

    def _rise(self, n_samples: int) -> NDArray[np.float32]:
        """Return factors from just above 0 to just below 1."""
        steps = np.arange(1, n_samples + 1) / (n_samples + 1)
        if self.curve == "smooth":
            # Within 1 % of a raised cosine.
            steps = steps * steps * (3.0 - 2.0 * steps)
        return steps.astype(np.float32)


NO_EDGES = Edges()


def find_edges(element: Element, stem: Stem, n_dialogue: int, version: int = MIX_VERSION) -> Edges:
    """Return the edges of a sound of a dialogue whose longest scene has `n_dialogue` samples.

    They are the same in each turn in which the sound is not edited.
    """
    n_slot = min(seconds_to_samples(element.duration), stem.n_samples)
    n_cut = min(seconds_to_samples(FADE_S), n_slot) if n_slot < stem.n_samples else 0
    if version == 1:
        return Edges(n_out=n_cut, curve="linear")
    start = seconds_to_samples(element.start_time)
    ends_inside = start + n_slot < n_dialogue - seconds_to_samples(AT_END_S)
    enters = element.role == "ambience" and start > 0
    if not (ends_inside or enters):
        return Edges(n_out=n_cut)
    sound = stem.pcm[:, :n_slot]
    loud = _LOUD * find_peak(sound)
    n_fade = _count_fade(element, n_slot)
    return Edges(
        n_in=n_fade if enters and find_peak(sound[:, :N_EDGE]) > loud else 0,
        n_out=n_fade if ends_inside and find_peak(sound[:, -N_EDGE:]) > loud else n_cut,
    )


def find_peak(sound: Pcm) -> float:
    """Return the largest magnitude of a sample; 0 for none."""
    return float(max(sound.max(initial=0), -sound.min(initial=0)))


def _count_fade(element: Element, n_slot: int) -> int:
    """Return the samples of a fade: a tenth of the slot within what suits an event or a bed, or a third."""
    slot_s = samples_to_seconds(n_slot)
    is_bed = element.role in {"ambience", "music"} or slot_s >= _BED_S
    shortest_s, longest_s = _BED_FADE_S if is_bed else _FADE_S
    return min(seconds_to_samples(min(max(_SHARE * slot_s, shortest_s), longest_s)), n_slot // 3)
