"""An utterance as an engine spoke it: found between its silences, cut with a margin, its words timed.

Engines put silence around speech. What counts as silence and as the end of a word is relative to the
utterance's peak, so that it depends on nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from copilot.units import Audio, Seconds, db_to_gain, samples_to_seconds, seconds_to_samples
from copilot.vocabulary import Word
from renderers.spoken_text import SpokenText, find_word_spans

_SILENCE_DB = -60.0
"""Relative to the utterance's peak: quieter samples around the speech are cut."""

_WORD_DB = -40.0
"""Relative to the utterance's peak: the end of a word. Between both lie echoes and breath."""

_MARGIN_S: Seconds = 0.015
_FADE_S: Seconds = 0.003
_PAUSE_S: Seconds = 0.1
"""A shorter silence may be the closure of a consonant."""

_NEAR_S: Seconds = 0.15
"""After a pause, a voice may begin so long before the time that its engine states."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Mono samples at `rate_hz`; those in [`first`, `end`) are the speech."""

    samples: NDArray[np.float32]
    rate_hz: int
    first: int
    end: int

    @classmethod
    def find(cls, samples: NDArray[np.float32], rate_hz: int) -> Utterance | None:
        """Return the utterance in the samples; None if there is only silence."""
        sound = _find_louder(_SILENCE_DB, samples)
        return cls(samples, rate_hz, int(sound[0]), int(sound[-1]) + 1) if sound.size else None

    @property
    def duration_s(self) -> Seconds:
        """The duration of the speech with its margins, as `cut` returns it."""
        return samples_to_seconds(self.end - self.first + 2 * self._margin, self.rate_hz)

    @property
    def _margin(self) -> int:
        return seconds_to_samples(_MARGIN_S, self.rate_hz)

    def cut(self) -> Audio:
        """Return the speech, (1, samples), faded at both edges, between margins of silence."""
        speech = _fade(self.samples[self.first : self.end], seconds_to_samples(_FADE_S, self.rate_hz))
        return np.pad(speech, self._margin)[np.newaxis]

    def snap(self, start: int) -> int:
        """Return the first sample after a pause, if one is close to a sample at which a word begins."""
        loud = _find_louder(_WORD_DB, self.samples)
        pauses = np.diff(loud) > seconds_to_samples(_PAUSE_S, self.rate_hz)
        onsets = np.concatenate([loud[:1], loud[1:][pauses]])
        nearest = int(onsets[np.abs(onsets - start).argmin()])
        return nearest if abs(nearest - start) <= seconds_to_samples(_NEAR_S, self.rate_hz) else start

    def time_words(self, spoken: SpokenText, events: Sequence[tuple[int, int]]) -> tuple[Word, ...]:
        """Return the words with their times in what `cut` returns.

        `events` are the engine's (index of a character in the spoken text, sample at which it begins).
        """
        shift = self._margin - self.first
        spans = find_word_spans(spoken, events, _find_louder(_WORD_DB, self.samples))
        return tuple(
            Word(word, (start + shift) / self.rate_hz, (stop + shift) / self.rate_hz)
            for word, start, stop in spans
        )


def _find_louder(level_db: float, samples: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the rising indices of the samples above `level_db`, relative to the loudest."""
    levels = np.abs(samples)
    peak = float(levels.max(initial=0.0))
    return np.flatnonzero(levels > peak * db_to_gain(level_db))


def _fade(samples: NDArray[np.float32], n_fade: int) -> NDArray[np.float32]:
    """Return a copy with linear fades from and to silence, so that neither edge clicks."""
    n_fade = min(n_fade, samples.size // 2)
    ramp = np.arange(n_fade, dtype=np.float32) / np.float32(max(n_fade, 1))
    level = np.ones_like(samples)
    level[:n_fade] = ramp
    level[samples.size - n_fade :] = ramp[::-1]
    return samples * level
