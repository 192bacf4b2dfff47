"""The time at which each sound of a turn is heard: later than it starts, and often long before its slot ends.

A sound is heard from the first to the last 10 ms that are within 40 dB of its loudest 10 ms. Times are in
seconds from the start of the turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from copilot.audio.activity import active_span
from copilot.dialogue import Dialogue
from copilot.scene import Element
from copilot.stem import Stem
from copilot.units import Seconds, seconds_to_samples
from copilot.vocabulary import Word

_DIGITS = 6
"""A microsecond, so that sums of seconds are read as one writes them."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The time at which one sound is heard in a turn, and its spoken words, if the backend gave any."""

    start_s: Seconds
    end_s: Seconds
    words: tuple[Word, ...] = ()


def find_heard(dialogue: Dialogue, stems: Mapping[int, Stem]) -> tuple[Mapping[int, Heard], ...]:
    """Return, for each turn, the times of its sounds by element id. `stems` holds one for each id."""
    spans: dict[tuple[int, Seconds], tuple[Seconds, Seconds]] = {}
    for element in dialogue.elements():
        slot = (element.id, element.duration)
        if slot not in spans:
            spans[slot] = _find_span(stems[element.id], element.duration)
    return tuple(
        {
            element.id: _place(element, stems[element.id], spans[element.id, element.duration])
            for element in turn.scene.elements
        }
        for turn in dialogue.turns
    )


def _find_span(stem: Stem, slot_s: Seconds) -> tuple[Seconds, Seconds]:
    """Return start and end of what is heard of a stem in a slot, in seconds from the stem's start."""
    if stem.info.speech_start_s is None or stem.info.speech_end_s is None:
        return active_span(stem.pcm[:, : seconds_to_samples(slot_s)])
    return min(stem.info.speech_start_s, slot_s), min(stem.info.speech_end_s, slot_s)


def _place(element: Element, stem: Stem, span: tuple[Seconds, Seconds]) -> Heard:
    start_s, slot_s = element.start_time, element.duration
    words = tuple(
        Word(
            word.text,
            round(start_s + word.start_s, _DIGITS),
            round(start_s + min(word.end_s, slot_s), _DIGITS),
        )
        for word in stem.info.words
        if word.start_s < slot_s
    )
    return Heard(round(start_s + span[0], _DIGITS), round(start_s + span[1], _DIGITS), words)
