"""The mix: every turn is the sum of its placed stems, and of nothing else.

Each placed stem is rounded to the grid of the mix's bit depth before it is added. Sums of whole numbers are
exact, so the difference between two turns is exactly the sounds that the edit touched: in the stored
samples, to the bit, whatever else sounds at the same time. There is no limiter and no compressor; if a
turn would pass -1 dBTP, one gain is applied to all turns of the dialogue.

The same stems, parameters and headroom give the same samples everywhere: only products, roundings and
sums of IEEE floats are involved, one by one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from copilot.audio.panning import pan_gains
from copilot.audio.pcm import STEM_BITS, Pcm, full_scale, to_float
from copilot.audio.peak import interpolation_bound, true_peak
from copilot.edges import MIX_VERSION, NO_EDGES, Edges, find_edges
from copilot.errors import RowFault
from copilot.scene import Element, Scene
from copilot.stem import Stem
from copilot.units import Audio, Decibels, db_to_gain, gain_to_db, seconds_to_samples
from copilot.vocabulary import BitDepth

TRUE_PEAK_LIMIT_DBTP: Decibels = -1.0
_HEADROOM_STEP_DB = 0.01
_ROUNDING_DB = 0.005
"""Safety margin: rounding ten stems to 16 bits raises the true peak by less."""


@dataclass(frozen=True, slots=True)
class PlacedStem:
    """One stem as it sounds in a turn: (2, samples) in steps of the mix's grid, from sample `start` on."""

    start: int
    pcm: Pcm = field(repr=False)
    edges: Edges = NO_EDGES

    @property
    def end(self) -> int:
        """The index after the last sample."""
        return self.start + int(self.pcm.shape[1])


@dataclass(frozen=True, slots=True)
class TurnMix:
    """One turn's mix, (2, samples) in steps of the grid of `bits`, and each element's part in it, by id.

    `unrounded` is the same sum before any rounding.
    """

    pcm: Pcm = field(repr=False)
    placed_stems: Mapping[int, PlacedStem] = field(repr=False)
    unrounded: Audio = field(repr=False)
    bits: BitDepth

    @property
    def audio(self) -> Audio:
        """The mix as float32, (2, samples), full scale 1.0."""
        return to_float(self.pcm, self.bits)

    def count_heard_samples(self, part: PlacedStem) -> int:
        """Return the number of samples of a part that are heard before the turn ends."""
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

    def max_rounding_error(self) -> float:
        """Return the largest difference between a turn and its sum before rounding, in steps of the grid."""
        differences = (turn.pcm - turn.unrounded for turn in self.turns)
        return max(float(max(d.max(initial=0), -d.min(initial=0))) for d in differences)

    def true_peak_dbtp(self, rounding: float) -> Decibels:
        """Return the highest possible true peak of a turn if rounding moved samples by `rounding` steps."""
        return gain_to_db((self.unrounded_peak + interpolation_bound() * rounding) / full_scale(self.bits))


def mix_dialogue(
    scenes: Sequence[Scene],
    stems: Mapping[int, Stem],
    bits: BitDepth = 16,
    headroom_db: Decibels | None = None,
    *,
    version: int = MIX_VERSION,
    turns: slice = slice(None),
) -> DialogueMix:
    """Mix the turns of a dialogue with these scenes. `stems` holds one stem for each element id.

    With the recorded `headroom_db` and `version`, stored mixes are made again to the bit; without the gain,
    it is found. `turns` are those to mix (default: all).

    Raises RowFault `stem-missing` for an element without a stem.
    """
    n_dialogue = max((count_scene_samples(scene) for scene in scenes), default=0)
    scenes = scenes[turns]
    edges = {
        e: find_edges(e, _find_stem(e, stems), n_dialogue, version)
        for scene in scenes
        for e in scene.elements
    }
    scaled = {e: _scale(e, stems[e.id], edge, bits) for e, edge in edges.items()}
    sums = [_sum_unrounded(scene, scaled) for scene in scenes]
    peak = true_peak(*sums)
    if headroom_db is None:
        headroom_db = _find_headroom(gain_to_db(peak / full_scale(bits)))
    gain = np.float32(db_to_gain(headroom_db))
    # A sound that a turn does not edit is placed once: both turns hold the same array.
    placed = {
        e: PlacedStem(seconds_to_samples(e.start_time), _round(s, gain), edges[e]) for e, s in scaled.items()
    }
    mixed = []
    for scene, unrounded in zip(scenes, sums, strict=True):
        parts = {element.id: placed[element] for element in scene.elements}
        np.multiply(unrounded, gain, out=unrounded)
        mixed.append(TurnMix(_sum_rounded(parts, unrounded.shape[1], bits), parts, unrounded, bits))
    return DialogueMix(bits, headroom_db, tuple(mixed), peak * float(gain))


def _find_stem(element: Element, stems: Mapping[int, Stem]) -> Stem:
    if element.id not in stems:
        raise RowFault("stem-missing", f"element {element.id} has no stem")
    return stems[element.id]


def _scale(element: Element, stem: Stem, edges: Edges, bits: BitDepth) -> Audio:
    """Return a stem trimmed, at its loudness and panning: float32 (2, samples), in steps of the grid."""
    sound = edges.apply(stem.pcm[:, : seconds_to_samples(element.duration)])
    grid = full_scale(bits) / full_scale(STEM_BITS)
    gains = np.array([[gain * grid] for gain in find_gains(element, stem)], dtype=np.float32)
    return sound * gains


def find_gains(element: Element, stem: Stem) -> tuple[float, float]:
    """Return the factors of left and right that give a stem its element's loudness and panning.

    Raises RowFault `stem-silent`.
    """
    left, right = pan_gains(element.panning, stem.power.shape[0])
    # Round to 0.001 dB, so that platform differences in the last digits do not change the level.
    level = db_to_gain(round(gain_to_db(stem.level_for(element.loudness, (left, right))), 3))
    return left * level, right * level


def count_scene_samples(scene: Scene) -> int:
    """Return the number of samples of a scene's mix: to the end of its last element, as it is placed.

    Start and duration are rounded one by one, as in placing: an unedited element must not gain or lose a
    sample because of another one.
    """
    ends = (seconds_to_samples(e.start_time) + seconds_to_samples(e.duration) for e in scene.elements)
    return max(ends, default=0)


def _sum_unrounded(scene: Scene, scaled: Mapping[Element, Audio]) -> Audio:
    total = np.zeros((2, count_scene_samples(scene)), dtype=np.float32)
    for element in scene.elements:
        start = seconds_to_samples(element.start_time)
        window = total[:, start : start + scaled[element].shape[1]]
        window += scaled[element][:, : window.shape[1]]
    return total


def _find_headroom(peak_dbtp: Decibels) -> Decibels:
    """Return the gain, at most 0 dB and a whole number of steps, that brings the true peak to the limit."""
    excess_db = peak_dbtp - TRUE_PEAK_LIMIT_DBTP
    if excess_db + _ROUNDING_DB <= 0:
        return 0.0
    return round(-math.ceil((excess_db + _ROUNDING_DB) / _HEADROOM_STEP_DB) * _HEADROOM_STEP_DB, 2)


def _round(scaled: Audio, gain: np.float32) -> Pcm:
    steps: Pcm = scaled * gain
    np.rint(steps, out=steps)
    return steps


def _sum_rounded(placed: Mapping[int, PlacedStem], n_samples: int, bits: BitDepth) -> Pcm:
    # Whole numbers add up exactly below 2**24 in float32, 512 times full scale at 16 bits, 2**53 in float64.
    total: Pcm = np.zeros((2, n_samples), dtype=np.float32 if bits == 16 else np.float64)
    for part in placed.values():
        window = total[:, part.start : part.end]
        window += part.pcm[:, : window.shape[1]]
    return total


def compute_null_residual(before: TurnMix, after: TurnMix, touched: frozenset[int]) -> float:
    """Return the residual of a turn, minus the turn before it, minus the sounds that its edit touched.

    The largest magnitude, in steps of the grid: 0 if nothing but the edit differs.
    """
    left: Pcm = np.zeros((2, max(before.pcm.shape[1], after.pcm.shape[1])), dtype=after.pcm.dtype)
    left[:, : after.pcm.shape[1]] = after.pcm
    left[:, : before.pcm.shape[1]] -= before.pcm
    for sign, turn in ((1, after), (-1, before)):
        for element_id in touched & turn.placed_stems.keys():
            part = turn.placed_stems[element_id]
            n_heard = turn.count_heard_samples(part)
            left[:, part.start : part.start + n_heard] -= sign * part.pcm[:, :n_heard]
    return float(max(left.max(initial=0), -left.min(initial=0)))
