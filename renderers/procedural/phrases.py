"""Music for instruments: keys, chord progressions, melodies, and notes put in their places.

Everything drawn here stays within one key, starts at once, and goes on for as long as is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from copilot.units import Seconds, seconds_to_samples
from renderers.procedural.dsp import Signal

_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_MINOR = (0, 2, 3, 5, 7, 8, 10)
# Degrees of the scale, counted from 0, each progression leading back to its first chord.
_MAJOR_TURNS = ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 5, 4), (0, 2, 3, 4), (5, 3, 0, 4))
_MINOR_TURNS = ((0, 5, 2, 6), (0, 3, 5, 6), (0, 6, 5, 6), (0, 3, 6, 2), (0, 5, 3, 4))
# Lengths of notes in beats, each bar four beats long.
_BARS = ((1.0, 1.0, 2.0), (1.0, 0.5, 0.5, 1.0, 1.0), (2.0, 1.0, 1.0), (1.5, 0.5, 2.0), (0.5, 0.5, 1.0, 2.0))


@dataclass(frozen=True, slots=True)
class Note:
    """One note: when, how long, which MIDI pitch (69 is 440 Hz), how strong (1 is full)."""

    start_s: Seconds
    duration_s: Seconds
    pitch: int
    gain: float = 1.0


@dataclass(frozen=True, slots=True)
class Key:
    """A scale: the MIDI pitch of its tonic, seven steps in semitones, and a progression of degrees."""

    tonic: int
    steps: tuple[int, ...]
    turn: tuple[int, ...]

    def pitch(self, degree: int) -> int:
        """Return the MIDI pitch of a degree of the scale; 0 is the tonic, 7 the tonic an octave higher."""
        octave, step = divmod(degree, len(self.steps))
        return self.tonic + 12 * octave + self.steps[step]

    def chord(self, root: int, n_notes: int = 3) -> tuple[int, ...]:
        """Return thirds stacked on a degree: 3 notes give the triad, 4 the seventh chord."""
        return tuple(self.pitch(root + 2 * third) for third in range(n_notes))

    def close_chord(self, root: int, n_notes: int = 3) -> tuple[int, ...]:
        """Return the chord with its notes folded into the octave above the tonic.

        Chords then move little.
        """
        return tuple(sorted(self.tonic + (pitch - self.tonic) % 12 for pitch in self.chord(root, n_notes)))


def draw_key(rng: np.random.Generator, tonic: int = 55) -> Key:
    """Return a key whose tonic lies within the octave above `tonic`, major or minor."""
    is_major = rng.random() < 0.6
    turns = _MAJOR_TURNS if is_major else _MINOR_TURNS
    turn = turns[int(rng.integers(len(turns)))]
    return Key(tonic + int(rng.integers(12)), _MAJOR if is_major else _MINOR, turn)


def chord_roots(key: Key, total_s: Seconds, chord_s: Seconds) -> Iterator[tuple[Seconds, int]]:
    """Start and root degree of each chord, going round the key's progression until `total_s`."""
    for index in range(int(np.ceil(total_s / chord_s))):
        yield index * chord_s, key.turn[index % len(key.turn)]


def melody(rng: np.random.Generator, key: Key, total_s: Seconds, beat_s: Seconds) -> list[Note]:
    """Return a tune over the key's progression.

    It has steps and small leaps, and chord notes on the first beat of a bar.
    """
    notes: list[Note] = []
    degree = int(rng.integers(0, 3)) * 2
    for bar_start_s, root in chord_roots(key, total_s, 4 * beat_s):
        degree = min(
            (root + third + octave for third in (0, 2, 4) for octave in (-7, 0, 7)),
            key=lambda d: abs(d - degree),
        )
        beat = 0.0
        for beats in _BARS[int(rng.integers(len(_BARS)))]:
            strength = 1.0 if beat == 0 else float(rng.uniform(0.7, 0.95))
            notes.append(Note(bar_start_s + beat * beat_s, beats * beat_s, key.pitch(degree), strength))
            beat += beats
            degree = int(np.clip(degree + rng.choice((-2, -1, -1, 1, 1, 2)), -3, 9))
    return [note for note in notes if note.start_s < total_s]


def perform(notes: Iterable[Note], n_samples: int, voice: Callable[[float, Seconds], Signal]) -> Signal:
    """Put the notes in their places; `voice` makes one from (Hz, seconds), once per pitch and length."""
    out = np.zeros(n_samples, np.float32)
    made: dict[tuple[int, Seconds], Signal] = {}
    for note in notes:
        start = seconds_to_samples(note.start_s)
        if start >= n_samples:
            continue
        shape = (note.pitch, note.duration_s)
        if shape not in made:
            made[shape] = voice(midi_hz(note.pitch), note.duration_s)
        sound = made[shape][: n_samples - start]
        out[start : start + sound.size] += np.float32(note.gain) * sound
    return out


def midi_hz(pitch: float) -> float:
    """Return the frequency of a MIDI pitch in equal temperament, 69 at 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))
