"""`copilot voices`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import soundfile as sf
from rich.console import Console
from rich.table import Table
from rich.text import Text

from copilot import plugins
from copilot.audio.activity import active_span
from copilot.audio.clipping import clipped_share
from copilot.audio.conform import conform
from copilot.audio.loudness import integrated_loudness
from copilot.audio.noise_floor import noise_floor_dbfs
from copilot.audio.pcm import STEM_BITS, to_float
from copilot.emotions import Emotion
from copilot.errors import RowFault, UserError
from copilot.frozen_model import Range
from copilot.scene import Gender
from copilot.text.counting import count_words
from copilot.units import DIGITAL_SILENCE_DB, Decibels, Lufs, Seconds, gain_to_db, samples_to_seconds
from renderers import registry
from renderers.contract import Reference, Voice, info_of
from renderers.voice_bank import VoiceBank, genders_missing, survey_bank

DURATION_S = Range(low=3.0, high=30.0)
LEAST_RATE_HZ = 16_000
LEAST_LUFS: Lufs = -45.0
MOST_CLIPPED = 0.01
WORDS_PER_S = Range(low=1.0, high=5.0)

_WIDEST = 500
_NAMED = ("voice", "gender", "emotion")
_MEASURED = ("s", "Hz", "ch", "LUFS", "peak", "noise", "words", "words/s", "licence", "file")
_LEFT = {*_NAMED, "licence", "file", "voices"}


@dataclass(frozen=True, slots=True)
class Levels:
    """What is measured in a recording. `words_per_s` counts from the first to the last thing heard."""

    loudness_lufs: Lufs
    peak_dbfs: Decibels
    noise_floor_dbfs: Decibels
    clipped_share: float
    words_per_s: float


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording of a voice, and what is wrong with it as a reference.

    `levels` is none where it is too long to be one, or cannot be measured.
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


def run_voices(path: str, *, as_json: bool) -> int:
    """Print the voices of a folder, or of a renderer; return 1 where something is wrong with them.

    Raises UserError where `path` is neither, and for a renderer without voices of its own.
    """
    if path.partition(":")[0] in plugins.list_names(plugins.RENDERERS):
        bank = VoiceBank(_voices_of(path))
        recordings: dict[str, list[Recording]] = {voice.name: [] for voice in bank.voices}
    else:
        bank = survey_bank(Path(path))
        folder = Path(path).absolute()
        recordings = {v.name: [_recording(r, folder) for r in v.references] for v in bank.voices}
    problems = [*bank.problems, *_problems_of(recordings), *genders_missing(bank.voices)]
    if as_json:
        voices = [
            {
                "name": voice.name,
                "gender": voice.gender,
                "emotions": voice.emotions,
                "recordings": [asdict(recording) for recording in recordings[voice.name]],
            }
            for voice in bank.voices
        ]
        told = {"path": path, "fingerprint": bank.fingerprint(), "voices": voices, "problems": problems}
        print(json.dumps(told, allow_nan=False))
    else:
        _print(path, bank.voices, recordings, problems)
    return 1 if problems else 0


def _voices_of(renderer: str) -> tuple[Voice, ...]:
    _refuse_voiceless(renderer)
    backend = registry.create(renderer, "tts")
    try:
        voices = sorted(backend.voices(), key=lambda voice: voice.name)
    finally:
        backend.close()
    if not voices:
        raise UserError(f"voices {renderer}: it has no voices of its own; give the folder of a bank")
    return tuple(voices)


def _refuse_voiceless(renderer: str) -> None:
    """Raises UserError for a renderer whose class tells that it has no voices, or needs to be told more."""
    name, _, target = renderer.partition(":")
    make = plugins.load(plugins.RENDERERS, name, field=None)
    known = info_of(make)
    # A backend for either tool knows which when it is made: its class has a property there, or nothing.
    if getattr(make, "tool", None) == "sfx":
        raise UserError(f"voices {renderer}: {name} makes no speech; name a renderer that does, or a folder")
    if known.clones:
        raise UserError(
            f"voices {renderer}: {name} has no voices of its own; it clones those of a bank: "
            "copilot voices FOLDER"
        )
    if target and known.target is None:
        raise UserError(f"voices {renderer}: {name} takes nothing behind a colon; use copilot voices {name}")
    fields = known.settings.model_fields if known.settings else {}
    if known.target and not target and fields[known.target].is_required():
        raise UserError(f"voices {renderer}: which one? give copilot voices {name}:{known.target.upper()}")


def _problems_of(recordings: dict[str, list[Recording]]) -> Iterator[str]:
    for recording in (one for several in recordings.values() for one in several):
        yield from (f"{recording.file}: {what}" for what in recording.problems)


def _recording(reference: Reference, folder: Path) -> Recording:
    """A recording that `read_bank` took, measured and checked."""
    header = sf.info(reference.path)
    duration_s = samples_to_seconds(header.frames, header.samplerate)
    n_words = count_words(reference.transcript)
    problems: list[str] = []
    if duration_s not in DURATION_S:
        problems.append(f"{duration_s:.2f} s; a reference has {DURATION_S.low:g} to {DURATION_S.high:g} s")
    if header.samplerate < LEAST_RATE_HZ:
        problems.append(f"{header.samplerate} Hz; a reference has at least {LEAST_RATE_HZ} Hz")
    levels = None
    if duration_s <= DURATION_S.high:
        try:
            levels = _levels(reference.path, n_words)
        except RowFault as fault:
            problems.append(fault.detail)
        else:
            problems += _faults(levels)
    return Recording(
        file=str(reference.path.relative_to(folder)),
        emotion=reference.emotion,
        transcript=reference.transcript,
        licence=reference.licence,
        sha256=reference.sha256,
        duration_s=duration_s,
        rate_hz=header.samplerate,
        n_channels=header.channels,
        n_words=n_words,
        levels=levels,
        problems=tuple(problems),
    )


def _levels(path: Path, n_words: int) -> Levels:
    """Raises RowFault for a recording that is damaged, silent, not finite, or has more than two channels."""
    try:
        frames, rate_hz = sf.read(path, dtype="float32", always_2d=True)
    except sf.SoundFileError as error:
        raise RowFault("not-decoded", f"cannot be decoded ({error})") from error
    sound = to_float(conform(frames.T, rate_hz), STEM_BITS)
    start_s, end_s = active_span(sound)
    return Levels(
        loudness_lufs=max(integrated_loudness(sound), DIGITAL_SILENCE_DB),
        peak_dbfs=gain_to_db(float(np.abs(frames).max())),
        noise_floor_dbfs=noise_floor_dbfs(sound),
        clipped_share=clipped_share(frames.T, rate_hz),
        words_per_s=n_words / (end_s - start_s),
    )


def _faults(levels: Levels) -> Iterator[str]:
    if levels.loudness_lufs < LEAST_LUFS:
        yield f"{levels.loudness_lufs:.1f} LUFS; a reference has at least {LEAST_LUFS:g} LUFS"
    if levels.clipped_share > MOST_CLIPPED:
        yield f"clipped in {levels.clipped_share:.1%} of its time; at most {MOST_CLIPPED:.0%}"
    if levels.words_per_s not in WORDS_PER_S:
        yield (
            f"{levels.words_per_s:.2f} words a second; speech has {WORDS_PER_S.low:g} to "
            f"{WORDS_PER_S.high:g}: is the transcript that of the recording?"
        )


def _print(
    path: str, voices: Sequence[Voice], recordings: dict[str, list[Recording]], problems: Sequence[str]
) -> None:
    # A row stays one line, however narrow the terminal is.
    console = Console(highlight=False, width=_WIDEST)
    console.print(Text(path, style="bold"), soft_wrap=True)
    if voices:
        console.print()
        rows = [row for voice in voices for row in _rows(voice, recordings[voice.name])]
        measured = any(recordings.values())
        console.print(_table(_NAMED + _MEASURED if measured else _NAMED, rows))
        console.print()
        console.print(_summary(voices))
    if problems:
        console.print()
        console.print(Text("problems", style="bold"))
        for problem in problems:
            console.print(Text(problem, style="yellow"), soft_wrap=True)


def _rows(voice: Voice, recordings: Sequence[Recording]) -> Iterator[tuple[str, ...]]:
    if not recordings:
        every = set(voice.emotions) >= set(get_args(Emotion))
        yield voice.name, voice.gender, "every" if every else ", ".join(voice.emotions)
    for one in recordings:
        levels = one.levels
        yield (
            voice.name,
            voice.gender,
            one.emotion,
            f"{one.duration_s:.2f}",
            str(one.rate_hz),
            str(one.n_channels),
            f"{levels.loudness_lufs:.1f}" if levels else "",
            f"{levels.peak_dbfs:.1f}" if levels else "",
            f"{levels.noise_floor_dbfs:.1f}" if levels else "",
            str(one.n_words),
            f"{levels.words_per_s:.2f}" if levels else "",
            one.licence,
            one.file,
        )


def _summary(voices: Sequence[Voice]) -> Table:
    """How many voices there are of each gender, in all and for each emotion."""
    genders = get_args(Gender)
    n_voices = Counter(voice.gender for voice in voices)
    rows = [("all", *(str(n_voices[gender]) for gender in genders))]
    n_emotional = Counter((emotion, voice.gender) for voice in voices for emotion in voice.emotions)
    emotions = sorted({emotion for emotion, _ in n_emotional})
    rows += [(known, *(str(n_emotional[known, gender]) for gender in genders)) for known in emotions]
    return _table(("voices", *genders), rows)


def _table(columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        header = Text(column, style="dim" if number else "bold")
        justify: Literal["left", "right"] = "left" if column in _LEFT else "right"
        table.add_column(header, justify=justify, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
