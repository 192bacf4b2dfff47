"""Banks of voices: a folder of recordings, and an index of their speakers, emotions and words.

Each row that cannot be used is a problem with a reason; the other rows keep their place. Neither the place of
the folder nor the order of its rows changes anything.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from copilot.audio.conform import is_silent
from copilot.emotions import Emotion, find_emotion
from copilot.errors import UserError
from copilot.hashing import content_hash
from copilot.scene import Gender
from renderers.contract import Reference, Voice
from renderers.file_names import FileNames
from renderers.index_file import BadRowError, Columns, read_lines
from renderers.recordings.reading import UnreadableError, read_recording

INDEX_FILES = ("index.csv", "index.jsonl")
HEADER = "file,speaker,gender,emotion,transcript,licence"
_READ = (*HEADER.split(","), "license")
_NEEDED = ("file", "speaker", "gender", "transcript")

# The first letter of a sentence, and the English I.
_CAPITALS = re.compile(r"(?:^|[.!?][\"'\u2019\u201d)]*\s)\W*\w|\bi\b")


@dataclass(frozen=True, slots=True)
class VoiceBank:
    """The voices of a folder, sorted by name, and what is wrong with the rows that are not used.

    Each voice is a speaker; its references are sorted by emotion and content.
    """

    voices: tuple[Voice, ...]
    problems: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Count the voices and the problems in one line."""
        return f"VoiceBank({len(self.voices)} voices, {len(self.problems)} problems)"

    def fingerprint(self) -> str:
        """Return the SHA-256, in hexadecimal digits, of all that a sample depends on or names.

        That is: names, genders, emotions, transcripts, recordings, their file names (without folders) and
        licences.
        """
        return content_hash(
            [
                [voice.name, voice.gender, list(map(_describe_reference, voice.references))]
                for voice in self.voices
            ]
        )


def _describe_reference(reference: Reference) -> list[str]:
    return [
        reference.emotion,
        reference.transcript,
        reference.sha256,
        reference.path.name,
        reference.licence,
    ]


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    speaker: str
    gender: Gender
    reference: Reference

    @property
    def rank(self) -> tuple[str, ...]:
        """The order in which rows of the same recording are preferred, wherever they stand."""
        one = self.reference
        return self.speaker, one.transcript, str(one.path), self.gender, one.emotion, one.licence


def read_bank(folder: str | Path) -> VoiceBank:
    """Return the bank in a folder. Raises UserError if it has no index, or no voice that can be used."""
    bank = survey_bank(folder)
    if not bank.voices:
        n_problems = "1 problem" if len(bank.problems) == 1 else f"{len(bank.problems)} problems"
        see = f"copilot voices {shlex.quote(str(folder))}"
        raise UserError(f"{folder}: no voice can be used ({n_problems}); see: {see}", field="voices")
    return bank


def survey_bank(folder: str | Path) -> VoiceBank:
    """Return the bank in a folder, which may have no voice. Raises UserError if it has no index."""
    index = _find_index(Path(folder).expanduser())
    lines, parse = read_lines(index, "voices", HEADER, _missing_columns, _from_json)
    files = FileNames(index.parent)
    rows: list[_Row] = []
    problems: list[tuple[int, str]] = []
    for number, line in lines:
        try:
            rows.append(_parse_row(files, number, parse(line)))
        except BadRowError as error:
            problems.append((number, str(error)))
    by_sound: dict[str, _Row] = {}
    for row in sorted(rows, key=lambda row: row.rank):
        first = by_sound.setdefault(row.reference.sha256, row)
        if first is not row:
            problems.append(
                (row.line, f"{row.reference.path.name} repeats the recording of line {first.line}")
            )
    used = sorted(by_sound.values(), key=lambda row: row.line)
    voices = []
    for name, same in sorted(_group_by_speaker(used).items()):
        first = same[0]
        other = next((row for row in same if row.gender != first.gender), None)
        if other is None:
            voices.append(_make_voice(same))
            continue
        what = f"speaker {name!r} is {other.gender} here and {first.gender} on line {first.line}"
        problems.append((other.line, f"{what}; none of the speaker's recordings is used"))
    if not lines:
        problems.append((1, f"no recordings; expected rows of {HEADER}"))
    named = tuple(f"{index.name}:{number}: {what}" for number, what in sorted(problems))
    return VoiceBank(tuple(voices), named)


def find_missing_genders(voices: Sequence[Voice]) -> Iterator[str]:
    """Yield a problem for each gender that none of the voices has."""
    for gender in get_args(Gender):
        if not any(voice.gender == gender for voice in voices):
            yield f"{gender} speakers: no voice; dialogues with one will be rejected"


def _find_index(folder: Path) -> Path:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give one with an {INDEX_FILES[0]}", field="voices")
    for name in INDEX_FILES:
        if (index := folder.absolute() / name).is_file():
            return index
    raise UserError(
        f"{folder}: no {' or '.join(INDEX_FILES)}; expected an {INDEX_FILES[0]} that begins: {HEADER}",
        field="voices",
    )


def _missing_columns(header: Sequence[str]) -> str | None:
    return ", ".join(name for name in _NEEDED if name not in header) or None


def _from_json(row: Mapping[str, Any]) -> Columns:
    return {name: _to_text(name, row[name]) for name in _READ if row.get(name) is not None}


def _to_text(name: str, value: object) -> str:
    """Return a text; a speaker may be a number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadRowError(f"{name} is not a text")
    try:
        return str(value).encode().decode()
    except UnicodeEncodeError as error:
        raise BadRowError(f"{name} holds half a character") from error


def _parse_row(files: FileNames, number: int, columns: Mapping[str, str]) -> _Row:
    cells = {name: " ".join(value.split()) for name, value in columns.items()}
    for name in _NEEDED:
        if not cells.get(name):
            raise BadRowError(f"no {name}")
    emotion = find_emotion(cells.get("emotion") or None)
    if emotion is None:
        available = ", ".join(get_args(Emotion))
        raise BadRowError(f"unknown emotion {cells['emotion']!r}; available: {available}")
    path = files.find(columns["file"])
    transcript = cells["transcript"]
    reference = Reference(
        path=path,
        # Models spell out words in capitals.
        transcript=_to_sentences(transcript) if transcript.isupper() else transcript,
        sha256=_hash_sound(path, path.name),
        emotion=emotion,
        licence=cells.get("licence") or cells.get("license") or "",
    )
    return _Row(number, cells["speaker"], _parse_gender(cells["gender"]), reference)


def _to_sentences(capitals: str) -> str:
    """Turn `IS IT? I AM` into `Is it? I am`. Names stay small: nothing distinguishes them from words."""
    return _CAPITALS.sub(lambda found: found[0].upper(), capitals.lower())


def _parse_gender(text: str) -> Gender:
    for gender in get_args(Gender):
        if text.lower() == gender:
            return gender  # type: ignore[no-any-return]
    raise BadRowError(f"gender {text!r}; expected female or male")


def _hash_sound(path: Path, name: str) -> str:
    """Return the SHA-256 of a file. Raises BadRowError for one that cannot be decoded, or is not a voice."""
    try:
        audio, _ = read_recording(path)
        with path.open("rb") as sound:
            digest = hashlib.file_digest(sound, "sha256").hexdigest()
    except UnreadableError as error:
        raise BadRowError(f"{name} {error}") from error
    except OSError as error:
        raise BadRowError(f"{name} cannot be read ({error.strerror})") from error
    if not np.isfinite(audio).all():
        raise BadRowError(f"{name} contains NaN or infinity")
    if is_silent(audio):
        raise BadRowError(f"{name} is silent")
    return digest


def _group_by_speaker(rows: Iterable[_Row]) -> Mapping[str, list[_Row]]:
    by_speaker: dict[str, list[_Row]] = {}
    for row in rows:
        by_speaker.setdefault(row.speaker, []).append(row)
    return by_speaker


def _make_voice(rows: Sequence[_Row]) -> Voice:
    references = sorted((row.reference for row in rows), key=lambda r: (r.emotion, r.sha256))
    emotions = sorted({reference.emotion for reference in references})
    return Voice(rows[0].speaker, rows[0].gender, tuple(emotions), tuple(references))
