"""Stems: rendered elements. A stem is what its file holds: 24-bit FLAC, measured after quantisation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypedDict

from copilot.audio.activity import active_span
from copilot.audio.clipping import clipped_share
from copilot.audio.conform import conform
from copilot.audio.loudness import (
    MIN_GATED_SAMPLES,
    BlockPower,
    FrameEnergy,
    block_power,
    frame_energy,
    gated_loudness,
)
from copilot.audio.pcm import STEM_BITS, Pcm, decode_flac, encode_flac, to_float
from copilot.audio.peak import true_peak_dbtp
from copilot.audio.stem_flac import decode_whole
from copilot.errors import CorruptDataError, RowFault
from copilot.hashing import content_hash
from copilot.text.pace import longest_speech_s, shortest_speech_s
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
    """Hash of the recording that a backend clones the voice from, and of what is known about it."""
    language: str | None = None

    @property
    def key(self) -> str:
        """The stem's key: SHA-256 of the canonical JSON of all fields, as hexadecimal digits.

        The fields `reference` and `language` are omitted when None, so that older stems keep their keys.
        """
        fields = {
            "tool": self.tool,
            "text": self.text,
            "duration_s": self.duration_s,
            "seed": self.random_seed,
            "backend": dict(self.backend),
            "voice": self.voice,
            "gender": self.gender,
            "emotion": self.emotion,
        }
        if self.reference is not None:
            fields["reference"] = self.reference
        if self.language is not None:
            fields["language"] = self.language
        return content_hash(fields)


@dataclass(frozen=True, slots=True)
class StemInfo:
    """The facts about a stem that are known without its audio."""

    key: str
    tool: str
    backend: str
    loudness_lufs: Lufs
    peak_dbtp: Decibels
    duration_s: Seconds
    asked_duration_s: Seconds = field(repr=False)
    matched: bool = field(default=True, repr=False)
    voice: str | None = field(default=None, repr=False)
    speech_start_s: Seconds | None = field(default=None, repr=False)
    speech_end_s: Seconds | None = field(default=None, repr=False)
    words: tuple[Word, ...] = field(default=(), repr=False)
    detail: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Stem:
    """One rendered sound: its facts, and the FLAC file (24 bit) that holds its samples.

    `power` is the K-weighted power of each channel and gating block, from which the loudness is computed. A
    stem is sent to other processes, and stored, as its file: samples are decoded when they are first used.
    """

    info: StemInfo
    power: BlockPower = field(repr=False)
    flac: bytes = field(repr=False)
    _pcm: Pcm | None = field(default=None, init=False, repr=False, compare=False)
    """The samples, once they have been decoded."""
    _energy: FrameEnergy | None = field(default=None, init=False, repr=False, compare=False)
    """The energy, once it has been measured."""

    @property
    def pcm(self) -> Pcm:
        """The samples, decoded once. Raises CorruptDataError if the file is not as long as `info` says."""
        if self._pcm is not None:
            return self._pcm
        pcm = decode_whole(self.flac)
        if pcm.shape[1] != self.n_samples:
            raise CorruptDataError(_wrong_file_message(self.info))
        self.keep_samples(pcm)
        return pcm

    def keep_samples(self, pcm: Pcm | None) -> Self:
        """Keep samples that the caller has at hand, which must be those of the file; return the stem."""
        object.__setattr__(self, "_pcm", pcm)  # a cache: the stem's value stays the same
        return self

    @property
    def energy(self) -> FrameEnergy:
        """The K-weighted energy of each channel in frames of 10 ms, measured once."""
        if self._energy is not None:
            return self._energy
        energy = frame_energy(self.audio)
        self.keep_energy(energy)
        return energy

    def keep_energy(self, energy: FrameEnergy) -> Self:
        """Keep an energy that the caller has at hand, which must be that of the samples; return the stem."""
        object.__setattr__(self, "_energy", energy)  # a cache, as that of the samples
        return self

    def _repr_html_(self) -> str:
        """Return a picture and a player for notebooks."""
        from copilot.notebook import render_stem  # noqa: PLC0415 - only notebooks need it

        return render_stem(self)

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the samples, which the file holds."""
        return {"info": self.info, "power": self.power, "flac": self.flac, "_energy": self._energy}

    def forget_samples(self) -> None:
        """Free the samples; they are decoded again when they are next used."""
        self.keep_samples(None)

    @property
    def n_samples(self) -> int:
        """The number of samples of each channel."""
        return seconds_to_samples(self.info.duration_s)

    @property
    def audio(self) -> Audio:
        """The samples as float32, (channels, samples)."""
        return to_float(self.pcm, STEM_BITS)

    def loudness_with(self, gains: tuple[float, float]) -> Lufs:
        """Return the integrated loudness in LUFS after these gains to left and right.

        A mono stem goes to both sides, each side of a stereo stem to its own.
        """
        left, right = gains
        power = self.power * [[left * left], [right * right]]
        return gated_loudness(power, gated=self.n_samples >= MIN_GATED_SAMPLES)

    def level_for(self, loudness_lufs: Lufs, gains: tuple[float, float]) -> float:
        """Return the factor that, multiplied with the gains of a position, gives the stem that loudness.

        The louder a decaying sound is played, the more of it passes the gate at -70 LUFS, so loudness is not
        quite proportional to level: the factor is approached in a few steps. Raises RowFault `stem-silent`
        if nothing passes the gate.
        """
        level = db_to_gain(loudness_lufs - self.info.loudness_lufs)
        for _ in range(_STEPS_TO_LEVEL):
            measured = self.loudness_with((gains[0] * level, gains[1] * level))
            if not math.isfinite(measured):
                raise RowFault("stem-silent", f"stem {self.info.key} is silent at this panning")
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
    backend: str = "",
) -> Stem:
    """Conform, quantise, measure and encode the audio that a backend rendered for `spec`.

    `backend` names the one that made the sound, if it is not the one of `spec`.

    Raises RowFault for unusable audio: `stem-layout`, `stem-not-finite`, `stem-silent`, `stem-clipped`; if it
    is far shorter than requested, or than its words take, `stem-too-short`; if far longer than those,
    `stem-too-long`.
    """
    speaks = spec.tool == "tts"
    pcm = conform(audio, rate_hz, longest_s=None if speaks else spec.duration_s)
    if (share := clipped_share(audio, rate_hz)) > _CLIPPED_SHARE:
        raise RowFault("stem-clipped", f"{share:.0%} of the sound is clipped")
    if not speaks and samples_to_seconds(pcm.shape[1]) < _SHORTEST_SHARE * spec.duration_s:
        given_s = samples_to_seconds(pcm.shape[1])
        raise RowFault("stem-too-short", f"{given_s:.2f} s of the {spec.duration_s:g} s that were requested")
    measures, energy = _measure(pcm, spec.tool)
    info = StemInfo(
        key=spec.key,
        tool=spec.tool,
        backend=backend or spec.backend.get("backend", ""),
        asked_duration_s=spec.duration_s,
        matched=matched,
        voice=spec.voice,
        words=words,
        detail=dict(detail or {}),
        **measures,
    )
    if speaks:
        _require_pace(_speech_duration(info), spec.text)
    return _make_stem(info, energy, encode_flac(pcm, STEM_BITS), pcm)


def replace_stretched_audio(stem: Stem, audio: Audio, factor: float) -> Stem:
    """Return the stem with its audio replaced by a stretched one, which is faster by `factor`.

    `audio` is (channels, samples) at the rate of the pipeline. The new stem has its own key, and
    `stretched` in its detail. Raises RowFault as `make_stem` does.
    """
    pcm = conform(audio, SAMPLE_RATE_HZ)
    measures, energy = _measure(pcm, stem.info.tool)
    info = replace(
        stem.info,
        key=content_hash([stem.info.key, "respoken", factor]),
        words=tuple(replace(w, start_s=w.start_s / factor, end_s=w.end_s / factor) for w in stem.info.words),
        detail={**stem.info.detail, "stretched": str(factor)},
        **measures,
    )
    return _make_stem(info, energy, encode_flac(pcm, STEM_BITS), pcm)


def _require_pace(spoken_s: Seconds, text: str) -> None:
    """Raise RowFault if the words cannot be what was spoken in that time."""
    shortest_s, longest_s = shortest_speech_s(text), longest_speech_s(text)
    if spoken_s < shortest_s:
        raise RowFault(
            "stem-too-short", f"{spoken_s:.2f} s of speech; its words take {shortest_s:.2f} s at least"
        )
    if spoken_s > longest_s:
        raise RowFault("stem-too-long", f"{spoken_s:.2f} s of speech; its words take {longest_s:g} s at most")


def _speech_duration(info: StemInfo) -> Seconds:
    return (info.speech_end_s or 0.0) - (info.speech_start_s or 0.0)


class _Measures(TypedDict):
    """The fields of `StemInfo` that are measured."""

    loudness_lufs: Lufs
    peak_dbtp: Decibels
    duration_s: Seconds
    speech_start_s: Seconds | None
    speech_end_s: Seconds | None


def _measure(pcm: Pcm, tool: str) -> tuple[_Measures, FrameEnergy]:
    sound = to_float(pcm, STEM_BITS)
    energy = frame_energy(sound)
    n_samples = pcm.shape[1]
    loudness = gated_loudness(block_power(energy, n_samples), gated=n_samples >= MIN_GATED_SAMPLES)
    if not math.isfinite(loudness):
        raise RowFault("stem-silent", "every block is below -70 LUFS, the gate of BS.1770")
    start_s, end_s = active_span(sound) if tool == "tts" else (None, None)
    measures: _Measures = {
        "loudness_lufs": loudness,
        "peak_dbtp": true_peak_dbtp(sound),
        "duration_s": samples_to_seconds(pcm.shape[1]),
        "speech_start_s": start_s,
        "speech_end_s": end_s,
    }
    return measures, energy


def _make_stem(info: StemInfo, energy: FrameEnergy, flac: bytes, pcm: Pcm) -> Stem:
    return Stem(info, block_power(energy, pcm.shape[1]), flac).keep_samples(pcm).keep_energy(energy)


def load_stem(info: StemInfo, flac: bytes) -> Stem:
    """Return the stem of a file. Raises CorruptDataError if the file is not what `info` says."""
    pcm, bits = decode_flac(flac)
    stem = _make_stem(info, frame_energy(to_float(pcm, STEM_BITS)), flac, pcm)
    if bits != STEM_BITS or pcm.shape[1] != stem.n_samples:
        raise CorruptDataError(_wrong_file_message(info))
    return stem


def _wrong_file_message(info: StemInfo) -> str:
    return f"stem {info.key}: the file does not hold {info.duration_s} s with {STEM_BITS} bits"
