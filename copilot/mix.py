"""The mix: every turn is the sum of its placed stems, and of nothing else.

Each placed stem is rounded to the grid of the mix's bit depth before it is added. Sums of whole numbers are
exact, so the difference between two turns is exactly the sounds that the edit touched: in the stored
samples, to the bit, whatever else sounds at the same time. There is no limiter and no compressor; where a
turn would pass -1 dBTP, one gain for the whole dialogue is applied to all its turns.

The same stems, parameters and headroom give the same samples everywhere: only products, roundings and
sums of IEEE floats are involved, one by one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from copilot.audio.fades import faded_out
from copilot.audio.panning import pan_gains
from copilot.audio.pcm import STEM_BITS, BitDepth, Pcm, full_scale
from copilot.audio.peak import interpolation_bound, true_peak
from copilot.errors import RowFault
from copilot.scene import Element, Scene
from copilot.stem import Stem
from copilot.units import Audio, Decibels, db_to_gain, gain_to_db, seconds_to_samples

TRUE_PEAK_LIMIT_DBTP: Decibels = -1.0
_HEADROOM_STEP_DB = 0.01
_ROUNDING_DB = 0.005
"""More than the true peak can rise by rounding ten stems to 16 bits."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One stem as it sounds in a turn: (2, samples) in steps of the mix's grid, from sample `start` on."""

    start: int
    pcm: Pcm

    @property
    def end(self) -> int:
        """The sample after its last."""
        return self.start + int(self.pcm.shape[1])


@dataclass(frozen=True, slots=True)
class TurnMix:
    """One turn's mix, (2, samples) in steps of the grid, and each element's contribution to it, by id.

    `unrounded` is the same sum taken before any rounding.
    """

    pcm: Pcm
    placed: Mapping[int, Placed]
    unrounded: Audio

    def n_samples_of(self, part: Placed) -> int:
        """How many samples of a contribution are heard before the turn ends."""
        return min(part.end, int(self.pcm.shape[1])) - part.start


@dataclass(frozen=True, slots=True)
class DialogueMix:
    """The mixes of all turns on the grid of `bits`, and the one gain that was applied to all.

    `unrounded_peak` is the highest true peak of the turns before rounding, in steps of the grid.
    """

    bits: BitDepth
    headroom_db: Decibels
    turns: tuple[TurnMix, ...]
    unrounded_peak: float

    def rounding(self) -> float:
        """The largest difference between a turn and its sum before rounding, in steps of the grid."""
        differences = (turn.pcm - turn.unrounded for turn in self.turns)
        return max(float(max(d.max(initial=0), -d.min(initial=0))) for d in differences)

    def true_peak_dbtp(self, rounding: float) -> Decibels:
        """The highest that the true peak of a turn can be, given what `rounding` changed at most."""
        return gain_to_db((self.unrounded_peak + interpolation_bound() * rounding) / full_scale(self.bits))


def mix_dialogue(
    scenes: Sequence[Scene],
    stems: Mapping[int, Stem],
    bits: BitDepth = 16,
    headroom_db: Decibels | None = None,
) -> DialogueMix:
    """Mix every turn of a dialogue. `stems` holds one stem for each element id.

    With the recorded `headroom_db`, stored mixes are made again to the bit; without, it is found.
    Raises RowFault `stem-missing` for an element without a stem.
    """
    scaled = {e: _scaled(e, _stem_of(e, stems), bits) for scene in scenes for e in scene.elements}
    sums = [_unrounded(scene, scaled) for scene in scenes]
    peak = true_peak(*sums)
    if headroom_db is None:
        headroom_db = _headroom_for(gain_to_db(peak / full_scale(bits)))
    gain = np.float32(db_to_gain(headroom_db))
    # A sound that a turn leaves alone is placed once, and is the very same array in both turns.
    placed = {e: Placed(seconds_to_samples(e.start_time), _rounded(s, gain)) for e, s in scaled.items()}
    turns = []
    for scene, unrounded in zip(scenes, sums, strict=True):
        parts = {element.id: placed[element] for element in scene.elements}
        np.multiply(unrounded, gain, out=unrounded)
        turns.append(TurnMix(_total(parts, unrounded.shape[1], bits), parts, unrounded))
    return DialogueMix(bits, headroom_db, tuple(turns), peak * float(gain))


def _stem_of(element: Element, stems: Mapping[int, Stem]) -> Stem:
    if element.id not in stems:
        raise RowFault("stem-missing", f"element {element.id} has no stem")
    return stems[element.id]


def _scaled(element: Element, stem: Stem, bits: BitDepth) -> Audio:
    """One stem trimmed, at its loudness and panning: float32 (2, samples), in steps of the grid.

    A stem longer than the element is cut, with a linear fade of 5 ms before the cut.
    """
    sound = stem.pcm[:, : seconds_to_samples(element.duration)]
    n_channels, n_samples = sound.shape
    if n_samples < stem.pcm.shape[1]:
        sound = faded_out(sound)
    panned = pan_gains(element.panning, n_channels)
    # A whole number of thousandths of a decibel: found again the same, whatever the last digits.
    level = db_to_gain(round(gain_to_db(stem.level_for(element.loudness, panned)), 3))
    grid = full_scale(bits) / full_scale(STEM_BITS)
    gains = np.array([[level * grid * gain] for gain in panned], dtype=np.float32)
    return sound * gains


def n_samples_of(scene: Scene) -> int:
    """How many samples a scene's mix has: to the end of its last element, as that is placed.

    Start and duration are rounded one by one, as they are in placing: an element that stays as it is must
    not gain or lose a sample by what others do.
    """
    ends = (seconds_to_samples(e.start_time) + seconds_to_samples(e.duration) for e in scene.elements)
    return max(ends, default=0)


def _unrounded(scene: Scene, scaled: Mapping[Element, Audio]) -> Audio:
    total = np.zeros((2, n_samples_of(scene)), dtype=np.float32)
    for element in scene.elements:
        start = seconds_to_samples(element.start_time)
        window = total[:, start : start + scaled[element].shape[1]]
        window += scaled[element][:, : window.shape[1]]
    return total


def _headroom_for(peak_dbtp: Decibels) -> Decibels:
    """The gain, of at most 0 dB and a whole number of steps, that brings the true peak to the limit."""
    excess_db = peak_dbtp - TRUE_PEAK_LIMIT_DBTP
    if excess_db + _ROUNDING_DB <= 0:
        return 0.0
    return round(-math.ceil((excess_db + _ROUNDING_DB) / _HEADROOM_STEP_DB) * _HEADROOM_STEP_DB, 2)


def _rounded(scaled: Audio, gain: np.float32) -> Pcm:
    steps: Pcm = scaled * gain
    np.rint(steps, out=steps)
    return steps


def _total(placed: Mapping[int, Placed], n_samples: int, bits: BitDepth) -> Pcm:
    # Whole numbers add up exactly below 2**24 in float32, 512 times full scale at 16 bits, 2**53 in float64.
    total: Pcm = np.zeros((2, n_samples), dtype=np.float32 if bits == 16 else np.float64)
    for part in placed.values():
        window = total[:, part.start : part.end]
        window += part.pcm[:, : window.shape[1]]
    return total


def null_residual(before: TurnMix, after: TurnMix, touched: frozenset[int]) -> float:
    """What is left of a turn, minus the turn before it, minus the sounds that its edit touched.

    The largest magnitude, in steps of the grid: 0 where the edit, and nothing else, is heard.
    """
    left: Pcm = np.zeros((2, max(before.pcm.shape[1], after.pcm.shape[1])), dtype=after.pcm.dtype)
    left[:, : after.pcm.shape[1]] = after.pcm
    left[:, : before.pcm.shape[1]] -= before.pcm
    for sign, turn in ((1, after), (-1, before)):
        for element_id in touched & turn.placed.keys():
            part = turn.placed[element_id]
            n_heard = turn.n_samples_of(part)
            left[:, part.start : part.start + n_heard] -= sign * part.pcm[:, :n_heard]
    return float(max(left.max(initial=0), -left.min(initial=0)))
