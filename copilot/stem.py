"""Stems: rendered elements. A stem is what its file holds: 24-bit FLAC, measured after quantisation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from copilot.audio.activity import active_span
from copilot.audio.conform import conform
from copilot.audio.loudness import MIN_GATED_SAMPLES, BlockPower, block_power, gated_loudness
from copilot.audio.pcm import STEM_BITS, Pcm, decode_flac, encode_flac, to_float
from copilot.audio.peak import true_peak_dbtp
from copilot.content import content_hash
from copilot.errors import CorruptDataError, RowFault
from copilot.units import Audio, Decibels, Lufs, Seconds, db_to_gain, samples_to_seconds

_STEPS_TO_LEVEL = 8
_CLOSE_ENOUGH_LU = 0.001


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word and when it is heard, in seconds from the start of the stem."""

    text: str
    start_s: Seconds
    end_s: Seconds


@dataclass(frozen=True, slots=True)
class SoundSpec:
    """Everything that decides what a sound is like: the tool parameters, the backend, the random seed.

    Loudness, panning and start time are not in it, so that changing them renders nothing.
    """

    tool: str
    text: str
    duration_s: Seconds
    seed: int
    backend: Mapping[str, str]
    voice: str | None = None
    gender: str | None = None
    emotion: str | None = None

    @property
    def key(self) -> str:
        """The stem's key: SHA-256 of the canonical JSON of all of it, as hexadecimal digits."""
        return content_hash(
            {
                "tool": self.tool,
                "text": self.text,
                "duration_s": self.duration_s,
                "seed": self.seed,
                "backend": dict(self.backend),
                "voice": self.voice,
                "gender": self.gender,
                "emotion": self.emotion,
            }
        )


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


@dataclass(frozen=True, slots=True)
class Stem:
    """One rendered sound: what is known of it, its samples (24 bit), and the FLAC file that holds them.

    `power` is what its loudness is made of: K-weighted, in each channel and gating block.
    """

    info: StemInfo
    pcm: Pcm
    power: BlockPower
    flac: bytes

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
        return gated_loudness(power, gated=self.pcm.shape[1] >= MIN_GATED_SAMPLES)

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

    Raises RowFault where it is no sound: `stem-layout`, `stem-not-finite`, `stem-silent`.
    """
    speaks = spec.tool == "tts"
    pcm = conform(audio, rate_hz, longest_s=None if speaks else spec.duration_s)
    sound = to_float(pcm, STEM_BITS)
    power = block_power(sound)
    loudness = gated_loudness(power, gated=pcm.shape[1] >= MIN_GATED_SAMPLES)
    if not math.isfinite(loudness):
        raise RowFault("stem-silent", "every block is below -70 LUFS, the gate of BS.1770")
    start, end = active_span(sound) if speaks else (None, None)
    info = StemInfo(
        key=spec.key,
        tool=spec.tool,
        backend=spec.backend.get("backend", ""),
        loudness_lufs=loudness,
        peak_dbtp=true_peak_dbtp(sound),
        duration_s=samples_to_seconds(pcm.shape[1]),
        asked_duration_s=spec.duration_s,
        matched=matched,
        voice=spec.voice,
        speech_start_s=start,
        speech_end_s=end,
        words=words,
        detail=dict(detail or {}),
    )
    return Stem(info, pcm, power, encode_flac(pcm, STEM_BITS))


def load_stem(info: StemInfo, flac: bytes) -> Stem:
    """A stem from its file. Raises CorruptDataError where the file is not what `info` says."""
    pcm, bits = decode_flac(flac)
    if bits != STEM_BITS or samples_to_seconds(pcm.shape[1]) != info.duration_s:
        raise CorruptDataError(
            f"stem {info.key}: the file does not hold {info.duration_s} s with {STEM_BITS} bits"
        )
    return Stem(info, pcm, block_power(to_float(pcm, STEM_BITS)), flac)
