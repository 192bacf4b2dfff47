"""Speech against all else, measured: K-weighted, on the stems as the mix applies them.

Frames of 10 ms were measured with each stem's loudness, so nothing is filtered here; levels, panning, starts,
cuts and fades are those of the mix.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from copilot.audio.loudness import FRAMES_PER_S
from copilot.dialogue import Dialogue
from copilot.edges import Edges
from copilot.masking import list_judged_lines
from copilot.mix import DialogueMix, find_gains
from copilot.scene import Element, Scene, SpeechElement
from copilot.stem import Stem
from copilot.units import DIGITAL_SILENCE_DB, Lufs, Seconds, gain_to_db, samples_to_seconds

_WINDOW = 40
"""Frames of a momentary level, as EBU Tech 3341 has it: 400 ms."""
_HOP = 10
_PAUSE = 0.1
"""Share of a line's mean power below which a window is a pause: the relative gate of BS.1770."""
_SILENCE = 1e-20
"""Energy far below that of any speech: a line that a turn cuts away has no energy to divide by."""

Frames = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Masking:
    """How far a line is masked: the level of all else over that of the line, and the longest stretch.

    `rest_lu` is -200 if nothing else sounds. `masked_s` is the longest time in which the rest is louder than
    the line, by momentary levels (400 ms); pauses of the line are left out.
    """

    rest_lu: Lufs
    masked_s: Seconds


NOT_MASKED = Masking(DIGITAL_SILENCE_DB, 0.0)


def find_worst_masking(dialogue: Dialogue, stems: Mapping[int, Stem], mix: DialogueMix) -> Masking:
    """Return the highest figures of the lines that have to be understood; NOT_MASKED without any."""
    edges = {
        element: turn_mix.placed_stems[element.id].edges
        for turn, turn_mix in zip(dialogue.turns, mix.turns, strict=True)
        for element in turn.scene.elements
    }
    meter = Meter(stems, edges)
    judged = [
        meter.measure(dialogue.turns[index].scene, line)
        for index, line, _ in list_judged_lines(dialogue, meter.measure_lead)
    ]
    return Masking(
        max((found.rest_lu for found in judged), default=NOT_MASKED.rest_lu),
        max((found.masked_s for found in judged), default=NOT_MASKED.masked_s),
    )


class Meter:
    """Measures lines of scenes; the same sounds once, in however many turns."""

    def __init__(self, stems: Mapping[int, Stem], edges: Mapping[Element, Edges]) -> None:
        self._stems, self._edges = stems, edges
        self._energy: dict[Element, Frames] = {}
        self._known: dict[tuple[SpeechElement, tuple[Element, ...]], Masking] = {}

    def measure_lead(self, scene: Scene, line: SpeechElement) -> Lufs:
        """Return the level of a line over that of all else."""
        return -self.measure(scene, line).rest_lu

    def measure(self, scene: Scene, line: SpeechElement) -> Masking:
        """Return the masking of a line in a scene, over the time in which it is spoken."""
        others = (element for element in scene.elements if element.id != line.id)
        rest = tuple(e for e in others if e.start_time < line.end_time and e.end_time > line.start_time)
        if (line, rest) not in self._known:
            self._known[line, rest] = self._measure(line, rest)
        return self._known[line, rest]

    def _measure(self, line: SpeechElement, rest: tuple[Element, ...]) -> Masking:
        info = self._stems[line.id].info
        first = _to_frames(line.start_time + (info.speech_start_s or 0.0))
        last = _to_frames(line.start_time + min(info.speech_end_s or line.duration, line.duration))
        span = slice(first, max(last, first + 1))
        speech = self._place(line, span)
        others = sum((self._place(element, span) for element in rest), np.zeros_like(speech))
        ratio = math.sqrt(others.sum() / max(speech.sum(), _SILENCE))
        return Masking(gain_to_db(ratio), _find_longest_s(speech, others))

    def _place(self, element: Element, span: slice) -> Frames:
        """Return the energy of a placed sound in the frames of a span of the scene."""
        energy = self._weigh(element)
        placed = np.zeros(span.stop - span.start)
        start = _to_frames(element.start_time) - span.start
        part = energy[max(-start, 0) : max(placed.size - start, 0)]
        placed[max(start, 0) : max(start, 0) + part.size] = part
        return placed

    def _weigh(self, element: Element) -> Frames:
        if element not in self._energy:
            stem = self._stems[element.id]
            left, right = find_gains(element, stem)
            energy = stem.energy[:, : _to_frames(element.duration)]
            energy = energy[0] * left**2 + energy[-1] * right**2
            self._energy[element] = energy * _fade(self._edges[element], energy.size) ** 2
        return self._energy[element]


def _fade(edges: Edges, n_frames: int) -> Frames:
    """Return the factors of a sound's fades, frame by frame."""
    n_in, n_out = (_to_frames(samples_to_seconds(n)) for n in (edges.n_in, edges.n_out))
    return np.asarray(replace(edges, n_in=n_in, n_out=n_out).apply(np.ones((1, n_frames)))[0])


def _to_frames(seconds: Seconds) -> int:
    return round(seconds * FRAMES_PER_S)


def _find_longest_s(speech: Frames, rest: Frames) -> Seconds:
    """Return the longest time in which the rest is louder than the line."""
    spoken, heard = _slide(speech), _slide(rest)
    loud = heard > spoken
    runs = groupby(loud[spoken > _PAUSE * spoken.mean()])
    return max((len(list(run)) for is_masked, run in runs if is_masked), default=0) * _HOP / FRAMES_PER_S


def _slide(frames: Frames) -> Frames:
    """Return sums over windows of 400 ms, every 100 ms; a shorter line is one window."""
    window = min(_WINDOW, frames.size)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(frames, window)[::_HOP].sum(axis=-1))
