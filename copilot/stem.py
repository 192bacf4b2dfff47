"""Stems: rendered elements. A stem is what its file holds: 24-bit FLAC, measured after quantisation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from copilot.audio.activity import active_span
from copilot.audio.clipping import clipped_share
from copilot.audio.conform import conform
from copilot.audio.loudness import MIN_GATED_SAMPLES, BlockPower, block_power, gated_loudness
from copilot.audio.pcm import STEM_BITS, Pcm, decode_flac, encode_flac, to_float
from copilot.audio.peak import true_peak_dbtp
from copilot.audio.stem_flac import decode_whole
from copilot.errors import CorruptDataError, RowFault
from copilot.hashing import content_hash
from copilot.text.counting import count_words
from copilot.units import (
    SAMPLE_RATE_HZ,
    Audio,
    Decibels,
    Lufs,
    Seconds,
    db_to_gain,
    samples_to_seconds,
    seconds_to_samples,
)
from copilot.vocabulary import Word

_STEPS_TO_LEVEL = 8
_CLOSE_ENOUGH_LU = 0.001
_SHORTEST_SHARE = 0.5
_CLIPPED_SHARE = 0.9
_MOST_WORDS_PER_S = 12.0
"""Twice what the fastest speakers do."""


@dataclass(frozen=True, slots=True)
class SoundSpec:
    """Everything that decides what a sound is like: the tool parameters, the backend, the random seed.

    Loudness, panning and start time are not in it, so that changing them renders nothing.
    """

    tool: str
    text: str
    duration_s: Seconds
    random_seed: int
    backend: Mapping[str, str]
    voice: str | None = None
    gender: str | None = None
    emotion: str | None = None
    reference: str | None = None
    """Hash of what shows the voice to a backend that clones it: the recording and what is known of it."""

    @property
    def key(self) -> str:
        """The stem's key: SHA-256 of the canonical JSON of all of it, as hexadecimal digits."""
        known = {
            "tool": self.tool,
            "text": self.text,
            "duration_s": self.duration_s,
            "seed": self.random_seed,
            "backend": dict(self.backend),
            "voice": self.voice,
            "gender": self.gender,
            "emotion": self.emotion,
        }
        return content_hash(known if self.reference is None else {**known, "reference": self.reference})


@dataclass(frozen=True, slots=True)
class StemInfo:
    """What is known of a stem without its audio."""

    key: str
    tool: str
    backend: str
    loudness_lufs: Lufs
    peak_dbtp: Decibels
    duration_s: Seconds
    asked_duration_s: Seconds
    matched: bool = True
    voice: str | None = None
    speech_start_s: Seconds | None = None
    speech_end_s: Seconds | None = None
    words: tuple[Word, ...] = ()
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stem:
    """One rendered sound: what is known of it, and the FLAC file (24 bit) that holds its samples.

    `power` is what its loudness is made of: K-weighted, in each channel and gating block. A stem goes to
    other processes, and comes out of a store, as its file: samples are decoded where they are asked for.
    """

    info: StemInfo
    power: BlockPower
    flac: bytes

    @cached_property
    def pcm(self) -> Pcm:
        """The samples. Raises CorruptDataError where the file does not hold what is known of it."""
        pcm = decode_whole(self.flac)
        if pcm.shape[1] != self.n_samples:
            raise CorruptDataError(
                f"stem {self.info.key}: the file does not hold {self.info.duration_s} s with {STEM_BITS} bits"
            )
        return pcm

    def __getstate__(self) -> dict[str, Any]:
        """What travels: everything but the samples, which the file holds."""
        return {name: value for name, value in self.__dict__.items() if name != "pcm"}

    def forget_samples(self) -> None:
        """Keep the file alone."""
        self.__dict__.pop("pcm", None)

    @property
    def n_samples(self) -> int:
        """How many samples each channel has."""
        return seconds_to_samples(self.info.duration_s)

    @property
    def audio(self) -> Audio:
        """The samples as float32, (channels, samples)."""
        return to_float(self.pcm, STEM_BITS)

    def loudness_with(self, gains: tuple[float, float]) -> Lufs:
        """Integrated loudness in LUFS when it goes to left and right by these gains.

        A mono stem goes to both sides, each side of a stereo stem to its own.
        """
        left, right = gains
        power = self.power * [[left * left], [right * right]]
        return gated_loudness(power, gated=self.n_samples >= MIN_GATED_SAMPLES)

    def level_for(self, loudness_lufs: Lufs, gains: tuple[float, float]) -> float:
        """The factor that, on top of the gains of a position, gives the stem that loudness.

        The gate at -70 LUFS lets more of a decaying sound in the louder it is played, so loudness is not
        quite proportional to level: the factor is approached in a few steps.
        """
        level = db_to_gain(loudness_lufs - self.info.loudness_lufs)
        for _ in range(_STEPS_TO_LEVEL):
            measured = self.loudness_with((gains[0] * level, gains[1] * level))
            if not math.isfinite(measured):
                raise RowFault("stem-silent", f"nothing of stem {self.info.key} is heard at this panning")
            if abs(loudness_lufs - measured) < _CLOSE_ENOUGH_LU:
                break
            level *= db_to_gain(loudness_lufs - measured)
        return level


def make_stem(
    spec: SoundSpec,
    audio: Audio,
    rate_hz: int,
    *,
    matched: bool = True,
    words: tuple[Word, ...] = (),
    detail: Mapping[str, str] | None = None,
) -> Stem:
    """Conform, quantise, measure and encode what a backend gave for `spec`.

    Raises RowFault where it is no sound: `stem-layout`, `stem-not-finite`, `stem-silent`, `stem-clipped`,
    or, where it is far shorter than asked, `stem-too-short`.
    """
    speaks = spec.tool == "tts"
    pcm = conform(audio, rate_hz, longest_s=None if speaks else spec.duration_s)
    if (share := clipped_share(audio, rate_hz)) > _CLIPPED_SHARE:
        raise RowFault("stem-clipped", f"{share:.0%} of it is cut off at its highest level")
    if not speaks and samples_to_seconds(pcm.shape[1]) < _SHORTEST_SHARE * spec.duration_s:
        given_s = samples_to_seconds(pcm.shape[1])
        raise RowFault("stem-too-short", f"{given_s:.2f} s of the {spec.duration_s:g} s that were asked for")
    stem = _measured(
        pcm,
        key=spec.key,
        tool=spec.tool,
        backend=spec.backend.get("backend", ""),
        asked_duration_s=spec.duration_s,
        matched=matched,
        voice=spec.voice,
        words=words,
        detail=dict(detail or {}),
    )
    if speaks and (spoken_s := _spoken_s(stem)) < count_words(spec.text) / _MOST_WORDS_PER_S:
        raise RowFault("stem-too-short", f"{spoken_s:.2f} s of speech for {spec.text!r}")
    return stem


def _spoken_s(stem: Stem) -> Seconds:
    return (stem.info.speech_end_s or 0.0) - (stem.info.speech_start_s or 0.0)


def respoken(stem: Stem, audio: Audio, factor: float) -> Stem:
    """A stem of speech spoken faster by `factor`, as `audio`: float32, (channels, samples), 48 kHz.

    It has a key of its own, and `stretched` in its detail. Raises RowFault as `make_stem`.
    """
    words = tuple(replace(w, start_s=w.start_s / factor, end_s=w.end_s / factor) for w in stem.info.words)
    return _measured(
        conform(audio, SAMPLE_RATE_HZ),
        key=content_hash([stem.info.key, "respoken", factor]),
        tool=stem.info.tool,
        backend=stem.info.backend,
        asked_duration_s=stem.info.asked_duration_s,
        matched=stem.info.matched,
        voice=stem.info.voice,
        words=words,
        detail={**stem.info.detail, "stretched": str(factor)},
    )


def _measured(pcm: Pcm, *, tool: str, **known: Any) -> Stem:  # noqa: ANN401 - fields of StemInfo
    sound = to_float(pcm, STEM_BITS)
    power = block_power(sound)
    loudness = gated_loudness(power, gated=pcm.shape[1] >= MIN_GATED_SAMPLES)
    if not math.isfinite(loudness):
        raise RowFault("stem-silent", "every block is below -70 LUFS, the gate of BS.1770")
    start, end = active_span(sound) if tool == "tts" else (None, None)
    info = StemInfo(
        tool=tool,
        loudness_lufs=loudness,
        peak_dbtp=true_peak_dbtp(sound),
        duration_s=samples_to_seconds(pcm.shape[1]),
        speech_start_s=start,
        speech_end_s=end,
        **known,
    )
    stem = Stem(info, power, encode_flac(pcm, STEM_BITS))
    # They are at hand: nobody has to decode what was just encoded.
    stem.__dict__["pcm"] = pcm
    return stem


def load_stem(info: StemInfo, flac: bytes) -> Stem:
    """A stem from its file. Raises CorruptDataError where the file is not what `info` says."""
    pcm, bits = decode_flac(flac)
    stem = Stem(info, block_power(to_float(pcm, STEM_BITS)), flac)
    if bits != STEM_BITS or pcm.shape[1] != stem.n_samples:
        raise CorruptDataError(
            f"stem {info.key}: the file does not hold {info.duration_s} s with {STEM_BITS} bits"
        )
    stem.__dict__["pcm"] = pcm
    return stem
