"""Quality of recorded voices: what is measured in a reference recording, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from copilot import plugins
from copilot.audio.activity import active_span
from copilot.audio.clipping import clipped_share
from copilot.audio.conform import conform
from copilot.audio.loudness import integrated_loudness
from copilot.audio.noise_floor import noise_floor_dbfs
from copilot.audio.pcm import STEM_BITS, to_float
from copilot.errors import RowFault, UserError
from copilot.frozen_model import Range
from copilot.text.counting import count_words
from copilot.units import DIGITAL_SILENCE_DB, Audio, Decibels, Lufs, Seconds, gain_to_db, samples_to_seconds
from renderers import registry
from renderers.contract import Reference, get_info
from renderers.recordings.reading import find_parts, read_recording
from renderers.voice_bank import VoiceBank, find_missing_genders, survey_bank

DURATION_S = Range(low=3.0, high=30.0)
LEAST_RATE_HZ = 16_000
LEAST_LUFS: Lufs = -45.0
MOST_CLIPPED = 0.01
WORDS_PER_S = Range(low=1.0, high=5.0)


@dataclass(frozen=True, slots=True)
class Levels:
    """Figures of a recording. `words_per_s` counts from the start of the speech to its end."""

    loudness_lufs: Lufs
    peak_dbfs: Decibels
    noise_floor_dbfs: Decibels
    clipped_share: float
    words_per_s: float


@dataclass(frozen=True, slots=True)
class CheckedRecording:
    """A recording of a voice, and what is wrong with it as a reference.

    `levels` is None if it is too long to be a reference, or cannot be measured.
    """

    file: str
    emotion: str
    transcript: str
    licence: str
    sha256: str
    duration_s: Seconds
    rate_hz: int
    n_channels: int
    n_words: int
    levels: Levels | None
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VoiceReport:
    """The voices of a bank or of a renderer, and each voice's recordings; none of a renderer's voices."""

    bank: VoiceBank
    recordings: Mapping[str, tuple[CheckedRecording, ...]]

    def __repr__(self) -> str:
        """Count the voices, the recordings and the problems in one line."""
        n_recordings = sum(map(len, self.recordings.values()))
        return (
            f"VoiceReport({len(self.bank.voices)} voices, {n_recordings} recordings, "
            f"{len(self.problems)} problems)"
        )

    @property
    def problems(self) -> tuple[str, ...]:
        """Problems of the bank's rows, then of its recordings, then of its choice of voices."""
        return (
            *self.bank.problems,
            *(
                f"{recording.file}: {problem}"
                for several in self.recordings.values()
                for recording in several
                for problem in recording.problems
            ),
            *find_missing_genders(self.bank.voices),
        )


def check_bank(folder: str | Path) -> VoiceReport:
    """Measure and check every recording of a voice bank. Raises UserError if the folder has no index."""
    bank = survey_bank(folder)
    root = Path(folder).expanduser().absolute()
    recordings = {
        voice.name: tuple(check_recording(reference, root) for reference in voice.references)
        for voice in bank.voices
    }
    return VoiceReport(bank, recordings)


def check_voices_of(spec: str) -> VoiceReport:
    """List the voices that a renderer has itself. Raises UserError if it has none."""
    _require_own_voices(spec)
    renderer = registry.create(spec, "tts")
    try:
        voices = tuple(sorted(renderer.voices(), key=lambda voice: voice.name))
    finally:
        renderer.close()
    if not voices:
        raise UserError(f"{spec} has no voices of its own; give the folder of a voice bank")
    return VoiceReport(VoiceBank(voices), {voice.name: () for voice in voices})


def _require_own_voices(spec: str) -> None:
    """Raise UserError for a renderer whose class says that it has no voices, or needs a target."""
    name, _, target = spec.partition(":")
    info = get_info(registry.find_class(spec, "tts"))
    if info.tools and "tts" not in info.tools:
        raise UserError(f"{name} makes no speech; give a renderer that does, or the folder of a voice bank")
    if info.clones:
        raise UserError(
            f"{name} has no voices of its own, it clones those of a bank; give the folder of a voice bank"
        )
    if target and info.target is None:
        raise UserError(f"{name} has no target; leave out :{target}")
    if not target and plugins.requires_target(info):
        raise UserError(f"{name}: {info.target} is missing; give {name}:{str(info.target).upper()}")


def check_recording(reference: Reference, folder: Path) -> CheckedRecording:
    """Measure and check a recording of a voice bank in `folder`, an absolute path."""
    audio, rate_hz = read_recording(reference.path)
    duration_s = samples_to_seconds(audio.shape[1], rate_hz)
    n_words = count_words(reference.transcript)
    problems: list[str] = []
    if find_parts(reference.path):
        problems.append("its header tells a wrong length, which other programs believe; save it again")
    if duration_s not in DURATION_S:
        problems.append(f"{duration_s:.2f} s; a reference has {DURATION_S.low:g} to {DURATION_S.high:g} s")
    if rate_hz < LEAST_RATE_HZ:
        problems.append(f"{rate_hz} Hz; a reference has at least {LEAST_RATE_HZ} Hz")
    levels = None
    if duration_s <= DURATION_S.high:
        try:
            levels = _measure(audio, rate_hz, n_words)
        except RowFault as fault:
            problems.append(fault.detail)
        else:
            problems += _find_faults(levels)
    return CheckedRecording(
        file=str(reference.path.relative_to(folder)),
        emotion=reference.emotion,
        transcript=reference.transcript,
        licence=reference.licence,
        sha256=reference.sha256,
        duration_s=duration_s,
        rate_hz=rate_hz,
        n_channels=audio.shape[0],
        n_words=n_words,
        levels=levels,
        problems=tuple(problems),
    )


def _measure(audio: Audio, rate_hz: int, n_words: int) -> Levels:
    """Measure a recording. Raises RowFault if it has over two channels, or nothing is left at 48 kHz."""
    sound = to_float(conform(audio, rate_hz), STEM_BITS)
    start_s, end_s = active_span(sound)
    return Levels(
        loudness_lufs=max(integrated_loudness(sound), DIGITAL_SILENCE_DB),
        peak_dbfs=gain_to_db(float(np.abs(audio).max())),
        noise_floor_dbfs=noise_floor_dbfs(sound),
        clipped_share=clipped_share(audio, rate_hz),
        words_per_s=n_words / (end_s - start_s),
    )


def _find_faults(levels: Levels) -> Iterator[str]:
    if levels.loudness_lufs < LEAST_LUFS:
        yield f"{levels.loudness_lufs:.1f} LUFS; a reference has at least {LEAST_LUFS:g} LUFS"
    if levels.clipped_share > MOST_CLIPPED:
        yield f"clipped in {levels.clipped_share:.1%} of its time; at most {MOST_CLIPPED:.0%}"
    if levels.words_per_s not in WORDS_PER_S:
        yield (
            f"{levels.words_per_s:.2f} words per second; speech has {WORDS_PER_S.low:g} to "
            f"{WORDS_PER_S.high:g}; check that the transcript is that of the recording"
        )
