"""How far each edit is heard, measured: on the stems as the mix levels, pans, places and cuts them.

The change of level (of a panning, of the balance of left and right) is that of the mix in each block of 43 ms
and each band of a third of an octave. Its mean is weighted by the power that the edited sound has there: a
bell is heard through rain that is as loud as the bell, since most of the rain lies in other bands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from copilot.audibility import INAUDIBLE_POWER, LEAST_MEASURED_DB, MOST_DB, find_kind
from copilot.audio.bands import HOP, N_BANDS, BandPower, band_power, count_blocks
from copilot.dialogue import Dialogue
from copilot.edit import changed_fields
from copilot.mix import find_gains
from copilot.scene import Element, Scene
from copilot.stem import Stem
from copilot.units import Decibels, seconds_to_samples

Grid = NDArray[np.float32]
"""Power of left and right in each block and band of a turn, shape (2, blocks, bands)."""

_INAUDIBLE = np.float32(INAUDIBLE_POWER / 2 / N_BANDS)
"""Of one side, in one band."""


@dataclass(frozen=True, slots=True)
class EditHeard:
    """The change of the mix that is heard of an edit, and the least one for its kind, in dB."""

    change_db: Decibels
    least_db: Decibels

    @property
    def margin_db(self) -> Decibels:
        """The change beyond the least one; below 0 if the edit is missed."""
        return self.change_db - self.least_db


def measure_edits(dialogue: Dialogue, stems: Mapping[int, Stem]) -> tuple[EditHeard, ...]:
    """Return how far each edit turn is heard, for the sound of it that is heard least.

    A turn of the task `open` names no sounds, and asks for another impression: for it, the sound that is
    heard most counts. A turn that edits nothing is not heard: 0 dB.
    """
    meter = _Meter(stems)
    return tuple(
        (max if turn.task == "open" else min)(
            (meter.measure(before, turn.scene, element_id) for element_id in sorted(edit.touched)),
            key=lambda heard: heard.margin_db,
            default=EditHeard(0.0, LEAST_MEASURED_DB["sound"]),
        )
        for index, before, turn, edit in dialogue.transitions()
        if index
    )


@dataclass(frozen=True, slots=True)
class _Placed:
    """The power of one sound, (2, blocks, bands), from block `start` of the turn on."""

    start: int
    power: Grid

    @property
    def end(self) -> int:
        """The index after the last block."""
        return self.start + int(self.power.shape[1])


class _Meter:
    """Measures edits; the power of each stem is computed once, at its first use."""

    def __init__(self, stems: Mapping[int, Stem]) -> None:
        self._stems = stems
        self._powers: dict[int, BandPower] = {}
        self._placed: dict[Element, _Placed] = {}

    def measure(self, before: Scene, after: Scene, element_id: int) -> EditHeard:
        """Return how far the edit of one sound is heard."""
        old, new = before.get(element_id), after.get(element_id)
        parts = [self._place(element) for element in (old, new) if element is not None]
        span = slice(min(part.start for part in parts), max(part.end for part in parts))
        was, now = (self._sum([element] if element else [], span) for element in (old, new))
        # A sound is compared with what else is heard in the turn; one that is removed, with what was before.
        others = [e for e in (after if new else before).elements if e.id != element_id]
        rest = self._sum(others, span) + _INAUDIBLE
        change = _compute_change(was + rest, now + rest, changed_fields(before, after, element_id))
        weights = np.maximum(was, now).sum(axis=0)
        heard_db = float(np.average(np.minimum(change, MOST_DB), weights=weights)) if weights.any() else 0.0
        return EditHeard(heard_db, LEAST_MEASURED_DB[find_kind(before, after, element_id)])

    def _sum(self, elements: list[Element], span: slice) -> Grid:
        """Return the power of sounds in a span of blocks."""
        total = np.zeros((2, span.stop - span.start, N_BANDS), dtype=np.float32)
        for part in map(self._place, elements):
            first, end = max(part.start, span.start), min(part.end, span.stop)
            if first < end:
                own = part.power[:, first - part.start : end - part.start]
                total[:, first - span.start : end - span.start] += own
        return total

    def _place(self, element: Element) -> _Placed:
        """Return the power of a sound where it lies in a turn, to within half a block."""
        if element not in self._placed:
            stem = self._stems[element.id]
            if element.id not in self._powers:
                self._powers[element.id] = band_power(stem.audio)
            power = self._powers[element.id][:, : count_blocks(seconds_to_samples(element.duration))]
            gains = np.square(find_gains(element, stem), dtype=np.float32)
            start = round(seconds_to_samples(element.start_time) / HOP)
            self._placed[element] = _Placed(start, power * gains[:, np.newaxis, np.newaxis])
        return self._placed[element]


def _compute_change(before: Grid, after: Grid, fields: frozenset[str]) -> Grid:
    """Return the change in dB of each block and band, shape (blocks, bands)."""
    balance: Grid = np.abs(np.subtract(*_to_db(after / before)))
    if fields == {"panning"}:
        return balance
    level: Grid = np.abs(_to_db(after.sum(axis=0) / before.sum(axis=0)))
    return np.maximum(level, balance) if "panning" in fields else level


def _to_db(ratio: Grid) -> Grid:
    return np.asarray(10.0 * np.log10(ratio), dtype=np.float32)
