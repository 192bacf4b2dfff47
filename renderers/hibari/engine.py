"""The model of hibari: from a text to samples, and to the places where its words begin.

The package turns a text into phonemes and these, with one small ONNX graph, into spectra and a pitch curve,
from which it sums the samples. Its own call hides pitch and durations; this module takes the same steps one
by one, so that the pitch can be set and words have times. One thread, and noise from the request's random
seed: equal requests give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from copilot.errors import CopilotError, RowFault
from renderers.onnx_errors import blame_weights

Samples = NDArray[np.float32]

_STEPS = "/Clip_output_0"
"""The inner result of the graph that holds the duration of each phoneme, in steps."""

_STEP_SAMPLES = 600
_UNVOICED_HZ = 40.0
"""The package takes a lower pitch for none."""

_LOWEST_HZ = 60.0
_HARMONIC_BINS = 9
"""The distance of the voice's harmonics, in bins of 20 Hz."""

_WHISPER_HZ = 600.0
"""A whisper is weak below."""

_LONGEST_PHONEMES = 400
"""The model was trained on sentences; a longer one is cut between words."""


@dataclass(frozen=True, slots=True)
class Manner:
    """The manner of speaking: factors on duration and pitch, and the exponent of the pitch's movement."""

    stretch: float
    pitch: float
    range: float
    whispered: bool = False


@dataclass(frozen=True, slots=True)
class _Sentence:
    """Phonemes that the model reads at once; for each word, the index of its first phoneme."""

    phonemes: str
    words: tuple[tuple[str, int], ...]


class Engine:
    """A loaded model, at `rate_hz`. Raises CopilotError if the package has none, or one of another kind."""

    def __init__(self) -> None:
        from hibari import SAMPLE_RATE, Hibari  # noqa: PLC0415 - an extra

        # onnxruntime takes the bytes of a graph as well as its path.
        weights = find_weights()
        graph = weights.read_bytes() + _declare_output(_STEPS)
        with blame_weights(f"hibari: {weights}", "install hibari-tts 0.2 again"):
            self._hibari: Any = Hibari(model=graph, threads=1)
        self.rate_hz = int(SAMPLE_RATE)

    def speak(
        self, pieces: Sequence[str], manner: Manner, random_seed: int
    ) -> tuple[Samples, list[int | None]]:
        """Return mono samples, and for each piece of the text the sample at which it begins, if it is known.

        A piece that the package reads as other words ("5 km", "Dr.") has no known place. There are no samples
        if nothing in the text has a phoneme. Raises RowFault `unreadable`.
        """
        rng = np.random.default_rng(random_seed)
        parts: list[Samples] = [np.zeros(0, np.float32)]
        read: list[tuple[str, int]] = []
        for sentence in self._read(" ".join(pieces)):
            before = sum(part.size for part in parts)
            samples, starts = self._sound(sentence.phonemes, manner, rng)
            read += [(word, before + starts[index]) for word, index in sentence.words]
            parts.append(samples)
        found: list[int | None] = [None] * len(pieces)
        matcher = SequenceMatcher(None, pieces, [word for word, _ in read], autojunk=False)
        for piece, word, n_words in matcher.get_matching_blocks():
            for offset in range(n_words):
                found[piece + offset] = read[word + offset][1]
        return np.concatenate(parts), found

    def _read(self, text: str) -> Iterator[_Sentence]:
        from hibari.g2p import normalize  # noqa: PLC0415 - an extra

        g2p = self._hibari.g2p
        for line in self._hibari.split_sentences(text):
            try:
                tokens = g2p.phonemize_tokens(g2p.tokenize(normalize(line)))
            except (LookupError, ValueError) as error:  # numbers beyond its words for them
                raise RowFault("unreadable", f"hibari has no words for {line[:80]!r}") from error
            for part in _cut(tokens):
                sentence = self._assemble(part)
                if sentence.phonemes:
                    yield sentence

    def _assemble(self, tokens: Sequence[Any]) -> _Sentence:
        phonemes, word, start = "", "", 0
        words: list[tuple[str, int]] = []
        for token in tokens:
            word += token.text
            phonemes += "".join(c for c in token.phonemes or "" if c in self._hibari.vocab)
            if token.whitespace:
                words.append((word, start))
                phonemes, word = phonemes + " " * bool(phonemes), ""
                start = len(phonemes)
        return _Sentence(phonemes.rstrip(), (*words, (word, start)))

    def _sound(self, phonemes: str, manner: Manner, rng: np.random.Generator) -> tuple[Samples, list[int]]:
        """Return the samples of phonemes, and the sample at which each begins, and at which the last ends."""
        from hibari import dsp  # noqa: PLC0415 - an extra

        ids = np.asarray([self._hibari.ids(phonemes)], np.int64)
        outputs = self._hibari.sess.run(None, {"ids": ids, "speed": np.ones(1, np.float32)})
        frames = [output[0] for output in outputs[:-1]]
        voice, turn, breath, rest, phase, pitch_hz = _stretch(frames, manner.stretch)
        # The model's envelope follows its own harmonics: what lies between them is needed at another pitch.
        voice = uniform_filter1d(voice, _HARMONIC_BINS, axis=0, mode="nearest")
        if manner.whispered:
            breath = _whisper(voice, breath, rest, pitch_hz)
            rest, pitch_hz = np.full_like(rest, -np.inf), np.zeros_like(pitch_hz)
        samples = dsp.synth(voice, turn, breath, rest, phase, _move_pitch(pitch_hz, manner), rng)
        # The ids begin with a pad, so that the end of each is the start of a phoneme.
        length = _STEP_SAMPLES * manner.stretch
        return samples, [round(float(end) * length) for end in accumulate(outputs[-1])]


def find_weights() -> Path:
    """Return the file of the model, which the package brings. Raises CopilotError if it is missing."""
    from hibari.voices import voice_path  # noqa: PLC0415 - an extra

    path = Path(voice_path("heart", download_missing=False))
    if not path.is_file():
        raise CopilotError(f"hibari: no model at {path}; install hibari-tts again")
    return path


def _declare_output(name: str) -> bytes:
    """Return bytes that add an output to the ONNX graph whose file they follow.

    Joined messages of a protobuf are merged: ModelProto.graph (7) . output (12) . name (1).
    """
    message = name.encode()
    for field in (1, 12, 7):
        message = bytes([field << 3 | 2, len(message)]) + message
    return message


def _cut(tokens: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield the tokens of a sentence in parts that the model reads at once, each of whole words."""
    part: list[Any] = []
    n_phonemes = 0
    for token in tokens:
        part.append(token)
        n_phonemes += len(token.phonemes or "") + len(token.whitespace)
        if n_phonemes >= _LONGEST_PHONEMES and token.whitespace:
            yield part
            part, n_phonemes = [], 0
    if part:
        yield part


def _stretch(frames: Sequence[Samples], factor: float) -> list[Samples]:
    """Return each curve of (..., frames) at a multiple of its duration.

    The model's own speed counts whole steps, two for most phonemes, so that it hardly sets a pace.
    """
    voice, turn, breath, rest, phase, pitch_hz = frames
    n_frames = pitch_hz.size
    places = (np.arange(max(round(n_frames * factor), 1)) + 0.5) / factor - 0.5
    places = np.clip(places, 0, n_frames - 1)
    before = places.astype(np.intp)
    after = np.minimum(before + 1, n_frames - 1)
    share = (places - before).astype(np.float32)
    nearest = np.rint(places).astype(np.intp)

    def blend(curve: Samples) -> Any:  # noqa: ANN401 - NumPy's indices give Any
        return curve[..., before] * (1 - share) + curve[..., after] * share

    # Neither angles nor the edge of a voiced sound have a mean.
    voiced = (pitch_hz[before] > _UNVOICED_HZ) & (pitch_hz[after] > _UNVOICED_HZ)
    pitch_hz = np.where(voiced, blend(pitch_hz), pitch_hz[nearest])
    return [blend(voice), blend(turn), blend(breath), blend(rest), phase[:, nearest], pitch_hz]


def _whisper(voice: Samples, breath: Samples, rest: Samples, pitch_hz: Samples) -> Samples:
    """Return the breath in which the vocal cords' part becomes breath in the same throat."""
    hz = np.linspace(0, 1, voice.shape[0], dtype=np.float32)[:, np.newaxis] * 12_000
    sounding = np.where(pitch_hz > _UNVOICED_HZ, np.exp(2 * voice), 0) * (hz / (hz + _WHISPER_HZ)) ** 4
    whispered: Samples = 0.5 * np.log(np.exp(2 * breath) + np.exp(2 * rest) + sounding)
    return whispered


def _move_pitch(pitch_hz: NDArray[np.float32], manner: Manner) -> NDArray[np.float32]:
    voiced = pitch_hz > _UNVOICED_HZ
    if not voiced.any():
        return pitch_hz
    mean_hz = np.exp(np.log(pitch_hz[voiced]).mean())
    moved = mean_hz * manner.pitch * (np.maximum(pitch_hz, _UNVOICED_HZ) / mean_hz) ** manner.range
    return np.where(voiced, np.maximum(moved, _LOWEST_HZ), 0).astype(np.float32)
