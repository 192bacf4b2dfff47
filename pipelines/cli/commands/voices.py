"""`copilot voices`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import get_args

from rich.console import Console
from rich.table import Table
from rich.text import Text

from copilot.emotions import Emotion
from copilot.errors import UserError
from copilot.language import ENGLISH, normalise_tag
from copilot.scene import Gender
from pipelines.cli.output.tables import create_table
from renderers import registry
from renderers.contract import Voice, list_speakers
from renderers.voice_quality import CheckedRecording, check_bank, check_voices_of

_MAX_WIDTH = 500
_NAMED = ("voice", "gender", "emotion")
_MEASURED = ("s", "Hz", "ch", "LUFS", "peak", "noise", "words", "words/s", "licence", "file")
_RIGHT = set(_MEASURED) - {"licence", "file"}


def run_voices(path: str, language: str | None = None, *, as_json: bool) -> int:
    """Print the voices of a folder, or those of a renderer in a language (default: English).

    Return 1 if something is wrong with them. Raises UserError if `path` is neither, for a renderer without
    voices of its own, and for one without voices in the language.
    """
    try:
        is_renderer = path.partition(":")[0] in registry.list_names()
        report = check_voices_of(path) if is_renderer else check_bank(path)
    except UserError as error:
        # The path is an argument of this command, not an option of a run.
        raise UserError(str(error).removeprefix(f"`{error.field}`: ")) from error
    bank, recordings, problems = report.bank, report.recordings, report.problems
    voices = list_speakers(bank.voices, _read_tag(language))
    if bank.voices and not voices:
        raise UserError(
            f"{path} has no voices in this language; it has {_list_tags(bank.voices)}", field="language"
        )
    if as_json:
        described = [
            {
                "name": voice.name,
                "gender": voice.gender,
                "emotions": voice.emotions,
                "languages": voice.languages,
                "recordings": [asdict(recording) for recording in recordings[voice.name]],
            }
            for voice in voices
        ]
        found = {"path": path, "fingerprint": bank.fingerprint(), "voices": described, "problems": problems}
        print(json.dumps(found, allow_nan=False))
    else:
        _print(path, voices, recordings, problems)
        if tags := _list_tags(bank.voices):
            print(f"\nlanguages (--language): {tags}")
    return 1 if problems else 0


def _read_tag(given: str | None) -> str:
    try:
        return ENGLISH if given is None else normalise_tag(given)
    except ValueError as error:
        raise UserError(f"{given}: {error}", field="language") from None


def _list_tags(voices: Sequence[Voice]) -> str:
    return ", ".join(sorted({tag for voice in voices for tag in voice.languages}))


def _print(
    path: str,
    voices: Sequence[Voice],
    recordings: Mapping[str, Sequence[CheckedRecording]],
    problems: Sequence[str],
) -> None:
    # A row stays one line, however narrow the terminal is.
    console = Console(highlight=False, width=_MAX_WIDTH)
    console.print(Text(path, style="bold"), soft_wrap=True)
    if voices:
        console.print()
        rows = [row for voice in voices for row in _list_rows(voice, recordings[voice.name])]
        measured = any(recordings.values())
        console.print(create_table(_NAMED + _MEASURED if measured else _NAMED, rows, right=_RIGHT))
        console.print()
        console.print(_create_count_table(voices))
    if problems:
        console.print()
        console.print(Text("problems", style="bold"))
        for problem in problems:
            console.print(Text(problem, style="yellow"), soft_wrap=True)


def _list_rows(voice: Voice, recordings: Sequence[CheckedRecording]) -> Iterator[tuple[str, ...]]:
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


def _create_count_table(voices: Sequence[Voice]) -> Table:
    """Return the number of voices of each gender, in all and for each emotion."""
    genders = get_args(Gender)
    n_voices = Counter(voice.gender for voice in voices)
    rows = [("all", *(str(n_voices[gender]) for gender in genders))]
    n_emotional = Counter((emotion, voice.gender) for voice in voices for emotion in voice.emotions)
    emotions = sorted({emotion for emotion, _ in n_emotional})
    rows += [(known, *(str(n_emotional[known, gender]) for gender in genders)) for known in emotions]
    return create_table(("voices", *genders), rows, right=genders)
